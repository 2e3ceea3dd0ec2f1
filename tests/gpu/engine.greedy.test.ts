import { expect, test } from 'vitest'
import { GREEDY_CASES, greedyDifference } from '../greedy.ts'
import { testDevice } from './device.ts'
import { collect, loadEngine, TALES } from './engine.support.ts'

test('the bundled model writes what an independent forward in f64 writes', async () => {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const model = await loadEngine(TALES, { device, weights: 'f32' })
  expect(GREEDY_CASES.length).toBeGreaterThanOrEqual(20)
  for (const { prompt, ids, ...expected } of GREEDY_CASES) {
    const got = await collect(model, ids, { temperature: 0, maxTokens: expected.greedy.length, stop: [] })
    expect(greedyDifference(expected, got.ids), prompt).toBe(null)
  }
  await model.dispose()
})
