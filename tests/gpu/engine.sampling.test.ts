import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import type { ForwardOptions, GenerateOptions } from '../../src/api/model.ts'
import { maxDifference } from '../nmse.ts'
import { scriptedModel } from './engine.scripted.ts'
import { collect, fixture, loadEngine, logSoftmax, refusal } from './engine.support.ts'

/** A penalty that changes no choice but moves the draw to the host, one forward at a time. */
const ON_HOST = { repetitionPenalty: 1 + 1e-7 }
const PROMPT = [5, 17, 99, 3, 64, 8]

/** Reads a stream to its end. */
async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) void _
}

const SETTINGS: Record<string, GenerateOptions> = {
  greedy: { temperature: 0 },
  'top-k and top-p': { temperature: 0.8, topK: 40, topP: 0.95 },
  'top-p': { temperature: 1, topK: 0, topP: 0.7 },
  'min-p, hot': { temperature: 3, topK: 0, topP: 1, minP: 0.2 },
  'small top-k, cold': { temperature: 0.3, topK: 3, topP: 1 },
}

describe('a random model', () => {
  let model: Engine
  // No end tokens, so runs are as long as asked for.
  beforeAll(async () => void (model = await loadEngine(fixture('qwen2'))))
  afterAll(() => model.dispose())

  const logits = async (ids: readonly number[]): Promise<Float32Array[]> => {
    const { data, shape } = await model.logits(ids)
    expect(shape).toEqual([ids.length, 131])
    return ids.map((_, i) => data.slice(i * 131, (i + 1) * 131))
  }

  test.each(Object.entries(SETTINGS))('%s: a seed decides everything', async (_, settings) => {
    const run = (seed: number) => collect(model, PROMPT, { ...settings, seed, maxTokens: 24 })
    const first = await run(7)
    expect(await run(7)).toEqual(first)
    if (settings.temperature !== 0) expect((await run(8)).ids).not.toEqual(first.ids)
  })

  test.each(Object.entries(SETTINGS))(
    '%s: drawn on the GPU and ahead, or on the host',
    async (_, settings) => {
      for (let seed = 0; seed < 40; seed++) {
        const options = { ...settings, seed, maxTokens: 8 }
        const gpu = await collect(model, PROMPT, options)
        const host = await collect(model, PROMPT, { ...options, ...ON_HOST })
        expect(gpu.ids).toEqual(host.ids)
        expect(gpu.tokens.map(({ random }) => random)).toEqual(host.tokens.map(({ random }) => random))
      }
    },
  )

  const observed: [string, GenerateOptions][] = [
    ...Object.entries(SETTINGS),
    ['the distribution itself', { temperature: 1.5, topK: 0, topP: 1 }],
    ['few alternatives', { temperature: 2, topLogprobs: 0, ...ON_HOST }],
  ]
  test.each(observed)('%s: log-probabilities are those of the logits', async (_, settings) => {
    const { tokens, ids } = await collect(model, PROMPT, { topLogprobs: 20, ...settings, maxTokens: 16 })
    const rows = (await logits([...PROMPT, ...ids])).slice(PROMPT.length - 1)
    for (const { index, id, logprob, top } of tokens) {
      const expected = logSoftmax(rows[index]!)
      expect(Math.abs(logprob - expected[id]!)).toBeLessThan(1e-4)
      expect(top).toHaveLength(settings.topLogprobs ?? 20)
      for (const entry of top) expect(Math.abs(entry.logprob - expected[entry.id]!)).toBeLessThan(1e-4)
      const order = top.map((entry) => entry.logprob)
      expect(order).toEqual([...order].sort((a, b) => b - a))
    }
  })

  test.each([SETTINGS['greedy']!, { temperature: 1, topK: 0, topP: 1 }])(
    'full logits of generated tokens, kept or computed again: %j',
    async (settings) => {
      const { ids } = await collect(model, PROMPT, { ...settings, maxTokens: 20 })
      const rows = (await logits([...PROMPT, ...ids])).slice(PROMPT.length - 1)
      for (const index of [0, 7, 19]) {
        const { data, recomputed } = await model.tokenLogits(index)
        expect(recomputed).toBe(false)
        expect(maxDifference(data, rows[index]!)).toBeLessThan(1e-4)
      }
      for (const index of [-1, 20, 1.5]) await refusal(model.tokenLogits(index), 'bad-argument')
    },
  )

  /** What may happen between writing a text and asking for its logits; the page's parts do not know of each other. */
  const between: [string, (model: Engine, ids: readonly number[]) => Promise<unknown>][] = [
    ['nothing', async () => undefined],
    ['a score', (model, ids) => drain(model.score(ids))],
    ['an inspection', async (model, ids) => (await model.inspect(ids)).close()],
    ['another text', (model) => collect(model, [9, 8], { maxTokens: 3 })],
    ['a comparison', (model, ids) => drain(model.compare(ids, { a: [], b: [], maxTokens: 3 }))],
    ['a fork', (model, ids) => model.fork(ids, 8, 77)],
    ['children', (model, ids) => model.expand(ids, 4)],
    [
      'speculation',
      (model, ids) => drain(model.speculate(ids, { draft: { kind: 'prompt-lookup' }, maxTokens: 3 })),
    ],
  ]
  const untouched = new Set(['nothing', 'a score', 'an inspection'])

  test.each(between)(
    'logits of a text are right after %s, and say whether they were kept',
    async (name, work) => {
      const { ids } = await collect(model, PROMPT, { temperature: 0, maxTokens: 12 })
      const text = [...PROMPT, ...ids]
      const rows = (await logits(text)).slice(PROMPT.length - 1)
      await work(model, text.slice(0, 12))
      const { gpuBytes } = await model.memory()
      for (const index of [0, 5, 11]) {
        const got = await model.logitsAt(text.slice(0, PROMPT.length + index))
        expect(got.recomputed).toBe(!untouched.has(name))
        expect(got.data).toHaveLength(131)
        // Rows over cached keys were summed in another order.
        expect(maxDifference(got.data, rows[index]!)).toBeLessThan(1e-4)
      }
      expect((await model.memory()).gpuBytes).toBe(gpuBytes)
    },
  )

  test('logits belong to one text under one set of edits', async () => {
    const edits = [{ kind: 'scale', step: 'layers.0.attn.context', factor: 0 }] as const
    const { ids } = await collect(model, PROMPT, { temperature: 0, maxTokens: 6, edits })
    const text = [...PROMPT, ...ids.slice(0, 3)]
    const asked: [readonly number[], ForwardOptions, boolean][] = [
      [text, { edits }, false],
      [text, {}, true],
      [text.with(2, 130), { edits }, true],
      [PROMPT.slice(0, -1), { edits }, true],
      [[...PROMPT, ...ids], { edits }, true],
      [[4], {}, true],
    ]
    for (const [some, options, recomputed] of asked) {
      const got = await model.logitsAt(some, options)
      expect(got.recomputed).toBe(recomputed)
      const full = await model.logits(some, options)
      expect(maxDifference(got.data, full.data.slice(-131))).toBeLessThan(1e-4)
    }
    for (const wrong of [[], [131], [0.5]]) await refusal(model.logitsAt(wrong), 'bad-argument')
  })

  test('logits that have left the ring are computed again, and say so', async () => {
    const small = await loadEngine(fixture('qwen2'))
    Object.defineProperty(small.runner, 'ringRows', { value: 5 })
    const { ids } = await collect(small, PROMPT, { temperature: 0, maxTokens: 20 })
    const rows = (await logits([...PROMPT, ...ids])).slice(PROMPT.length - 1)
    const recomputed: boolean[] = []
    for (let index = 0; index < 20; index++) {
      const got = await small.tokenLogits(index)
      expect(maxDifference(got.data, rows[index]!)).toBeLessThan(1e-4)
      recomputed.push(got.recomputed)
    }
    expect(recomputed).toEqual(recomputed.map((_, index) => index < 15))
    await small.dispose()
  })
})

