import { join } from 'node:path'
import { expect, test } from 'vitest'
import { refusal } from './engine.support.ts'
import { readJson, TINY, withModel } from './modelFixtures.ts'

test.each([
  ['llama', 'f32'],
  ['llama', 'q8_0'],
  ['gpt2', 'f16'],
] as const)('%s in %s: a row of weights makes its output', async (name, weights) => {
  await withModel(join(TINY, name), { weights }, async (model) => {
    const { ids } = readJson(join(TINY, name, 'expected.json')) as { ids: number[] }
    const inspection = await model.inspect(ids)
    const products = inspection.steps.filter(({ op }) => op === 'linear')
    expect(products.length).toBeGreaterThan(4)
    for (const { name: step, inputs, output } of products) {
      const column = (output.shape[1] ?? 1) - 1
      const row = await inspection.weights(step, column)
      const x = await inspection.row(inputs[0]!, 1)
      const { data } = await inspection.row(step, 1)
      const sum = x.data.reduce((total, value, k) => total + value * row.weights[k]!, row.bias ?? 0)
      expect(row.weights.length, step).toBe(x.data.length)
      // f32 accumulation against f64, of values of a few units.
      expect(Math.abs(sum - data[column]!), step).toBeLessThan(1e-4)
    }
    await refusal(inspection.weights('embed', 0), 'bad-argument')
    await refusal(inspection.weights('logits', 1e9), 'bad-argument')
    await inspection.close()
  })
})
