import { expect, test } from 'vitest'
import { anatomyOfSteps, rowLogits, scaleEdits, steeringVector } from '../../src/analysis/index.ts'
import { withFixtureModel, worst } from './fixtureModel.ts'

const TOWARD = [3, 14, 15, 9, 2]
const AWAY = [6, 5, 3, 5]

test.each(['llama', 'gemma2'])(
  '%s: a steering vector at the last stream turns one prediction into another',
  async (name) => {
    await withFixtureModel(name, async (model) => {
      const { layers } = anatomyOfSteps(await model.steps({ rows: 1 }))
      const step = layers.at(-1)?.stream ?? ''
      const vector = await steeringVector(model, step, { toward: TOWARD, away: AWAY })
      const from = AWAY.length - 1
      const edits = [{ kind: 'add', step, vector, factor: 1, from } as const]
      const steered = rowLogits(await model.logits(AWAY, { edits }), from)
      const wanted = rowLogits(await model.logits(TOWARD), TOWARD.length - 1)
      // Adding and taking away rounds in f32.
      expect(worst(steered, wanted)).toBeLessThan(1e-4)
    })
  },
)

test('a layer that is switched off leaves the stream as it came', async () => {
  await withFixtureModel('llama', async (model) => {
    const anatomy = anatomyOfSteps(await model.steps({ rows: 1 }))
    const [first, second] = anatomy.layers
    const edits = scaleEdits(anatomy, { step: second?.name ?? '', head: null }, 0)
    const probes = [first?.stream ?? '', second?.stream ?? '']
    const [before, behind] = [...(await model.trace(TOWARD, { probes, edits })).values()]
    expect(behind?.data).toEqual(before?.data)
  })
})