test('a nucleus wider than the GPU’s candidates is drawn exactly', async () => {
  // 300 tokens, nearly alike at this temperature: 99 % of the mass takes more than 256 of them.
  const { files } = scriptedModel('A text of a few pieces, so that its tokens are many enough.')
  const model = await loadEngine(files)
  const wide = { temperature: 60, topK: 0, topP: 0.99, maxTokens: 12, stop: [] }
  const beyond: number[] = []
  for (let seed = 0; seed < 12; seed++) {
    const gpu = await collect(model, [9], { ...wide, seed, topLogprobs: 256 })
    const host = await collect(model, [9], { ...wide, seed, ...ON_HOST })
    expect(gpu.ids).toEqual(host.ids)
    expect(gpu.tokens.every(({ logprob }) => Number.isFinite(logprob))).toBe(true)
    beyond.push(
      ...gpu.tokens.filter(({ id, top }) => !top.some((entry) => entry.id === id)).map(({ id }) => id),
    )
  }
  expect(beyond.length).toBeGreaterThan(0)
  await model.dispose()
})

describe('what cannot be run is refused before anything is computed', () => {
  let model: Engine
  beforeAll(async () => void (model = await loadEngine(fixture('qwen2'), { contextLength: 16 })))
  afterAll(() => model.dispose())

  const long = Array.from({ length: 100_000 }, (_, i) => i % 131)
  const cases: [string, readonly number[], GenerateOptions, Parameters<typeof refusal>[1], RegExp][] = [
    ['no token, and none that starts a text', [], {}, 'bad-argument', /empty/],
    ['100,000 tokens', long, {}, 'context-full', /100000 tokens.*16 positions/],
    ['as many tokens as positions', long.slice(0, 16), {}, 'context-full', /16 tokens/],
    ['an id beyond the vocabulary', [1, 131], {}, 'bad-argument', /Token 1 .* 131; .* 130/],
    ['a negative id', [-1], {}, 'bad-argument', /-1/],
    ['half an id', [0.5], {}, 'bad-argument', /0\.5/],
    ['no tokens asked for', [1], { maxTokens: 0 }, 'bad-argument', /maxTokens is 0/],
    ['too many alternatives', [1], { topLogprobs: 257 }, 'bad-argument', /topLogprobs is 257/],
    ['an empty stop string', [1], { stop: [''] }, 'bad-argument', /stop string is empty/],
    ['a temperature below 0', [1], { temperature: -1 }, 'bad-argument', /temperature is -1/],
    ['top-p 0', [1], { topP: 0 }, 'bad-argument', /topP is 0/],
    ['a seed of 2^53', [1], { seed: 2 ** 53 }, 'bad-argument', /seed/],
  ]
  test.each(cases)('%s', async (_, prompt, options, code, message) => {
    const before = await model.counters()
    const error = await refusal(collect(model, prompt, options), code)
    expect(error.message).toMatch(message)
    expect(error.hint).not.toBe('')
    expect(await model.counters()).toEqual(before)
  })

  test('a sequence ends where the context does', async () => {
    const answer = await collect(model, long.slice(0, 10), { temperature: 0 })
    expect(answer.tokens.map(({ position }) => position)).toEqual([10, 11, 12, 13, 14, 15, 16])
    expect(answer.finish).toBe('context-full')
    const onHost = await collect(model, long.slice(0, 10), { temperature: 0, ...ON_HOST })
    expect(onHost.ids).toEqual(answer.ids)
    expect(onHost.finish).toBe('context-full')
  })

  test.each([0, 1, 129, 2.5, NaN])('a context of %d positions is refused', async (contextLength) => {
    const error = await refusal(loadEngine(fixture('qwen2'), { contextLength }), 'bad-argument')
    expect(error.details).toMatchObject({ field: 'contextLength' })
  })
})
