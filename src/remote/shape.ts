/** Fields of JSON from a stranger: what is not of the expected type reads as absent. */
export type Json = Readonly<Record<string, unknown>>

export function asRecord(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}

export function recordAt(value: unknown, key: string): Json | null {
  return asRecord(asRecord(value)?.[key])
}

export function listAt(value: unknown, key: string): readonly unknown[] | null {
  const field = asRecord(value)?.[key]
  return Array.isArray(field) ? field : null
}

export function textAt(value: unknown, key: string): string | null {
  const field = asRecord(value)?.[key]
  return typeof field === 'string' ? field : null
}

export function numberAt(value: unknown, key: string): number | null {
  const field = asRecord(value)?.[key]
  return typeof field === 'number' ? field : null
}

/** A list of whole numbers, or null when anything else is in it. */
export function idsAt(value: unknown, key: string): number[] | null {
  const values = listAt(value, key)
  return values?.every((id) => Number.isInteger(id)) ? (values as number[]) : null
}
