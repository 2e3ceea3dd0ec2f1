import { describe, expect, it } from 'vitest'
import type { Edit, EditEffect, Model } from '../../src/index.ts'
import { klDivergence, logSoftmax } from '../../src/maths/distribution.ts'
import { withFixtureModel } from './fixtureModel.ts'

/** Long enough that a forward of 128 rows ends inside a set. */
const IDS = Array.from({ length: 41 }, (_, i) => (i * 37 + 5) % 90)

/** Parts of every layer, one after the other off, and what else an edit can be. */
async function setsOf(model: Model): Promise<Edit[][]> {
  const steps = await model.steps({ rows: 1 })
  const off = (step: string, head?: number): Edit => ({
    kind: 'scale',
    step,
    factor: 0,
    ...(head === undefined ? {} : { head }),
  })
  const outputs = (layer: number): string[] =>
    steps.filter((step) => step.layer === layer && step.stream === 'writes').map(({ name }) => name)
  const perLayer = Array.from({ length: model.info.layers }, (_, layer) => {
    const context = steps.find((step) => step.layer === layer && step.op === 'context')
    const heads = context
      ? Array.from({ length: model.info.heads }, (__, head) => [off(context.name, head)])
      : []
    return [...heads, ...outputs(layer).map((step) => [off(step)]), outputs(layer).map((step) => off(step))]
  })
  const wide = steps.find((step) => step.layer === 0 && step.stream === 'writes')
  const vector = Float32Array.from({ length: wide?.axes.at(-1)?.size ?? 0 }, (_, i) => Math.sin(i))
  const scores = steps.find((step) => step.op === 'scores')
  return [
    ...perLayer.flat(),
    [],
    [{ kind: 'add', step: wide?.name ?? '', vector, factor: 2, from: 7 }],
    [{ kind: 'patch', step: wide?.name ?? '', position: 4, values: vector }],
    [{ kind: 'mask', step: scores?.name ?? '', query: 9, key: 3 }],
    [off(outputs(0)[0] ?? ''), off(outputs(model.info.layers - 1)[0] ?? '')],
  ]
}

async function collect(model: Model, sets: Edit[][]): Promise<EditEffect[]> {
  const effects: EditEffect[] = []
  for await (const some of model.editEffects(IDS, sets)) effects.push(...some)
  return effects.sort((a, b) => a.set - b.set)
}

/** What the same edits do in a run of their own. */
async function alone(model: Model, edits: Edit[]): Promise<number[]> {
  const { vocab } = model.info
  const [base, edited] = [await model.logits(IDS), await model.logits(IDS, { edits })]
  const row = (data: Float32Array, at: number) => logSoftmax(data.subarray(at * vocab, (at + 1) * vocab))
  return IDS.map((_, at) => klDivergence(row(edited.data, at), row(base.data, at)))
}

describe('many sets of edits in one forward', () => {
  for (const name of ['llama', 'gemma2', 'phi', 'mixtral', 'bert']) {
    it(`measures what each does alone: ${name}`, () =>
      withFixtureModel(name, async (model) => {
        const sets = await setsOf(model)
        const effects = await collect(model, sets)
        expect(effects.map(({ set }) => set)).toEqual(sets.map((_, set) => set))
        for (const { set, kl } of effects) {
          const want = await alone(model, sets[set] ?? [])
          // The same sums, of which a chunk may make some in another order.
          kl.forEach((value, at) =>
            expect(Math.abs(value - (want[at] ?? NaN)), `${set} at ${at}`).toBeLessThan(1e-5),
          )
        }
        expect(effects.filter(({ kl }) => Math.max(...kl) > 1e-4).length).toBeGreaterThan(sets.length / 2)
      }))
  }

  it('takes fewer forwards than there are sets, leaves the cache alone, and can be cancelled', () =>
    withFixtureModel('llama', async (model) => {
      const sets = await setsOf(model)
      const before = await model.counters()
      await collect(model, sets)
      const after = await model.counters()
      expect(after.forwards - before.forwards).toBeLessThan(sets.length)
      expect(after.pagesAllocated).toBe(before.pagesAllocated)
      const controller = new AbortController()
      const running = async () => {
        for await (const some of model.editEffects(IDS, sets, { signal: controller.signal }))
          if (some.length > 0) controller.abort()
      }
      await expect(running()).rejects.toMatchObject({ code: 'aborted' })
    }))

  it('refuses an edit at no step before anything runs', () =>
    withFixtureModel('llama', async (model) => {
      const wrong: Edit = { kind: 'scale', step: 'layers.0.nothing', factor: 0 }
      await expect(collect(model, [[wrong]])).rejects.toMatchObject({ code: 'bad-argument' })
    }))
})
