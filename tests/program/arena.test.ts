import { describe, expect, test } from 'vitest'
import { planArena, tensorBytes } from '../../src/program/arena.ts'
import { withAdapters } from '../../src/program/changes.ts'
import { fuse } from '../../src/program/fuse.ts'
import { shapeOf, type Program } from '../../src/program/step.ts'
import { FUSE, PROGRAM_MODELS, recordRows } from './models.ts'

/** Runs a program on its slots: every input must still be what its slot holds. */
function faultsOf({ steps }: Program, separate: ReadonlySet<string>): string[] {
  const { slots, bytes } = planArena({ rows: 0, logitRows: 0, positions: 0, steps }, separate)
  const holds = new Map<number, string>()
  const faults: string[] = []
  for (const step of steps) {
    const slot = slots.get(step.name)
    for (const input of step.inputs) {
      const from = slots.get(input)
      if (from === undefined && !separate.has(input)) faults.push(`${input} has no slot`)
      if (from !== undefined && holds.get(from) !== input) faults.push(`${step.name} reads ${input} too late`)
      if (from !== undefined && from === slot) faults.push(`${step.name} reads and writes slot ${slot}`)
    }
    if (separate.has(step.name) === (slot !== undefined))
      faults.push(`${step.name} has a slot beside its own buffer`)
    if (slot === undefined) continue
    if ((bytes[slot] ?? 0) < tensorBytes(shapeOf(step))) faults.push(`${step.name} does not fit its slot`)
    holds.set(slot, step.name)
  }
  return faults
}

describe.each(PROGRAM_MODELS)('$name', ({ model }) => {
  test.each([1, 8, 128])('%i rows: no output is written over before it is read', (rows) => {
    const fine = recordRows(model, rows)
    const adapted = withAdapters(fine, {
      ranks: () => 4,
      replacers: (step) => Number(step.endsWith('attn.q')),
    })
    for (const program of [fine, adapted, fuse(fine, FUSE), fuse(adapted, FUSE)]) {
      expect(faultsOf(program, new Set())).toEqual([])
      expect(faultsOf(program, new Set(['logits', 'layers.0.resid']))).toEqual([])
    }
  })

  const [first, second] = [0, 1].map((layer) =>
    recordRows(model, 1).steps.flatMap((step) => (step.layer === layer ? step.op : [])),
  )
  // Layers of two kinds need what the larger of them needs.
  if (first?.join() === second?.join())
    test('layers share the slots of the first', () => {
      const slotsOf = (layers: number): number => {
        const { steps, ...size } = fuse(recordRows(model, 1), FUSE)
        const some = steps.filter(({ layer }) => layer === null || layer < layers)
        return planArena({ ...size, steps: some }, new Set(['logits'])).bytes.length
      }
      expect(slotsOf(2)).toBe(slotsOf(1))
    })
})

test('rows are padded to whole vectors of four', () => {
  expect([[3, 4], [3, 5], [2, 3, 8], [7]].map((shape) => tensorBytes(shape))).toEqual([48, 96, 192, 32])
})
