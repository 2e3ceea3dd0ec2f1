import { describe, expect, test } from 'vitest'
import {
  certain,
  drawFrom,
  filtered,
  acceptDrafts,
  probabilityOf,
  residual,
  speculationRandom,
  type Filtered,
} from '../../src/decode/speculation/acceptance.ts'
import { lookUp } from '../../src/decode/speculation/promptLookup.ts'
import { randomUniform } from '../../src/maths/rng.ts'
import { DEFAULT_SAMPLING } from '../../src/decode/samplingOptions.ts'

/** Distributions over six tokens, the next one depending on the token before (−1 at the start). */
type Chain = (before: number) => Filtered

const SAMPLING = { ...DEFAULT_SAMPLING, topK: 0, topP: 1, temperature: 0.9 }
const VOCAB = 6
const DRAWS = 40_000

/** Reproducible logits between −2 and 2. */
function chain(seed: number, sampling: Partial<typeof SAMPLING> = {}): Chain {
  const rows = Array.from({ length: VOCAB + 1 }, (_, row) => {
    const logits = Float32Array.from(
      { length: VOCAB },
      (_, id) => randomUniform(seed, row * VOCAB + id) * 4 - 2,
    )
    return filtered(logits, { ...SAMPLING, ...sampling })
  })
  return (before) => rows[before + 1]!
}

/** The first two tokens that come of proposing `ahead` tokens by `draft` and testing them against `model`, as one number. */
function pair(model: Chain, draft: Chain, ahead: number, seed: number): number {
  const text: number[] = []
  while (text.length < 2) {
    const base = text.length
    const before = text.at(-1) ?? -1
    const draftTokens: { id: number; distribution: Filtered }[] = []
    for (let i = 0; i < ahead; i++) {
      const distribution = draft(draftTokens.at(-1)?.id ?? before)
      draftTokens.push({
        id: drawFrom(distribution, speculationRandom(seed, base + i, 'draft')),
        distribution,
      })
    }
    const { accepted, token } = acceptDrafts(
      draftTokens,
      (row) => model(row === 0 ? before : draftTokens[row - 1]!.id),
      {
        accept: (row) => speculationRandom(seed, base + row, 'accept'),
        draw: (row) => speculationRandom(seed, base + row, 'draw'),
      },
    )
    text.push(...draftTokens.slice(0, accepted).map(({ id }) => id), token)
  }
  return text[0]! * VOCAB + text[1]!
}

/** Pearson's statistic of the first two tokens against the model's own joint distribution. */
function chiSquare(model: Chain, draft: Chain, ahead: number): { statistic: number; freedom: number } {
  const counts = new Float64Array(VOCAB * VOCAB)
  for (let seed = 0; seed < DRAWS; seed++) counts[pair(model, draft, ahead, seed)]! += 1
  let statistic = 0
  let freedom = -1
  for (let cell = 0; cell < counts.length; cell++) {
    const [a, b] = [Math.floor(cell / VOCAB), cell % VOCAB]
    const expected = DRAWS * probabilityOf(model(-1), a) * probabilityOf(model(a), b)
    if (expected === 0) expect(counts[cell]).toBe(0)
    else {
      statistic += (counts[cell]! - expected) ** 2 / expected
      freedom += 1
    }
  }
  return { statistic, freedom }
}

/** Wilson–Hilferty: the value a chi-square exceeds with probability 1e-4; the seeds are fixed, so a pass stays one. */
function bound(freedom: number): number {
  const z = 3.719
  return freedom * (1 - 2 / (9 * freedom) + z * Math.sqrt(2 / (9 * freedom))) ** 3
}

describe('what comes out follows the model, whatever the draft', () => {
  const model = chain(1)
  const cases: [string, Chain, Chain][] = [
    ['another distribution', model, chain(2)],
    ['the same distribution', model, model],
    ['a draft that is sure of one token', model, (before) => certain((before + 2) % VOCAB)],
    ['a draft whose filters cut what the model keeps', model, chain(3, { topK: 2 })],
    ['a model whose filters cut what the draft proposes', chain(1, { topK: 3, topP: 0.9 }), chain(2)],
    [
      'a draft sure of what the model never says',
      chain(1, { topK: 1 }),
      (before) => certain((before + 3) % VOCAB),
    ],
  ]
  test.each(cases)('%s', (_, target, draft) => {
    for (const ahead of [1, 3]) {
      const { statistic, freedom } = chiSquare(target, draft, ahead)
      if (freedom === 0) expect(statistic).toBe(0)
      else expect(statistic).toBeLessThan(bound(freedom))
    }
  })

  test('a wrong rule would be noticed: keeping every proposal gives the draft’s distribution', () => {
    const draft = chain(2)
    const counts = new Float64Array(VOCAB)
    for (let seed = 0; seed < DRAWS; seed++)
      counts[drawFrom(draft(-1), speculationRandom(seed, 0, 'draft'))]! += 1
    const statistic = counts.reduce((sum, count, id) => {
      const expected = DRAWS * probabilityOf(model(-1), id)
      return sum + (count - expected) ** 2 / expected
    }, 0)
    expect(statistic).toBeGreaterThan(10 * bound(VOCAB - 1))
  })
})

