import type { Attrs, Axis, OpName } from '../../api/model.ts'
import { seenEnd, seenRange } from '../../analysis/steps.ts'
import type { Veil } from './tensorCanvas.ts'

/** Which positions a row of attention sees: by its window, and by the mask; causal where none is said. */
export type Sight = Attrs['softmax']

export type Masked = 'ahead' | 'window'

interface MaskedStep {
  readonly op: string
  readonly axes: readonly Axis[]
  /** Absent of steps of a saved trace, which do not tell their window. */
  readonly attrs?: Attrs[OpName]
}

/** What the rows of a step see whose columns are positions; null for any other step. */
export function sightOf({ axes, attrs }: MaskedStep): Sight | null {
  if (axes.at(-1)?.kind !== 'positions') return null
  if (attrs === undefined || !('window' in attrs)) return { window: null }
  const mask = 'mask' in attrs ? attrs.mask : undefined
  return mask === undefined ? { window: attrs.window } : { window: attrs.window, mask }
}

/** Positions `[first, end)` that a row sees of `length`. */
export function seenBy(
  { window, mask = 'causal' }: Sight,
  row: number,
  length: number,
): readonly [number, number] {
  return seenRange({ window, mask }, row, length)
}

/** Why a row cannot see a position; null where it can. */
export function maskAt(sight: Sight | null, row: number, position: number): Masked | null {
  if (sight === null) return null
  if (position >= seenEnd(sight.mask ?? 'causal', row, Infinity)) return 'ahead'
  const [first, end] = seenBy(sight, row, Infinity)
  return position < first || position >= end ? 'window' : null
}

/** What is veiled in a picture: scores ahead, which the softmax drops though they are numbers, and all that a window leaves out. */
export function veilOf({ op, mask }: { op: string; mask: Sight | null }): Veil | null {
  if (mask === null) return null
  const { window, mask: seen = 'causal' } = mask
  return { ahead: op === 'scores', sight: { window, mask: seen } }
}
