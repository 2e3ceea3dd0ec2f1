import { RAMP } from './ramps.ts'
import { LEVELS } from './palette.ts'

/**
 * Ink of a weight 0…1, as a share. Most weights of a long text are small: the square root keeps them visible, and 1 stays 1.
 */
export const inkOf = (weight: number): number => Math.sqrt(Math.max(0, weight))

/** Index of a weight's colour in a ramp. */
export function inkIndex(weight: number): number {
  return Math.min(RAMP - 1, Math.floor(inkOf(weight) * RAMP))
}

/** Palette step behind a token's text. */
export function inkLevel(weight: number): number {
  return Math.min(LEVELS - 1, Math.floor(inkOf(weight) * LEVELS))
}
