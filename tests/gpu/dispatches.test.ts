import { expect, test, vi } from 'vitest'
import { loadModel } from '../../src/index.ts'
import { testDevice } from './device.ts'

const MODEL = new URL('../../public/models/tales-3m', import.meta.url).pathname

async function load() {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  return { device, model: await loadModel(MODEL, { device }) }
}

test('an unobserved decode forward is one submit, one pass and at most 8 dispatches a layer + 6', async () => {
  const { model } = await load()
  const before = await model.counters()
  for await (const token of model.generate([0], { temperature: 0, maxTokens: 12, stop: [] })) {
    if (token.finish !== null) break
  }
  const after = await model.counters()
  const forwards = after.forwards - before.forwards
  expect(forwards).toBeGreaterThanOrEqual(12)
  expect(after.submits - before.submits).toBe(forwards)
  expect(after.passes - before.passes).toBe(forwards)
  expect((after.dispatches - before.dispatches) / forwards).toBeLessThanOrEqual(8 * model.info.layers + 6)
  await model.dispose()
})

test('steady decoding allocates no buffer, makes no bind group and compiles nothing', async () => {
  const { device, model } = await load()
  const created = [
    'createBuffer',
    'createBindGroup',
    'createComputePipelineAsync',
    'createShaderModule',
  ] as const
  const spies = created.map((name) => vi.spyOn(device, name))
  const counts: number[][] = []
  for await (const token of model.generate([0], { temperature: 0, maxTokens: 80, stop: [] })) {
    if (token.index >= 8) counts.push(spies.map((spy) => spy.mock.calls.length))
    if (token.finish !== null) break
  }
  expect(counts.at(-1)).toEqual(counts[0])
  for (const spy of spies) spy.mockRestore()
  await model.dispose()
})

test('the cache is as large as the texts in it ask for, by the formula; nothing else grows', async () => {
  const { model } = await load()
  const { layers, kvHeads, headDim } = model.info
  const perPosition = 2 * layers * kvHeads * headDim * 4
  const measured = []
  for (const maxTokens of [8, 40, 8]) {
    for await (const token of model.generate([0], { temperature: 0, maxTokens, stop: [] })) {
      if (token.finish !== null) break
    }
    const { gpuBytes, byLabel } = await model.memory()
    const { pages, pageSize, sequences } = await model.cache()
    const used = new Set(sequences.flatMap((one) => one.pages.map(({ page }) => page))).size
    expect(used).toBeLessThanOrEqual(pages)
    // One page of one layer's K is kept for copying.
    const cache = byLabel['kv-cache'] ?? 0
    expect(cache).toBe(pages * pageSize * perPosition + (pageSize * perPosition) / (2 * layers))
    measured.push(gpuBytes - cache)
  }
  // The programs are bound after the first text; readback buffers live as long as an answer.
  expect(measured[1]).toBe(measured[0])
  expect(measured[2]).toBe(measured[0])
  await model.dispose()
})
