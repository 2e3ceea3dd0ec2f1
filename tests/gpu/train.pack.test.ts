import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Model, TrainedStep, TrainExample, TrainOptions } from '../../src/index.ts'
import { TINY, withPlainModel } from './modelFixtures.ts'

const LENGTHS = [5, 9, 2, 14, 6, 3]
/** Every text counts from its second prediction on, so that each takes as many rows as it has ids but one. */
const EXAMPLES = LENGTHS.map((length, text): TrainExample => {
  const ids = Array.from({ length }, (_, i) => (17 * i + 31 * text + 5) % 120)
  return { ids, mask: ids.map((_, i): 0 | 1 => (i > 1 || i === length - 1 ? 1 : 0)) }
})
const ROWS = LENGTHS.reduce((sum, length) => sum + length - 1, 0)

/** Losses and norms of sums of other lengths: f32 adds in another order. */
const ORDER = 1e-5

async function trained(model: Model, options: TrainOptions) {
  const { id } = await model.newAdapter({ name: 'x', rank: 3, seed: 5 })
  const steps: TrainedStep[] = []
  for await (const step of model.train(id, EXAMPLES, { learningRate: 0.01, ...options })) steps.push(step)
  const files = await model.exportAdapter([{ id, scale: 1 }])
  await model.removeAdapter(id)
  return { steps, bytes: files.get('adapter_model.safetensors') }
}

test.each(['llama', 'gpt2', 'gemma3'])(
  '%s: packed texts come to what they come to apart, and bit for bit to the batch of the same texts',
  async (name) => {
    await withPlainModel(join(TINY, name), { weights: 'f32' }, async (model) => {
      const together = await trained(model, { packRows: ROWS, steps: 4 })
      expect(together.steps.map(({ tokens }) => tokens)).toEqual(
        Array<number>(4).fill(together.steps[0]!.tokens),
      )
      expect(await trained(model, { batchSize: EXAMPLES.length, steps: 4 })).toEqual(together)
      const apart = await trained(model, { batchSize: 1, accumulate: EXAMPLES.length, steps: 4 })
      for (const [i, { loss, gradNorm, tokens }] of apart.steps.entries()) {
        const packed = together.steps[i]!
        expect(packed.tokens).toBe(tokens)
        expect(Math.abs(packed.loss / loss - 1), `loss of step ${i}`).toBeLessThan(ORDER)
        expect(Math.abs(packed.gradNorm / gradNorm - 1), `norm of step ${i}`).toBeLessThan(10 * ORDER)
      }
    })
  },
)

test('passes of different sizes: each step weighs its own tokens, and a round is as many steps as it takes', async () => {
  await withPlainModel(join(TINY, 'llama'), { weights: 'f32' }, async (model) => {
    // Rows 4, 8, 1, 13, 5, 2.
    const { steps } = await trained(model, { packRows: 13, learningRate: 0 })
    const alone = await trained(model, { learningRate: 0 })
    const passes = [[0, 1, 2], [3], [4, 5]]
    expect(steps).toHaveLength(passes.length)
    for (const [i, pass] of passes.entries()) {
      const parts = pass.map((text) => alone.steps[text]!)
      const tokens = parts.reduce((sum, part) => sum + part.tokens, 0)
      const nats = parts.reduce((sum, part) => sum + part.loss * part.tokens, 0)
      expect(steps[i]!.tokens).toBe(tokens)
      expect(Math.abs(steps[i]!.loss / (nats / tokens) - 1)).toBeLessThan(ORDER)
    }
  })
})
