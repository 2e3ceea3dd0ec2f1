/** Fields of JSON from a stranger: what is not of the expected type reads as absent. */
export type Json = Readonly<Record<string, unknown>>

export function asRecord(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}

export function recordAt(value: unknown, key: string): Json | null {
  return asRecord(asRecord(value)?.[key])
}

export function listAt(value: unknown, key: string): readonly unknown[] | null {
  const found = asRecord(value)?.[key]
  return Array.isArray(found) ? found : null
}

export function textAt(value: unknown, key: string): string | null {
  const found = asRecord(value)?.[key]
  return typeof found === 'string' ? found : null
}

export function numberAt(value: unknown, key: string): number | null {
  const found = asRecord(value)?.[key]
  return typeof found === 'number' ? found : null
}

/** A list of whole numbers, or null when anything else is in it. */
export function idsAt(value: unknown, key: string): number[] | null {
  const found = listAt(value, key)
  return found?.every((id) => Number.isInteger(id)) ? (found as number[]) : null
}
