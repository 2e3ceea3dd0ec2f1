import { describe, expect, test } from 'vitest'
import type { DraftModel, Model, Prompt, SpeculatedRound, SpeculateOptions } from '../../src/api/model.ts'
import { ALL } from '../all.ts'
import { GREEDY_CASES, greedyDifference } from '../greedy.ts'
import { testDevice } from './device.ts'
import { collect, fixture, loadEngine, refusal, TALES } from './engine.support.ts'

interface Speculated {
  rounds: SpeculatedRound[]
  ids: number[]
  text: string
  proposed: number
  accepted: number
}

async function speculate(model: Model, prompt: Prompt, options: SpeculateOptions): Promise<Speculated> {
  const rounds: SpeculatedRound[] = []
  for await (const round of model.speculate(prompt, options)) rounds.push(round)
  const tokens = rounds.flatMap((round) => round.tokens)
  const proposals = rounds.flatMap((round) => round.proposals)
  return {
    rounds,
    ids: tokens.map(({ id }) => id),
    text: tokens.map(({ text }) => text).join(''),
    proposed: proposals.length,
    accepted: proposals.filter(({ outcome }) => outcome === 'accepted').length,
  }
}

const tales = async () =>
  loadEngine(TALES, {
    device: (await testDevice({ limits: 'adapter', features: 'all' })).device,
    weights: 'f32',
  })

describe('greedy text is that of plain decoding', () => {
  const many = ALL ? GREEDY_CASES.length : 5
  /** Draft model, tokens ahead, prompts: a draft that is seldom right costs most, so it has fewer. */
  const drafts: [string, DraftModel, number, number][] = [
    ['prompt lookup', { kind: 'prompt-lookup' }, 3, many],
    ['q4_0', { kind: 'q4_0' }, 3, many],
    ['first layers', { kind: 'first-layers', layers: 3 }, 1, 3],
  ]
  test.each(drafts)('%s', async (_, draft, ahead, prompts) => {
    const model = await tales()
    const options = { temperature: 0, draft, ahead, topLogprobs: 1, stop: [] }
    const { forwards } = await model.counters()
    const sum = { tokens: 0, rounds: 0, accepted: 0 }
    expect(GREEDY_CASES.length).toBeGreaterThanOrEqual(20)
    for (const { prompt, ids, ...expected } of GREEDY_CASES.slice(0, prompts)) {
      const got = await speculate(model, ids, { ...options, maxTokens: expected.greedy.length })
      expect(greedyDifference(expected, got.ids), prompt).toBe(null)
      sum.tokens += got.ids.length
      sum.rounds += got.rounds.length
      sum.accepted += got.accepted
    }
    expect(sum.tokens).toBe(sum.rounds + sum.accepted)
    expect((await model.counters()).forwards - forwards).toBeGreaterThanOrEqual(sum.rounds)
    await model.dispose()
    expect(await model.memory()).toEqual({ gpuBytes: 0, buffers: 0, byLabel: {} })
  })
})

test('sampled: reproducible, by the rule, and what is said of a round is what was done', async () => {
  const model = await tales()
  const prompt = 'Once upon a time there was a little fox'
  for (const sampling of [{}, { topK: 0, topP: 1, temperature: 1 }]) {
    const options = { ...sampling, seed: 5, draft: { kind: 'q4_0' }, ahead: 3, maxTokens: 40 } as const
    const [first, again] = [await speculate(model, prompt, options), await speculate(model, prompt, options)]
    expect(again.ids).toEqual(first.ids)
    let count = 0
    for (const { index, proposals, tokens } of first.rounds) {
      expect(first.rounds[index]?.tokens).toBe(tokens)
      const accepted = proposals.filter(({ outcome }) => outcome === 'accepted')
      expect(tokens.slice(0, accepted.length).map(({ id }) => id)).toEqual(accepted.map(({ id }) => id))
      for (const { outcome, random, draftProbability: q, modelProbability: p } of proposals) {
        expect(q).toBeGreaterThan(0)
        if (outcome === 'unread') expect([random, p]).toEqual([null, null])
        else expect(random! * q < p!).toBe(outcome === 'accepted')
      }
      expect(tokens.map((token) => token.index)).toEqual(tokens.map((_, i) => count + i))
      count += tokens.length
    }
    expect(first.text).toBe(await model.decode(first.ids))
    expect(first.accepted).toBeGreaterThan(0)
    // A draft that proposes what the model would say is believed nearly always.
    expect(first.accepted / first.proposed).toBeGreaterThan(0.5)
  }
  await model.dispose()
})

