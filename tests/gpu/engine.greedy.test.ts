import { expect, test } from 'vitest'
import { GREEDY_CASES, greedyDifference } from '../greedy.ts'
import { testDevice } from './device.ts'
import { collect, loadEngine, TALES } from './engine.support.ts'
import { publish } from '../figures.ts'

test('the bundled model writes what an independent forward in f64 writes', async () => {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const model = await loadEngine(TALES, { device, weights: 'f32' })
  expect(GREEDY_CASES.length).toBeGreaterThanOrEqual(20)
  const began = performance.now()
  let count = 0
  for (const { prompt, ids, ...want } of GREEDY_CASES) {
    const got = await collect(model, ids, { temperature: 0, maxTokens: want.greedy.length, stop: [] })
    expect(greedyDifference(want, got.ids), prompt).toBe(null)
    count += got.ids.length
  }
  const speed = Math.round((count * 1000) / (performance.now() - began))
  publish({ name: 'decode', value: speed, unit: 'tokens/s', adapter: model.info.backend })
  await model.dispose()
})
