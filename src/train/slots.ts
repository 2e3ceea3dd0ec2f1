import { tensorBytes, type ArenaPlan } from '../program/arena.ts'
import { shapeOf, type Step } from '../program/step.ts'

/** The free slot that wastes least: the smallest that is large enough, else the largest, which then grows. */
function bestFit(free: readonly number[], bytes: readonly number[], size: number): number | undefined {
  const waste = (slot: number): number => (bytes[slot] ?? 0) - size
  const fitting = free.filter((slot) => waste(slot) >= 0).sort((a, b) => waste(a) - waste(b))
  return fitting[0] ?? [...free].sort((a, b) => waste(b) - waste(a))[0]
}

/**
 * Shares buffers between outputs that are never alive at once, as {@link planArena} does. Tensors of training differ in size by
 * hundreds of times, and many live long, so that each takes the slot that fits it.
 */
export function planSlots(steps: readonly Step[], own: ReadonlySet<string>): ArenaPlan {
  const lastUse = new Map<string, number>()
  for (const [i, step] of steps.entries())
    for (const name of [step.name, ...step.inputs]) lastUse.set(name, i)
  const slots = new Map<string, number>()
  const bytes: number[] = []
  const free = new Set<number>()
  for (const [i, step] of steps.entries()) {
    if (!own.has(step.name)) {
      const size = tensorBytes(shapeOf(step))
      const slot = bestFit([...free], bytes, size) ?? bytes.length
      free.delete(slot)
      slots.set(step.name, slot)
      bytes[slot] = Math.max(bytes[slot] ?? 0, size)
    }
    for (const name of new Set([step.name, ...step.inputs])) {
      const slot = slots.get(name)
      if (slot !== undefined && lastUse.get(name) === i) free.add(slot)
    }
  }
  return { slots, bytes }
}