test('the acceptance rate is Σ min(p, q)', () => {
  const [p, q] = [chain(1)(-1), chain(2)(-1)]
  const expected = Array.from({ length: VOCAB }, (_, id) =>
    Math.min(probabilityOf(p, id), probabilityOf(q, id)),
  ).reduce((sum, share) => sum + share, 0)
  let accepted = 0
  for (let seed = 0; seed < DRAWS; seed++) {
    const id = drawFrom(q, speculationRandom(seed, 0, 'draft'))
    const numbers = { accept: () => speculationRandom(seed, 0, 'accept'), draw: () => 0.5 }
    accepted += acceptDrafts([{ id, distribution: q }], () => p, numbers).accepted
  }
  // Four standard deviations of a share of 40,000 draws are at most 0.01.
  expect(accepted / DRAWS).toBeCloseTo(expected, 2)
})

test('greedy: the longest agreeing prefix, then the model’s own token', () => {
  const zero = { accept: () => 0, draw: () => 0 }
  const draftTokens = [4, 2, 7].map((id) => ({ id, distribution: certain(id) }))
  const own = (ids: number[]) => (row: number) => certain(ids[row]!)
  expect(acceptDrafts(draftTokens, own([4, 2, 7, 1]), zero)).toEqual({ accepted: 3, token: 1 })
  expect(acceptDrafts(draftTokens, own([4, 3, 7, 1]), zero)).toEqual({ accepted: 1, token: 3 })
  expect(acceptDrafts(draftTokens, own([5, 2, 7, 1]), zero)).toEqual({ accepted: 0, token: 5 })
  expect(acceptDrafts([], own([6]), zero)).toEqual({ accepted: 0, token: 6 })
})

test('the residual is what the draft leaves over', () => {
  const p = { ids: Uint32Array.of(3, 1, 2), probabilities: Float64Array.of(0.5, 0.3, 0.2) }
  const q = { ids: Uint32Array.of(1, 3), probabilities: Float64Array.of(0.6, 0.4) }
  const left = residual(p, q)
  expect(probabilityOf(left, 1)).toBe(0)
  expect(probabilityOf(left, 3)).toBeCloseTo(0.1 / 0.3, 12)
  expect(probabilityOf(left, 2)).toBeCloseTo(0.2 / 0.3, 12)
  expect(residual(p, p)).toEqual(p)
})

test('numbers depend on seed, place and purpose alone; the model’s are those of plain sampling', () => {
  const numbers = (['draw', 'accept', 'draft'] as const).map((purpose) => speculationRandom(7, 3, purpose))
  expect(numbers[0]).toBe(randomUniform(7, 3))
  expect(new Set(numbers).size).toBe(3)
  expect(speculationRandom(7, 3, 'accept')).toBe(numbers[1])
})

describe('prompt lookup', () => {
  test.each([
    ['copies what followed the longest match', [1, 2, 3, 9, 8, 5, 2, 3, 7, 1, 2, 3], 3, 2, [9, 8]],
    ['takes fewer tokens where more never stood there', [5, 6, 4, 1, 6], 3, 2, [4, 1]],
    ['prefers the latest of equal matches', [6, 1, 6, 2, 6], 1, 1, [2]],
    ['goes on with its own copy behind the end', [3, 4, 3, 4], 2, 5, [3, 4, 3, 4, 3]],
    ['repeats a single token', [9, 9], 3, 3, [9, 9, 9]],
    ['knows nothing of a new token', [1, 2, 3], 3, 4, []],
    ['needs something to have stood before', [1], 3, 4, []],
  ])('%s', (_, text, length, count, expected) => {
    expect(lookUp(text, length, count)).toEqual(expected)
  })
})
