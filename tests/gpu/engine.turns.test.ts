import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import type { GenerateOptions, GeneratedToken } from '../../src/api/model.ts'
import { freshTestDevice } from './device.ts'
import { scriptedModel } from './engine.scripted.ts'
import { collect, fixture, loadEngine, refusal } from './engine.support.ts'
import { watchBuffers } from './faults.device.ts'

const PROMPT = Array.from({ length: 45 }, (_, i) => (i * 37) % 131)
const GREEDY: GenerateOptions = { temperature: 0, maxTokens: 24 }
const ON_HOST = { repetitionPenalty: 1 + 1e-7 }

describe('one model, many runs', () => {
  let model: Engine
  let fresh: Awaited<ReturnType<typeof collect>>
  beforeAll(async () => {
    const other = await loadEngine(fixture('qwen2'))
    fresh = await collect(other, PROMPT, GREEDY)
    await other.dispose()
    model = await loadEngine(fixture('qwen2'))
  })
  afterAll(() => model.dispose())

  test.each(Array.from({ length: 21 }, (_, k) => k))(
    'stopped at token %d, the next answer is whole',
    async (k) => {
      for (const how of [{}, ON_HOST]) {
        const controller = new AbortController()
        if (k === 0) controller.abort()
        const options = { ...GREEDY, ...how, signal: controller.signal }
        const stopped = collect(model, PROMPT, options, ({ index }) => {
          if (index + 1 === k) controller.abort()
        })
        if (k === 0) await refusal(stopped, 'aborted')
        else {
          const { ids, finish } = await stopped
          expect(ids).toEqual(fresh.ids.slice(0, k + 1))
          expect(finish).toBe('abort')
        }
        expect((await collect(model, PROMPT, GREEDY)).ids).toEqual(fresh.ids)
      }
    },
  )

  test.each([1, 2, 3, 9])('left by break at token %d, likewise', async (k) => {
    const { ids } = await collect(model, PROMPT, GREEDY, ({ index }) => index + 1 < k)
    expect(ids).toEqual(fresh.ids.slice(0, k))
    expect((await collect(model, PROMPT, GREEDY)).ids).toEqual(fresh.ids)
  })

  test('stopped while the prompt is read', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const prompt = [1, ...PROMPT, ...PROMPT]
    const onPrefill = (done: number): void => {
      seen.push(done)
      if (seen.length === 2) controller.abort()
    }
    await refusal(collect(model, prompt, { ...GREEDY, onPrefill, signal: controller.signal }), 'aborted')
    expect(seen).toHaveLength(2)
    expect((await collect(model, PROMPT, GREEDY)).ids).toEqual(fresh.ids)
  })

  test('the progress of reading a prompt begins with what is known and ends with all of it', async () => {
    const prompt = [2, ...PROMPT, ...PROMPT.slice(0, 30)]
    const seen: [number, number][] = []
    const read = { ...GREEDY, onPrefill: (...pair: [number, number]) => void seen.push(pair) }
    await collect(model, prompt, read)
    expect(seen[0]).toEqual([0, 76])
    expect(seen.at(-1)).toEqual([76, 76])
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b))
    seen.length = 0
    await collect(model, [...prompt, 7], read)
    expect(seen).toEqual([
      [76, 77],
      [77, 77],
    ])
  })

  test('two at once take turns', async () => {
    const order: number[] = []
    const both = await Promise.all(
      [0, 1].map((n) => collect(model, PROMPT, GREEDY, () => void order.push(n))),
    )
    expect(both.map(({ ids }) => ids)).toEqual([fresh.ids, fresh.ids])
    expect(order).toEqual([...fresh.ids.map(() => 0), ...fresh.ids.map(() => 1)])
  })

  test('inspecting and reading back in between changes nothing', async () => {
    const ids: number[] = []
    for await (const token of model.generate(PROMPT, GREEDY)) {
      ids.push(token.id)
      if (token.index % 5 === 0) {
        const { data } = await model.logits([...PROMPT, ...ids])
        const row = data.subarray(-131)
        if (token.index + 1 < fresh.ids.length) {
          expect(row.indexOf(Math.max(...row))).toBe(fresh.ids[token.index + 1])
        }
        await model.tokenLogits(0)
      }
    }
    expect(ids).toEqual(fresh.ids)
  })
})

describe('prefix reuse', () => {
  let model: Engine
  beforeAll(async () => void (model = await loadEngine(fixture('qwen2'))))
  afterAll(() => model.dispose())

  /** Rows computed for a prompt and its first token. */
  const rows = async (prompt: readonly number[]): Promise<{ rows: number; token: GeneratedToken }> => {
    const before = (await model.counters()).rows
    const [token] = (await collect(model, prompt, { ...GREEDY, maxTokens: 1, topLogprobs: 131 })).tokens
    return { rows: (await model.counters()).rows - before, token: token! }
  }
  const changed = (at: number): number[] => PROMPT.map((id, i) => (i === at ? (id + 1) % 131 : id))

  test('computes only what is new, to the same logits', async () => {
    const cases: [prompt: number[], rows: number][] = [
      [PROMPT, 45],
      [PROMPT, 1],
      [[...PROMPT, 4], 1],
      [[...PROMPT, 4, 5, 6], 2],
      [changed(20), 25],
      [changed(32), 13],
      [changed(31), 14],
      [PROMPT.slice(0, 10), 1],
      [[130, ...PROMPT], 46],
    ]
    for (const [prompt, expected] of cases) {
      const got = await rows(prompt)
      expect([prompt.length, got.rows]).toEqual([prompt.length, expected])
      const other = await loadEngine(fixture('qwen2'))
      const [token] = (await collect(other, prompt, { ...GREEDY, maxTokens: 1, topLogprobs: 131 })).tokens
      await other.dispose()
      const byId = new Map(token!.top.map(({ id, logprob }) => [id, logprob]))
      for (const { id, logprob } of got.token.top)
        expect(Math.abs(logprob - byId.get(id)!)).toBeLessThan(1e-4)
    }
  })

  test('an answer is part of the next prompt’s prefix', async () => {
    const answer = await collect(model, PROMPT, GREEDY)
    const got = await rows([...PROMPT, ...answer.ids, 9])
    expect(got.rows).toBe(2) // the last token of an answer is not fed to the model
  })

  test('survives more conversations than the cache holds, the oldest being the one that goes on', async () => {
    const oldest = [77, ...PROMPT]
    const expected = await rows(oldest)
    for (let n = 0; n < 15; n++) await rows([n, n + 50, ...PROMPT.slice(0, 5)])
    const again = await rows([...oldest, 3])
    const other = await loadEngine(fixture('qwen2'))
    const [token] = (await collect(other, [...oldest, 3], { ...GREEDY, maxTokens: 1 })).tokens
    await other.dispose()
    expect(again.token.id).toBe(token!.id)
    expect((await rows(oldest)).token.id).toBe(expected.token.id)
  })
})

