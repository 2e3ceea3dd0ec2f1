import { tensorBytes, type ArenaPlan } from '../program/arena.ts'
import { shapeOf, type Step } from '../program/step.ts'

/** An output with the steps from which to which it is alive. */
interface Lifetime {
  readonly name: string
  readonly bytes: number
  readonly begin: number
  readonly end: number
}

function lifetimes(steps: readonly Step[], separate: ReadonlySet<string>): Lifetime[] {
  const lastUse = new Map<string, number>()
  for (const [i, step] of steps.entries())
    for (const name of [step.name, ...step.inputs]) lastUse.set(name, i)
  return steps.flatMap((step, begin) => {
    const { name } = step
    return separate.has(name)
      ? []
      : [{ name, bytes: tensorBytes(shapeOf(step)), begin, end: lastUse.get(name) ?? begin }]
  })
}

/**
 * Shares buffers between outputs that are never alive at once, as {@link planArena} does. Tensors of training differ in size by
 * hundreds of times, and many live long: the largest choose first, so that what lives long in a slot is about as large as the slot.
 */
export function planSlots(steps: readonly Step[], separate: ReadonlySet<string>): ArenaPlan {
  const slots = new Map<string, number>()
  const taken: Lifetime[][] = []
  const bytes: number[] = []
  const bySize = lifetimes(steps, separate).sort((a, b) => b.bytes - a.bytes || a.begin - b.begin)
  for (const tensor of bySize) {
    const isFree = (list: readonly Lifetime[]): boolean =>
      list.every(({ begin, end }) => end < tensor.begin || begin > tensor.end)
    const freeSlot = taken.findLastIndex(isFree)
    const slot = freeSlot < 0 ? taken.length : freeSlot
    ;(taken[slot] ??= []).push(tensor)
    bytes[slot] ??= tensor.bytes
    slots.set(tensor.name, slot)
  }
  return { slots, bytes }
}
