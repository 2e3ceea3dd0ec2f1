import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { loadModel } from '../../src/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { GeneratedToken, LoadStage } from '../../src/api/model.ts'
import { freshTestDevice, takeUncapturedErrors } from './device.ts'
import { scriptedModel } from './engine.scripted.ts'
import { collect, fixture, loadEngine, refusal } from './engine.support.ts'
import { exhaustAt, watchBuffers } from './faults.device.ts'

const PROMPT = [5, 17, 99, 3]
const GREEDY = { temperature: 0, maxTokens: 30 }

/** Runs until it fails; `onToken` brings the fault about. */
async function runInto(
  model: Engine,
  onToken: (token: GeneratedToken) => void,
): Promise<{ ids: number[]; error: TokenscopeError }> {
  const ids: number[] = []
  try {
    for await (const token of model.generate(PROMPT, GREEDY)) {
      ids.push(token.id)
      onToken(token)
    }
  } catch (error) {
    expect(error).toBeInstanceOf(TokenscopeError)
    return { ids, error: error as TokenscopeError }
  }
  throw new Error('the run came to its end')
}

describe('a device that is lost', () => {
  let expected: number[]
  beforeAll(async () => {
    const model = await loadEngine(fixture('qwen2'))
    expected = (await collect(model, PROMPT, GREEDY)).ids
    await model.dispose()
  })

  test.each([0, 1, 2, 13])('at token %d: the text stays, a new load goes on with it', async (k) => {
    const { device } = await freshTestDevice()
    const model = await loadEngine(fixture('qwen2'), { device })
    const { ids, error } = await runInto(model, ({ index }) => {
      if (index === k) device.destroy()
    })
    expect(error.code).toBe('device-lost')
    expect(error.hint).toContain('Load the model again')
    expect(ids.length).toBeGreaterThan(k)
    expect(ids).toEqual(expected.slice(0, ids.length))
    expect((await model.faulted).code).toBe('device-lost')
    await refusal(collect(model, PROMPT), 'device-lost')
    await refusal(model.logits(PROMPT), 'device-lost')
    await model.dispose()
    expect(await model.memory()).toEqual({ gpuBytes: 0, buffers: 0, byLabel: {} })
    const again = await loadEngine(fixture('qwen2'))
    const rest = await collect(again, [...PROMPT, ...ids], { ...GREEDY, maxTokens: 30 - ids.length })
    expect([...ids, ...rest.ids]).toEqual(expected)
    await again.dispose()
  })

  test.each(['weights', 'compile', 'self-test', 'ready'] as const)('while loading, at %s', async (stage) => {
    const { device } = await freshTestDevice()
    const buffers = watchBuffers(device)
    const onProgress = (progress: { stage: LoadStage }): void => {
      if (progress.stage === stage) device.destroy()
    }
    const loading = loadModel(fixture('llama'), { device, onProgress })
    if (stage === 'ready') {
      const model = await loading
      await refusal(collect(model, [1]), 'device-lost')
      await model.dispose()
    } else await refusal(loading, 'device-lost')
    expect(buffers.live).toBe(0)
  })

  test('before loading', async () => {
    const { device } = await freshTestDevice()
    device.destroy()
    await refusal(loadModel(fixture('llama'), { device }), 'device-lost')
  })

  test('in the middle of an inspection', async () => {
    const { device } = await freshTestDevice()
    const model = await loadEngine(fixture('llama'), { device })
    const inspecting = model.trace([1, 2, 3], { probes: ['layers.*.resid'] })
    device.destroy()
    await refusal(inspecting, 'device-lost')
    await model.dispose()
  })
})

test('an error no call asked for stops the run at once', async () => {
  const { device } = await freshTestDevice()
  const model = await loadEngine(fixture('qwen2'), { device })
  const { ids, error } = await runInto(model, ({ index }) => {
    if (index === 4) device.createBuffer({ size: 4, usage: 0xffff })
  })
  expect(error.message).toContain('The GPU reported a fault')
  expect(ids.length).toBeLessThanOrEqual(6)
  await model.dispose()
  expect(await takeUncapturedErrors()).toHaveLength(1)
  device.destroy()
})

