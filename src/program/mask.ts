import type { Mask, Window } from './attrs.ts'
import { isOp, type Program, type Step } from './step.ts'

/** End of the positions that a row at `position` of a text of `length` tokens sees, before its window. */
export function seenEnd(mask: Mask, position: number, length: number): number {
  const causalEnd = position + 1
  const seen =
    mask === 'causal' ? causalEnd : mask === 'bidirectional' ? length : Math.min(mask.prefix, length)
  return mask === 'bidirectional' || position < seen ? Math.max(causalEnd, seen) : causalEnd
}

/** Positions `[first, end)` that a row sees: of a window of w those less than w away. */
export function seenRange(
  { mask, window }: { mask: Mask; window: Window },
  position: number,
  length: number,
): readonly [first: number, end: number] {
  const end = seenEnd(mask, position, length)
  return window === null ? [0, end] : [Math.max(0, position - window + 1), Math.min(end, position + window)]
}

/** True when no row sees a later one. */
export function isCausal(mask: Mask): boolean {
  return mask === 'causal' || (mask !== 'bidirectional' && mask.prefix <= 1)
}

/** Equal for masks that are the same. */
export function maskName(mask: Mask): string {
  if (isCausal(mask)) return 'causal'
  return typeof mask === 'string' ? mask : `prefix:${mask.prefix}`
}

/** The mask that a recorded forward has of its own. */
export function ownMask({ steps }: Program): Mask {
  return steps.find((step) => isOp(step, 'scores'))?.attrs.mask ?? 'causal'
}

/** The same forward under another mask: which positions rows see is said anew by every step of its attention. */
export function withMask(program: Program, mask: Mask): Program {
  const masked = (step: Step): Step =>
    isOp(step, 'scores', 'softmax', 'context') ? ({ ...step, attrs: { ...step.attrs, mask } } as Step) : step
  return { ...program, steps: program.steps.map(masked) }
}
