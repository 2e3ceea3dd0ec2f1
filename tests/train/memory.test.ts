import { expect, test } from 'vitest'
import { llamaOf, shapeNamed } from '../../bench/shapes.ts'
import type { ParsedAdapter } from '../../src/adapters/types.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { stacksOf } from '../../src/program/stacks.ts'
import { batchWords } from '../../src/run/batch.ts'
import type { BoundAdapters } from '../../src/run/changes.ts'
import { flatWords } from '../../src/train/flatBuffers.ts'
import { flatLayout } from '../../src/train/flatLayout.ts'
import { untrainedAdapter } from '../../src/train/newAdapter.ts'
import { passProgram, slotBytes } from '../../src/train/passProgram.ts'

const ROWS = 512
const LIMIT = 200e6

/** An adapter as programs see it, of which no buffer exists. */
function unbound(model: ModelDescription, parsed: ParsedAdapter): BoundAdapters {
  const program = model.record({ rows: 1, logitRows: 1, positions: 1 })
  const stacks = new Map(
    stacksOf(program).map(({ name, members }) => {
      const own = parsed.modules.filter(({ step }) => members.some((member) => member.name === step))
      const sources = new Map(own.map((module) => [module.source, module]))
      const firstRank = (source: string): number =>
        [...sources.keys()].indexOf(source) * (sources.get(source)?.rank ?? 0)
      const parts = own.map((module) => ({
        step: module.step,
        firstRank: firstRank(module.source),
        modules: [{ slot: 0, module }],
      }))
      return [name, { parts, ranks: [...sources.values()].reduce((sum, { rank }) => sum + rank, 0) }]
    }),
  )
  return {
    ranks: (stack: string) => stacks.get(stack)?.ranks ?? 0,
    replacers: () => 0,
    adapterStack: (name: string) => stacks.get(name),
  } as unknown as BoundAdapters
}

/** Bytes that training holds beside the weights, as {@link Trainer} allocates them, and those of the adapter itself. */
function trainingBytes(keep: 'auto' | 'everything', optimizer: 'adamw' | 'adafactor') {
  const model = llamaOf(shapeNamed('SmolLM2-135M'), 30, 49_152, ROWS)
  const parsed = untrainedAdapter(model, { name: 'x', rank: 8 })
  const layout = flatLayout(parsed)
  const size = { rows: ROWS, logitRows: ROWS, positions: ROWS }
  const asked = { layout, slot: 0, size, pairs: null, keep }
  const { program, flat } = passProgram(model, unbound(model, parsed), asked)
  const words = flatWords(layout, { optimizer, objective: 'likelihood' }, ROWS)
  const state = [...words.values()].reduce((sum, count) => sum + 4 * count, 0)
  const saved = slotBytes(program.steps, new Set([...flat, ...words.keys()]))
  return { adapter: 4 * layout.size, state, saved, batch: 4 * batchWords(ROWS, 1, 1) }
}

test('at the shapes of SmolLM2-135M, rank 8 everywhere, 512 tokens take at most 200 MB beside the weights', () => {
  for (const optimizer of ['adamw', 'adafactor'] as const) {
    const { adapter, state, saved, batch } = trainingBytes('auto', optimizer)
    expect(adapter + state + saved + batch, optimizer).toBeLessThan(LIMIT)
  }
  // Without layers run again it would not fit.
  expect(trainingBytes('everything', 'adamw').saved).toBeGreaterThan(LIMIT)
})