test.each([
  ['model.layers.1.mlp.down_proj.weight', NaN, 'layers.1.resid'],
  ['model.layers.2.self_attn.o_proj.weight', Infinity, 'layers.2.resid_attn'],
  ['model.norm.weight', NaN, 'logits'],
])('case 38: %s holds %d: a warning, and a run that names %s', async (tensor, value, step) => {
  const { files } = scriptedModel('Never written.', { layers: 3, damage: { tensor, value } })
  const model = await loadEngine(files)
  expect(model.info.warnings.join()).toContain(tensor)
  const before = await model.memory()
  const error = await refusal(collect(model, [4, 5], { temperature: 0 }), 'bad-file')
  expect(error.details).toEqual({ step })
  expect(await model.memory()).toEqual(before)
  await model.dispose()
})

describe('out of memory', () => {
  const { files, script } = scriptedModel('Written all the same.')
  let old: Engine
  beforeAll(async () => void (old = await loadEngine(fixture('llama'))))
  afterAll(() => old.dispose())

  test('at every allocation of a load and of a run', async () => {
    const { device } = await freshTestDevice()
    const buffers = watchBuffers(device)
    let loads = 0
    for (let nth = 0; ; nth++) {
      const exhausted = exhaustAt(device, nth)
      const outcome = await attempt(device)
      exhausted.restore()
      expect(buffers.live).toBe(0)
      if (outcome.failedAt === null) break
      expect(outcome.error?.code).toBe('out-of-memory')
      expect(outcome.error?.hint).toMatch(/smaller model/)
      if (outcome.failedAt === 'load') loads += 1
    }
    expect(loads).toBeGreaterThan(20)
    expect((await collect(old, [5], { temperature: 0, maxTokens: 2 })).ids).toHaveLength(2)
    expect((await takeUncapturedErrors()).every((error) => error.includes('no room for'))).toBe(true)
    device.destroy()
  })

  async function attempt(
    device: GPUDevice,
  ): Promise<{ failedAt: 'load' | 'run' | null; error: TokenscopeError | null }> {
    let model: Engine | null = null
    try {
      model = await loadEngine(files, { device })
      const { ids } = await collect(model, [9], { temperature: 0, maxTokens: 4 })
      expect(ids).toEqual(script.slice(0, 4))
      return { failedAt: null, error: null }
    } catch (error) {
      if (!(error instanceof TokenscopeError)) throw error
      return { failedAt: model ? 'run' : 'load', error }
    } finally {
      await model?.dispose()
    }
  }

  test('a buffer larger than the device allows', async () => {
    const { device } = await freshTestDevice()
    const buffers = watchBuffers(device)
    const wide = scriptedModel('Wide.', { context: 1 << 24 })
    await refusal(loadModel(wide.files, { device, contextLength: 1 << 24 }), 'limit')
    expect(buffers.live).toBe(0)
    device.destroy()
  })

  test('an inspection too wide for a binding', async () => {
    const wide = scriptedModel('Wide.', { context: 8192 })
    const model = await loadEngine(wide.files, { contextLength: 8192 })
    const ids = Array.from({ length: 6000 }, (_, i) => i % 200)
    const error = await refusal(model.trace(ids, { probes: ['layers.0.attn.scores'] }), 'limit')
    expect(error.message).toContain('layers.0.attn.scores')
    expect((await collect(model, [9], { temperature: 0, maxTokens: 2 })).ids).toEqual(wide.script.slice(0, 2))
    await model.dispose()
  })
})

describe('a load that is given up', () => {
  const stages: LoadStage[] = ['config', 'tokenizer', 'weights', 'compile', 'self-test']

  test.each(stages)('at %s leaves nothing', async (stage) => {
    const { device } = await freshTestDevice()
    const buffers = watchBuffers(device)
    const { files } = scriptedModel('Given up.')
    const controller = new AbortController()
    const seen = new Set<LoadStage>()
    const onProgress = (progress: { stage: LoadStage }): void => {
      seen.add(progress.stage)
      if (progress.stage === stage) controller.abort()
    }
    await refusal(loadModel(files, { device, signal: controller.signal, onProgress }), 'aborted')
    expect([...seen].at(-1)).toBe(stage)
    expect(buffers.live).toBe(0)
    device.pushErrorScope('validation') // the scopes of the load are closed again
    await device.popErrorScope()
    await expect(device.popErrorScope()).rejects.toThrow()
    device.destroy()
  })

  test('tells every stage in order', async () => {
    const { files } = scriptedModel('Loaded.')
    const seen: LoadStage[] = []
    const model = await loadEngine(files, { onProgress: ({ stage }) => void seen.push(stage) })
    expect([...new Set(seen)]).toEqual([...stages, 'ready'])
    await model.dispose()
  })
})
