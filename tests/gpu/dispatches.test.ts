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
  const made = [
    'createBuffer',
    'createBindGroup',
    'createComputePipelineAsync',
    'createShaderModule',
  ] as const
  const spies = made.map((name) => vi.spyOn(device, name))
  const counts: number[][] = []
  for await (const token of model.generate([0], { temperature: 0, maxTokens: 80, stop: [] })) {
    if (token.index >= 8) counts.push(spies.map((spy) => spy.mock.calls.length))
    if (token.finish !== null) break
  }
  expect(counts.at(-1)).toEqual(counts[0])
  for (const spy of spies) spy.mockRestore()
  await model.dispose()
})

test('memory per token of context is what the formula of the cache says; nothing else grows', async () => {
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const sizes = []
  for (const contextLength of [64, 128]) {
    const model = await loadModel(MODEL, { device, contextLength })
    const { byLabel } = await model.memory()
    const { layers, kvHeads, headDim } = model.info
    sizes.push({ kv: byLabel['kv-cache'] ?? 0, perPosition: 2 * layers * kvHeads * headDim * 4 })
    const before = await model.memory()
    for await (const token of model.generate([0], { temperature: 0, maxTokens: 40, stop: [] })) {
      if (token.finish !== null) break
    }
    // Readback buffers live as long as the answer; after it the bytes are the same.
    expect((await model.memory()).gpuBytes).toBe(before.gpuBytes)
    await model.dispose()
  }
  // The pool holds four contexts, and what does not depend on the context.
  const [small, large] = sizes
  expect((large?.kv ?? 0) - (small?.kv ?? 0)).toBe((small?.perPosition ?? 0) * 4 * 64)
})
