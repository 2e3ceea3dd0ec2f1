import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Edit, Model, ScoredToken, ScoreOptions } from '../../src/index.ts'
import { entropyNats, logSoftmax, rankOf, topN } from '../../src/maths/distribution.ts'
import { scoreRow } from '../../src/decode/score.ts'
import { maxDifference } from '../nmse.ts'
import { collect, refusal } from './engine.support.ts'
import { greedyIds } from './fixtureModel.ts'
import { readJson, ROOT, withModel } from './modelFixtures.ts'

/** What a loss may be off an f64 forward: f32 logits of a few units. */
const BAR = 1e-3
/** The same logits through kernels for other numbers of rows. */
const KERNELS = 1e-4

interface Losses {
  folder: string
  ids: number[]
  losses: number[]
}

const FIXTURES = readJson(join(ROOT, 'tests/fixtures/score/losses.json')) as Losses[]
const BUNDLED = FIXTURES[0]!

async function scoreAll(
  model: Model,
  ids: readonly number[],
  options?: ScoreOptions,
): Promise<ScoredToken[]> {
  const all: ScoredToken[] = []
  for await (const chunk of model.score(ids, options)) all.push(...chunk)
  return all
}

describe('score', () => {
  test.each(FIXTURES)('$folder: every loss is that of an f64 forward', async ({ folder, ids, losses }) => {
    await withModel(join(ROOT, folder), {}, async (model) => {
      const before = await model.memory()
      const scored = await scoreAll(model, ids)
      expect(scored.map(({ id }) => id)).toEqual(ids.slice(1))
      expect(scored.map(({ position }) => position)).toEqual(losses.map((_, i) => i + 1))
      expect(
        maxDifference(
          scored.map(({ logprob }) => -logprob),
          losses,
        ),
      ).toBeLessThanOrEqual(BAR)
      expect(await model.memory()).toEqual(before)
    })
  })

  test('logprobs, ranks, entropies and alternatives are those of the logits, whatever the chunks', async () => {
    await withModel(join(ROOT, BUNDLED.folder), {}, async (model) => {
      const ids = BUNDLED.ids.slice(0, 150)
      const { vocab } = model.info
      const { data } = await model.logits(ids)
      const sizes: number[] = []
      const scored: ScoredToken[] = []
      for await (const chunk of model.score(ids, { topLogprobs: 7 })) {
        sizes.push(chunk.length)
        scored.push(...chunk)
      }
      expect(sizes[0]).toBe(8)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(128)
      scored.forEach(({ position, id, logprob, rank, entropy, top }) => {
        const logits = data.subarray((position - 1) * vocab, position * vocab)
        const all = logSoftmax(logits)
        expect(Math.abs(logprob - all[id]!)).toBeLessThanOrEqual(KERNELS)
        expect(Math.abs(entropy - entropyNats(logits))).toBeLessThanOrEqual(KERNELS)
        // Tokens as probable as this one, within what the kernels differ by, may stand before or behind it.
        const ties = all.filter((other) => Math.abs(other - all[id]!) <= KERNELS).length
        expect(Math.abs(rank - rankOf(logits, id))).toBeLessThan(ties)
        topN(logits, 7).forEach((best, i) => {
          expect(Math.abs(top[i]!.logprob - best.logprob)).toBeLessThanOrEqual(KERNELS)
          expect(Math.abs(top[i]!.logprob - all[top[i]!.id]!)).toBeLessThanOrEqual(KERNELS)
        })
      })
      expect(scored[0]!.top.every(({ text }) => text !== '')).toBe(true)
    })
  })

  test('a row by itself: ties by id, impossible tokens, logits that are no numbers', () => {
    const { logprob, rank, top, entropy } = scoreRow(Float32Array.of(1, 2, 2, -Infinity), 2, 3)
    expect(rank).toBe(1)
    expect(logprob).toBeCloseTo(2 - Math.log(Math.E + 2 * Math.E ** 2), 12)
    expect(top.map(({ id }) => id)).toEqual([1, 2, 0])
    expect(entropy).toBeCloseTo(entropyNats(Float32Array.of(1, 2, 2)), 12)
    expect(scoreRow(Float32Array.of(1, -Infinity), 1, 0)).toMatchObject({
      logprob: -Infinity,
      rank: 1,
      top: [],
    })
    expect(scoreRow(Float32Array.of(1, NaN), 0, 1).entropy).toBeNaN()
    expect(scoreRow(Float32Array.of(1, Infinity), 0, 1).entropy).toBeNaN()
  })

  test('an edit changes the scores behind it alone; the text generated next does not change', async () => {
    await withModel(join(ROOT, 'tests/fixtures/models/llama'), {}, async (model) => {
      const ids = FIXTURES[1]!.ids.slice(0, 40)
      const before = await greedyIds(model, ids, { maxTokens: 6 })
      const plain = await scoreAll(model, ids)
      const edits: Edit[] = [{ kind: 'scale', step: 'layers.0.mlp.down', factor: 0, from: 20 }]
      const edited = await scoreAll(model, ids, { edits })
      const moved = edited.map(({ logprob }, i) => Math.abs(logprob - plain[i]!.logprob))
      // Kernels that can be edited add in another order.
      expect(Math.max(...moved.slice(0, 20))).toBeLessThanOrEqual(KERNELS)
      expect(Math.max(...moved.slice(20))).toBeGreaterThan(1e-2)
      const { pagesAllocated } = await model.counters()
      expect(await greedyIds(model, ids, { maxTokens: 6 })).toEqual(before)
      expect((await model.counters()).pagesAllocated - pagesAllocated).toBeLessThanOrEqual(1)
    })
  })

  test('adapters: scores are of the scales asked for, and adapters that come midway end it by name', async () => {
    await withModel(join(ROOT, 'tests/fixtures/models/llama'), {}, async (model) => {
      const ids = FIXTURES[1]!.ids.slice(0, 40)
      const { vocab } = model.info
      const { id } = await model.addAdapter('./tests/fixtures/peft/llama-plain')
      const adapters = [{ id, scale: 0.7 }]
      const { data } = await model.logits(ids, { adapters })
      const [scaled, base] = [
        await scoreAll(model, ids, { adapters }),
        await scoreAll(model, ids, { adapters: [] }),
      ]
      scaled.forEach(({ position, logprob }) => {
        const logits = data.subarray((position - 1) * vocab, position * vocab)
        expect(Math.abs(logprob - logSoftmax(logits)[ids[position]!]!)).toBeLessThanOrEqual(KERNELS)
      })
      expect(scaled.some(({ logprob }, i) => Math.abs(logprob - base[i]!.logprob) > 1e-2)).toBe(true)
      const changing = async () => {
        for await (const chunk of model.score(ids))
          if (chunk[0]!.position === 1) await model.removeAdapter(id)
      }
      await refusal(changing(), 'aborted')
      expect((await scoreAll(model, ids)).map(({ logprob }) => logprob)).toEqual(
        base.map(({ logprob }) => expect.closeTo(logprob, 4) as number),
      )
    })
  })

  test('an abort ends it; what cannot be scored is refused by name', async () => {
    await withModel(join(ROOT, BUNDLED.folder), {}, async (model) => {
      const before = await model.memory()
      const controller = new AbortController()
      const seen: number[] = []
      const run = async () => {
        for await (const chunk of model.score(BUNDLED.ids, { signal: controller.signal })) {
          seen.push(chunk.length)
          controller.abort()
        }
      }
      await refusal(run(), 'aborted')
      expect(seen).toEqual([8])
      expect(await model.memory()).toEqual(before)
      await refusal(scoreAll(model, []), 'bad-argument')
      await refusal(scoreAll(model, [1, model.info.vocab]), 'bad-argument')
      await refusal(scoreAll(model, [1, 2], { topLogprobs: 257 }), 'bad-argument')
      await refusal(
        scoreAll(
          model,
          Array.from({ length: model.info.context + 1 }, () => 5),
        ),
        'context-full',
      )
      expect(await scoreAll(model, [5])).toEqual([])
      // The engine is free again.
      expect((await collect(model, 'Once', { maxTokens: 2 })).ids.length).toBe(2)
    })
  })
})
