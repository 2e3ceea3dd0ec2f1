import { elements, shapeOf, type Program } from './step.ts'

/** Which slot of the arena holds each step's output, and how large each slot must be. */
export interface ArenaPlan {
  readonly slots: ReadonlyMap<string, number>
  readonly bytes: readonly number[]
}

/** Bytes of a step's output; rows are padded to whole vec4. */
export function tensorBytes(shape: readonly number[]): number {
  const width = shape.at(-1) ?? 1
  return (elements(shape) / width) * Math.ceil(width / 4) * 16
}

/**
 * Shares buffers between outputs that are never alive at once. A slot is free again once the last step that reads it has been
 * given its own output, so no step reads and writes the same buffer.
 */
export function planArena(program: Program, separate: ReadonlySet<string>): ArenaPlan {
  const lastUse = new Map<string, number>()
  program.steps.forEach((step, i) => {
    for (const name of [step.name, ...step.inputs]) lastUse.set(name, i)
  })
  const slots = new Map<string, number>()
  const bytes: number[] = []
  const free = new Set<number>()
  program.steps.forEach((step, i) => {
    if (!separate.has(step.name)) {
      const slot = free.size > 0 ? Math.min(...free) : bytes.length
      free.delete(slot)
      slots.set(step.name, slot)
      bytes[slot] = Math.max(bytes[slot] ?? 0, tensorBytes(shapeOf(step)))
    }
    for (const name of new Set([step.name, ...step.inputs])) {
      const slot = slots.get(name)
      if (slot !== undefined && lastUse.get(name) === i) free.add(slot)
    }
  })
  return { slots, bytes }
}
