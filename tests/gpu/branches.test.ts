import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PAGE } from '../../src/program/batchLayout.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Counters, ForwardOptions } from '../../src/api/model.ts'
import { collect, fixture, loadEngine, logSoftmax, refusal, TALES } from './engine.support.ts'

/** Another order of f32 sums: cached keys and values against a forward over the whole text. */
const TOLERANCE = 1e-4

type Counted = Pick<Counters, 'rows' | 'pagesAllocated' | 'forwards'>

async function counted<T>(model: Engine, work: () => Promise<T>): Promise<{ value: T; spent: Counted }> {
  const before = await model.counters()
  const value = await work()
  const after = await model.counters()
  const spent = {
    rows: after.rows - before.rows,
    pagesAllocated: after.pagesAllocated - before.pagesAllocated,
    forwards: after.forwards - before.forwards,
  }
  return { value, spent }
}

/** What follows a text, from a forward over all of it. */
async function expectedNext(model: Engine, ids: readonly number[], options: ForwardOptions = {}) {
  const { data } = await model.logits(ids, options)
  const logprobs = logSoftmax(data.slice(-model.info.vocab))
  const entropy = -logprobs.reduce((sum, logprob) => sum + Math.exp(logprob) * logprob, 0)
  return { logprobs, entropy }
}

const read = (model: Engine, prompt: readonly number[]) =>
  collect(model, prompt, { temperature: 0, maxTokens: 1, topLogprobs: 8 })

describe('a fork at depth 200', () => {
  let model: Engine
  let text: number[]
  beforeAll(async () => {
    model = await loadEngine(TALES)
    const prompt = await model.encode('Once upon a time there was a little fox who')
    const { ids } = await collect(model, prompt, { temperature: 0, maxTokens: 210, stop: [] })
    text = [...prompt, ...ids]
    while (text.length < 204) text.push(text[text.length % 50 || 1]!)
    await read(model, text)
  })
  afterAll(() => model.dispose())

  test.each([200, 6 * PAGE, 6 * PAGE - 1, 7])(
    'at %d: one new row, at most one page, the parent as it was',
    async (depth) => {
      const other = (text[depth]! + 17) % model.info.vocab
      const before = await read(model, text)
      const { value, spent } = await counted(model, () => model.fork(text, depth, other))
      expect(spent).toMatchObject({ rows: 1, forwards: 1 })
      expect(spent.pagesAllocated).toBeLessThanOrEqual(1)
      expect(value.reused).toBe(depth)
      expect(value.ids).toEqual([...text.slice(0, depth), other])
      const { logprobs, entropy } = await expectedNext(model, value.ids)
      for (const { id, logprob } of value.next.top)
        expect(Math.abs(logprob - logprobs[id]!)).toBeLessThan(TOLERANCE)
      expect(value.next.top.map(({ id }) => logprobs[id]!)).toEqual(
        [...logprobs].sort((a, b) => b - a).slice(0, 10),
      )
      expect(Math.abs(value.next.entropy - entropy)).toBeLessThan(TOLERANCE)
      // Bit for bit, and still without reading anything again.
      const again = await counted(model, () => read(model, text))
      expect(again.value.tokens).toEqual(before.tokens)
      expect(again.spent.rows).toBe(1)
    },
  )

  test('generating from a branch goes on at once, as from the whole text', async () => {
    const { ids, next } = await model.fork(text, 200, 5)
    const { value, spent } = await counted(model, () =>
      collect(model, ids, { temperature: 0, maxTokens: 4, stop: [] }),
    )
    expect(spent.rows).toBeLessThanOrEqual(4)
    expect(value.ids[0]).toBe(next.top[0]!.id)
    const { logprobs } = await expectedNext(model, [...ids, ...value.ids.slice(0, 3)])
    expect(Math.abs(value.tokens[3]!.logprob - logprobs[value.ids[3]!]!)).toBeLessThan(TOLERANCE)
  })

  test('expanding is one batch over shared pages; choosing a child reads nothing again', async () => {
    const { value: children, spent } = await counted(model, () => model.expand(text, 8))
    // The last token's row once more for its logits, then one row a child.
    expect(spent).toMatchObject({ rows: 9, forwards: 2 })
    expect(spent.pagesAllocated).toBeLessThanOrEqual(8)
    const parent = await expectedNext(model, text)
    expect(children.map(({ token }) => token.id)).toEqual(
      [...parent.logprobs.keys()].sort((a, b) => parent.logprobs[b]! - parent.logprobs[a]!).slice(0, 8),
    )
    for (const { token, next } of children) {
      expect(Math.abs(token.logprob - parent.logprobs[token.id]!)).toBeLessThan(TOLERANCE)
      const { logprobs, entropy } = await expectedNext(model, [...text, token.id])
      for (const { id, logprob } of next.top)
        expect(Math.abs(logprob - logprobs[id]!)).toBeLessThan(TOLERANCE)
      expect(Math.abs(next.entropy - entropy)).toBeLessThan(TOLERANCE)
      const chosen = await counted(model, () => read(model, [...text, token.id]))
      expect(chosen.spent.rows).toBe(1)
      expect(chosen.value.ids[0]).toBe(next.top[0]!.id)
    }
  })
})

