import { strength, type EditedRow } from '../../../analysis/editedRows.ts'
import type { EditedText } from './run.ts'
import { LEVELS } from '../../draw/palette.ts'

/** Where the colours may end. */
const ENDS = [1e-4, 1e-3, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20] as const

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

export const signed = (text: string, value: number): string => (value > 0 ? `+${text}` : text)