test('a draft without an idea changes nothing; what was read stays for the next run', async () => {
  const model = await loadEngine(fixture('llama'))
  const options = { temperature: 1, topK: 0, topP: 1, seed: 3, maxTokens: 12, stop: [] }
  // Eight different tokens: nothing to look up at first.
  const prompt = [3, 14, 15, 92, 65, 35, 89, 79]
  const plain = await collect(model, prompt, options)
  const { ids, rounds } = await speculate(model, prompt, { ...options, draft: { kind: 'prompt-lookup' } })
  const firstProposal = rounds.findIndex(({ proposals }) => proposals.length > 0)
  expect(firstProposal).not.toBe(0)
  expect(ids.slice(0, firstProposal)).toEqual(plain.ids.slice(0, firstProposal))
  const before = (await model.counters()).rows
  await collect(model, [...prompt, ...ids.slice(0, -1)], { ...options, maxTokens: 1 })
  expect((await model.counters()).rows - before).toBe(1)
  await model.dispose()
})

test('ends where plain decoding ends: at ids, stop strings, lengths and the end of the context', async () => {
  const model = await tales()
  const prompt = 'Once upon a time there was a little fox'
  const draft: DraftModel = { kind: 'first-layers', layers: 5 }
  for (const options of [{ maxTokens: 1 }, { maxTokens: 40, stop: [' the'] }, { maxTokens: 7, stop: [] }]) {
    const plain = await collect(model, prompt, { ...options, temperature: 0 })
    const got = await speculate(model, prompt, { ...options, temperature: 0, draft, ahead: 7 })
    expect(got.ids).toEqual(plain.ids)
    expect(got.text).toBe(plain.text)
    expect(got.rounds.at(-1)?.tokens.at(-1)?.finish).toBe(plain.finish)
  }
  await model.dispose()
  const small = await loadEngine(fixture('gpt2'), { contextLength: 24 })
  for (const kind of ['q4_0', 'prompt-lookup'] as const) {
    const options = { temperature: 0, stop: [], maxTokens: 100 }
    const plain = await collect(small, [5, 6, 5], options)
    const got = await speculate(small, [5, 6, 5], { ...options, draft: { kind }, ahead: 5 })
    expect(plain.finish).toBe('context-full')
    expect(got.ids).toEqual(plain.ids)
    expect(got.rounds.at(-1)?.tokens.at(-1)?.finish).toBe('context-full')
  }
  await small.dispose()
  expect((await small.memory()).buffers).toBe(0)
})

test('a draft has as much room as its text needs: a longer text makes it anew over the same weights', async () => {
  const model = await tales()
  const stages: string[] = []
  const read = async (maxTokens: number) => {
    stages.length = 0
    const onProgress: SpeculateOptions['onProgress'] = ({ stage }) => stages.push(stage)
    for await (const _ of model.speculate([5, 6, 7], { draft: { kind: 'q4_0' }, maxTokens, onProgress }))
      break
    return (await model.memory()).byLabel['draft'] ?? 0
  }
  const short = await read(8)
  expect(stages).toContain('weights')
  expect(await read(100)).toBe(short)
  expect(stages).toEqual([])
  expect(await read(400)).toBeGreaterThan(short)
  expect(stages).toEqual(['compile', 'ready'])
  await model.dispose()
  expect((await model.memory()).buffers).toBe(0)
})

test('drafts are made once, are counted, give way to others of their kind, and say what they cannot', async () => {
  const model = await loadEngine(fixture('mistral'))
  const stages: string[] = []
  const run = (draft: DraftModel, more: Partial<SpeculateOptions> = {}) =>
    speculate(model, [1, 2, 3], {
      draft,
      temperature: 0,
      maxTokens: 6,
      onProgress: ({ stage }) => stages.push(stage),
      ...more,
    })
  const bytes = async () => (await model.memory()).byLabel['draft'] ?? 0
  expect(await bytes()).toBe(0)
  await run({ kind: 'q4_0' })
  expect(stages).toContain('weights')
  const created = await bytes()
  expect(created).toBeGreaterThan(0)
  stages.length = 0
  await run({ kind: 'q4_0' })
  expect([stages, await bytes()]).toEqual([[], created])
  await run({ kind: 'first-layers', layers: 1 })
  expect(stages).toEqual(['compile', 'ready'])
  const both = await bytes()
  expect(both).toBeGreaterThan(created)
  await run({ kind: 'first-layers', layers: 1 })
  expect(await bytes()).toBe(both)
  const { layers } = model.info
  await refusal(run({ kind: 'first-layers', layers }), 'bad-argument')
  await refusal(run({ kind: 'prompt-lookup', length: 0 }), 'bad-argument')
  await refusal(run({ kind: 'prompt-lookup' }, { ahead: 8 }), 'bad-argument')
  await refusal(run({ kind: 'q4_0' }, { signal: AbortSignal.abort() }), 'aborted')
  await model.dispose()
  expect((await model.memory()).buffers).toBe(0)
})