test('an unobserved forward is one submit of one pass', async () => {
  const model = await loadEngine(fixture('llama'))
  const before = await model.counters()
  const { ids } = await collect(model, [5, 6, 7], { ...GREEDY, stop: [] })
  const after = await model.counters()
  const forwards = after.forwards - before.forwards
  expect(forwards).toBeGreaterThanOrEqual(ids.length)
  expect(after.submits - before.submits).toBe(forwards)
  expect(after.passes - before.passes).toBe(forwards)
  await model.dispose()
})

test('steady decoding allocates no buffer, compiles nothing and uploads a few words', async () => {
  const { device } = await freshTestDevice()
  const buffers = watchBuffers(device)
  const model = await loadEngine(fixture('qwen2'), { device })
  for (const how of [{}, ON_HOST]) {
    let created = 0
    let before = await model.counters()
    await collect(model, [3, 1, 4], { ...GREEDY, ...how, maxTokens: 60 }, ({ index }) => {
      if (index === 4) created = buffers.made
    })
    before = await model.counters()
    await collect(model, [3, 1, 4, 1, 5], { ...GREEDY, ...how, maxTokens: 60 }, ({ index }) => {
      if (index === 4) created = buffers.made
      if (index > 4) expect(buffers.made).toBe(created)
    })
    const after = await model.counters()
    expect(after.pipelinesCompiled).toBe(before.pipelinesCompiled)
    expect((after.bytesUploaded - before.bytesUploaded) / (after.forwards - before.forwards)).toBeLessThan(
      512,
    )
  }
  await model.dispose()
  expect(buffers.live).toBe(0)
  device.destroy()
})

test('200 generations and 20 loads leave as many bytes as they found', async () => {
  const { device } = await freshTestDevice()
  const buffers = watchBuffers(device)
  const { files } = scriptedModel('A short text, written many times.')
  const kinds: GenerateOptions[] = [
    { temperature: 0 },
    { temperature: 0, ...ON_HOST },
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 40, topK: 0, topP: 0.99 },
    { temperature: 0, stop: ['text'] },
  ]
  const model = await loadEngine(files, { device })
  const run = (n: number): Promise<unknown> =>
    collect(model, [4 + (n % 50), ...(n % 3 === 0 ? [9] : [])], { ...kinds[n % 5]!, seed: n, maxTokens: 12 })
  for (let n = 0; n < 10; n++) await run(n)
  const { gpuBytes, buffers: count } = await model.memory()
  expect(count).toBe(buffers.live)
  for (let n = 0; n < 200; n++) {
    await run(n)
    expect([(await model.memory()).gpuBytes, buffers.live]).toEqual([gpuBytes, count])
  }
  const loaded: number[] = []
  for (let n = 0; n < 20; n++) {
    const other = await loadEngine(files, { device })
    loaded.push((await other.memory()).gpuBytes)
    await collect(other, [5], { temperature: 0, maxTokens: 3 })
    await other.dispose()
    expect(await other.memory()).toEqual({ gpuBytes: 0, buffers: 0, byLabel: {} })
    expect(buffers.live).toBe(count)
  }
  expect(new Set(loaded).size).toBe(1)
  await model.dispose()
  expect(buffers.live).toBe(0)
  device.destroy()
})

describe('a model that was disposed of', () => {
  test('says so, and twice is once', async () => {
    const model = await loadEngine(fixture('llama'))
    await Promise.all([model.dispose(), model.dispose()])
    for (const call of [
      () => collect(model, [1]),
      () => model.logits([1]),
      () => model.trace([1], { probes: ['embed'] }),
      () => model.tokenLogits(0),
    ]) {
      const error = await refusal(Promise.resolve().then<unknown>(call), 'bad-argument')
      expect(error.message).toContain('disposed')
    }
    expect(model.info.vocab).toBe(131)
  })

  test('in the middle of a run, an inspection and a queue: all end, nothing stays', async () => {
    const { device } = await freshTestDevice()
    const buffers = watchBuffers(device)
    const model = await loadEngine(fixture('qwen2'), { device })
    const left = model.generate([3], GREEDY)
    await left.next()
    const queued = refusal(collect(model, [4], GREEDY), 'bad-argument')
    const inspecting = refusal(model.logits(PROMPT), 'bad-argument')
    await model.dispose()
    await refusal(left.next(), 'bad-argument')
    await Promise.all([queued, inspecting])
    expect(buffers.live).toBe(0)
    device.destroy()
  })
})
