import type { EditedRow, EditedText } from './run.ts'
import { LEVELS } from '../../draw/palette.ts'

/** Where the colours may end. */
const ENDS = [1e-4, 1e-3, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20] as const

/** What colours a row: KL, or where none was measured how far the probability of the next token moved. */
export function strength({ kl, base, edited }: EditedRow): number {
  if (kl !== null) return kl
  return base === null || edited === null ? 0 : Math.abs(Math.exp(edited) - Math.exp(base))
}

export interface KlScale {
  /** Value at which the colours end. */
  end: number
  level(row: EditedRow): number
}

/** A scale that the largest change of this text still fits on. */
export function klScale({ rows }: EditedText): KlScale {
  const largest = rows.reduce((most, row) => Math.max(most, strength(row)), 0)
  const end = ENDS.find((candidate) => candidate >= largest) ?? largest
  return { end, level: (row) => Math.min(LEVELS - 1, Math.floor((strength(row) / end) * LEVELS)) }
}

/** The row whose prediction changed most. */
export function largestRow({ rows }: EditedText): number {
  return rows.reduce((best, row, at) => (strength(row) > strength(rows[best]!) ? at : best), 0)
}

/** Means over the text; null where nothing of it was measured. */
export function summarise({ rows }: EditedText): {
  mean: number | null
  most: number | null
  /** Sum of ln p(edited) − ln p(base) over the tokens of the text. */
  delta: number
} {
  const kl = rows.flatMap((row) => row.kl ?? [])
  const delta = rows.reduce((sum, { base, edited }) => sum + ((edited ?? 0) - (base ?? 0)), 0)
  if (kl.length === 0) return { mean: null, most: null, delta }
  return { mean: kl.reduce((sum, value) => sum + value, 0) / kl.length, most: Math.max(...kl), delta }
}

export const signed = (text: string, value: number): string => (value > 0 ? `+${text}` : text)