describe('on a small model', () => {
  let model: Engine
  const PROMPT = Array.from({ length: 70 }, (_, i) => (i * 37) % 131)
  beforeAll(async () => void (model = await loadEngine(fixture('qwen2'))))
  afterAll(() => model.dispose())

  test('a text nothing is cached of is read in chunks first', async () => {
    const { value, spent } = await counted(model, () => model.fork(PROMPT, 69, 3, { topLogprobs: 131 }))
    expect(value.reused).toBe(0)
    expect(spent).toMatchObject({ rows: 70, forwards: 3 })
    const { logprobs } = await expectedNext(model, value.ids)
    for (const { id, logprob } of value.next.top)
      expect(Math.abs(logprob - logprobs[id]!)).toBeLessThan(TOLERANCE)
  })

  test('asking twice keeps one branch', async () => {
    await model.fork(PROMPT, 40, 9)
    const { sequences } = model.runner
    const kept = sequences.all().length
    const { spent } = await counted(model, () => model.fork(PROMPT, 40, 9))
    expect(spent.rows).toBe(1)
    expect(sequences.all()).toHaveLength(kept)
  })

  test('more branches than the cache holds: the oldest resting ones go', async () => {
    for (let n = 0; n < 24; n++) {
      const { ids, next } = await model.fork(PROMPT, 30 + n, (PROMPT[30 + n]! + 1) % 131)
      const { logprobs } = await expectedNext(model, ids)
      expect(Math.abs(next.top[0]!.logprob - logprobs[next.top[0]!.id]!)).toBeLessThan(TOLERANCE)
      expect((await model.expand(ids, 8)).map(({ token }) => token.id)).toEqual(
        next.top.slice(0, 8).map(({ id }) => id),
      )
    }
    const { pool, sequences } = model.runner
    for (const sequence of sequences.all()) expect(sequence.busy).toBe(false)
    for (const sequence of sequences.all()) sequences.drop(sequence)
    expect(pool.freePages).toBe(pool.pages)
  })

  test('up to the last position, and not behind it', async () => {
    const full = Array.from({ length: 128 }, (_, i) => (i * 11) % 131)
    const { next, ids } = await model.fork(full, 127, 1)
    expect(ids).toHaveLength(128)
    const { logprobs } = await expectedNext(model, ids)
    expect(Math.abs(next.top[0]!.logprob - logprobs[next.top[0]!.id]!)).toBeLessThan(TOLERANCE)
    await refusal(model.fork(full, 128, 1), 'context-full')
    await refusal(model.expand(full, 2), 'context-full')
    expect(await model.expand(full.slice(0, 127), 3)).toHaveLength(3)
  })

  test('edits have branches of their own', async () => {
    const edits = [{ kind: 'scale', step: 'layers.1.mlp.down', factor: 0 }] as const
    const plain = await model.fork(PROMPT, 50, 4)
    const edited = await model.fork(PROMPT, 50, 4, { edits })
    const { logprobs } = await expectedNext(model, edited.ids, { edits })
    expect(Math.abs(edited.next.top[0]!.logprob - logprobs[edited.next.top[0]!.id]!)).toBeLessThan(TOLERANCE)
    expect(edited.next.entropy).not.toBe(plain.next.entropy)
  })

  test('refuses what is no position, no count and no token', async () => {
    for (const call of [
      () => model.fork(PROMPT, -1, 0),
      () => model.fork(PROMPT, 71, 0),
      () => model.fork(PROMPT, 1.5, 0),
      () => model.fork(PROMPT, 3, 131),
      () => model.expand(PROMPT, 0),
      () => model.expand(PROMPT, 9),
      () => model.expand([], 2),
    ])
      await refusal(call(), 'bad-argument')
  })
})
