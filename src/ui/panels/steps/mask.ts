import type { Attrs, Axis, OpName } from '../../../api/model.ts'
import type { Veil } from '../../draw/tensorCanvas.ts'

/** Which positions a row of attention leaves out: those ahead of its own, and those that its window has passed. */
export interface Mask {
  /** Positions a row sees, its own among them; null: all up to its own. */
  readonly window: number | null
}

export type Masked = 'ahead' | 'window'

interface MaskedStep {
  readonly op: string
  readonly axes: readonly Axis[]
  /** Absent of steps of a saved trace, which do not tell their window. */
  readonly attrs?: Attrs[OpName]
}

/** The mask of a step whose columns are positions; null for any other step. */
export function maskOf({ axes, attrs }: MaskedStep): Mask | null {
  if (axes.at(-1)?.kind !== 'positions') return null
  return { window: attrs !== undefined && 'window' in attrs ? attrs.window : null }
}

/** The first position that a row sees. */
export function firstSeen({ window }: Mask, row: number): number {
  return window === null ? 0 : Math.max(0, row - window + 1)
}

/** Why a row cannot see a position; null where it can. */
export function maskAt(mask: Mask | null, row: number, position: number): Masked | null {
  if (mask === null) return null
  if (position > row) return 'ahead'
  return position < firstSeen(mask, row) ? 'window' : null
}

/** What is veiled in a picture: scores ahead, which the softmax drops though they are numbers, and all that a window leaves out. */
export function veilOf({ op, mask }: { op: string; mask: Mask | null }): Veil | null {
  return mask === null ? null : { ahead: op === 'scores', window: mask.window }
}
