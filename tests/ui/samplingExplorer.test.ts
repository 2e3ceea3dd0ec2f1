import { describe, expect, test } from 'vitest'
import { entropyBits, logSoftmax, logSumExp } from '../../src/maths/distribution.ts'
import { checkSampling, PRESETS, sampleStages, sampleToken } from '../../src/decode/samplers.ts'
import { orderAll } from '../../src/maths/fullRanking.ts'
import {
  explorerRandom,
  countDraws,
  stageTable,
  STAGES,
  plainRow,
  segmentsOf,
  type StageRequest,
} from '../../src/analysis/samplingStages.ts'
import type { SamplingOptions } from '../../src/api/model.ts'
import { randomSource } from '../random.ts'

const VOCAB = 500
const SEEN = [3, 7, 7, 250, 11]

/** Logits with ties, zeros of both signs and impossible tokens. */
function someLogits(seed: number, vocab = VOCAB): Float32Array {
  const random = randomSource(seed)
  return Float32Array.from({ length: vocab }, (_, id) => {
    if (id % 97 === 5) return -Infinity
    if (id % 41 === 0) return id % 2 === 0 ? 0 : -0
    return Math.round((random.uniform() - 0.5) * 160) / 10
  })
}

const options = (changes: Partial<SamplingOptions> = {}): SamplingOptions =>
  checkSampling({ ...PRESETS.exact, ...changes })

const CASES: Partial<SamplingOptions>[] = [
  {},
  { temperature: 0 },
  { temperature: 0.7, topK: 40, topP: 0.95 },
  { temperature: 1.3, topP: 0.8, minP: 0.02, repetitionPenalty: 1.4 },
  { temperature: 1, minP: 0.1 },
  { temperature: 0.5, topK: 3, topP: 0.5, minP: 0.5, repetitionPenalty: 0.8 },
  { temperature: 2, topK: 1 },
  { temperature: 5, topP: 0.999 },
]

const request = (changes: Partial<SamplingOptions>, more: Partial<StageRequest> = {}): StageRequest => ({
  options: options(changes),
  seenIds: SEEN,
  random: 0.37,
  limit: VOCAB,
  always: [],
  ...more,
})

test('one order for all settings: that of a comparison, ties by lowest id', () => {
  const logits = someLogits(1)
  const { ids } = orderAll(logits)
  const finite = [...logits.keys()].filter((id) => logits[id]! > -Infinity)
  expect([...ids]).toEqual(finite.sort((a, b) => logits[b]! - logits[a]! || a - b))
  expect(() => orderAll(Float32Array.of(1, NaN))).toThrow(/NaN/)
})

describe('the stages are what samplers.ts computes', () => {
  test.each(CASES)('%o', (changes) => {
    const logits = someLogits(2)
    const plain = plainRow(orderAll(logits))
    for (const random of [0, 0.2, 0.5, 0.9, 0.9999999]) {
      const table = stageTable(plain, request(changes, { random }))
      const context = { seenIds: SEEN, random }
      const sampled = sampleStages(logits, options(changes), context)
      expect(table.sampled.chosen).toBe(sampleToken(logits, options(changes), context))
      expect([...table.sampled.ids]).toEqual([...sampled.ids])
      // Not close: the same operations in the same order.
      expect(table.sampled.cumulative).toEqual(sampled.cumulative)
      expect(table.stages.map(({ kept }) => kept)).toEqual([
        plain.order.ids.length,
        ...sampled.stages.map(({ kept }) => kept),
      ])
      const survivors = table.rows.filter(({ cutAt }) => cutAt === null)
      expect(survivors.map(({ id }) => id)).toEqual([...sampled.ids])
      survivors.forEach(({ shares, interval }, i) => {
        expect(shares.at(-1)).toBeCloseTo(sampled.probabilities[i]!, 12)
        expect(interval![1] - interval![0]).toBeCloseTo(sampled.probabilities[i]!, 12)
      })
    }
  })
})

test.each(CASES)(
  'each stage cuts a tail that stays visible, and its masses and entropies add up: %o',
  (changes) => {
    const logits = someLogits(3)
    const { stages, rows, rest } = stageTable(plainRow(orderAll(logits)), request(changes))
    const raw = logSoftmax(logits)
    rows.forEach(({ id, shares }) => expect(shares[0]).toBeCloseTo(Math.exp(raw[id]!), 12))
    STAGES.forEach((name, stage) => {
      const { kept, mass, entropyBits: entropy } = stages[stage]!
      const left = rows.flatMap(({ shares }) => shares[stage] ?? [])
      expect(left.length, name).toBe(kept)
      expect(left.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10)
      // A cut removes what the stage before gave to the tokens that are gone.
      const before = rows.map(({ shares }) =>
        shares[stage] === null ? 0 : (shares[Math.max(0, stage - 1)] ?? 0),
      )
      if (stage > 2)
        expect(mass).toBeCloseTo(
          before.reduce((sum, share) => sum + share, 0),
          10,
        )
      const expected = left.reduce((sum, share) => (share > 0 ? sum - share * Math.log2(share) : sum), 0)
      expect(entropy).toBeCloseTo(expected, 8)
    })
    rows.forEach(({ shares, cutAt }) => {
      const first = shares.indexOf(null)
      expect(cutAt).toBe(first === -1 ? null : first)
      if (first !== -1) expect(shares.slice(first).every((share) => share === null)).toBe(true)
    })
    expect(rest).toEqual({
      count: VOCAB - rows.length,
      shares: STAGES.map(() => expect.closeTo(0, 10) as number),
    })
  },
)

test('few rows: the rest keeps its mass, and asked-for tokens have a row wherever they stand', () => {
  const logits = someLogits(4)
  const order = orderAll(logits)
  const [far, farther] = [order.ids[200]!, order.ids[400]!]
  const { rows, rest } = stageTable(
    plainRow(order),
    request({}, { limit: 10, always: [farther, far, order.ids[2]!], random: 0 }),
  )
  expect(rows.map(({ id }) => id)).toEqual([...order.ids.slice(0, 10), far, farther])
  const shown = rows.reduce((sum, { shares }) => sum + shares[0]!, 0)
  expect(rest.shares[0]).toBeCloseTo(1 - shown, 12)
  expect(rest.count).toBe(VOCAB - 12)
  const late = stageTable(plainRow(order), request({ temperature: 9 }, { limit: 3, random: 0.95 }))
  expect(late.sampled.chosenRank).toBeGreaterThan(3)
  expect(late.rows.map(({ id }) => id)).toEqual([...order.ids.slice(0, 3), late.sampled.chosen])
})

test('the bar covers [0, 1] without gaps, and the mark lies in the drawn interval', () => {
  const { sampled } = stageTable(plainRow(orderAll(someLogits(5))), request({}, { random: 0.999 }))
  const segments = segmentsOf(sampled, 6)
  segments.forEach(({ from }, i) => expect(from).toBe(segments[i - 1]?.to ?? 0))
  expect(segments.at(-1)!.to).toBeCloseTo(1, 12)
  expect(segments.reduce((sum, { count }) => sum + count, 0)).toBe(sampled.ids.length)
  const drawn = segments.find(({ id }) => id === sampled.chosen)!
  expect(drawn.from <= 0.999 && 0.999 < drawn.to).toBe(true)
})

test('many draws follow the distribution, and are the same numbers every time', () => {
  const { sampled } = stageTable(plainRow(orderAll(someLogits(6))), request({ topK: 5, temperature: 3 }))
  const count = 20_000
  const drawn = countDraws(sampled, 42, count)
  expect(countDraws(sampled, 42, count)).toEqual(drawn)
  expect([...drawn.values()].reduce((a, b) => a + b, 0)).toBe(count)
  sampled.ids.forEach((id, i) => {
    // Five standard deviations.
    const p = sampled.probabilities[i]!
    expect(Math.abs((drawn.get(id) ?? 0) / count - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count))
  })
  expect(explorerRandom(42, 0)).not.toBe(explorerRandom(42, 1))
})

test('a vocabulary of 150,000 is ordered whole and filtered to a table of every token', () => {
  const random = randomSource(7)
  const vocab = 151_936
  const logits = Float32Array.from(
    { length: vocab },
    () => (random.uniform() + random.uniform() + random.uniform() - 1.5) * 10,
  )
  const seenIds = Array.from({ length: 400 }, (_, i) => (i * 377) % vocab)
  const flat = { temperature: 1.5, repetitionPenalty: 1.2 }
  const plain = plainRow(orderAll(logits))
  const table = stageTable(plain, request(flat, { seenIds, limit: 32, random: 0.99 }))
  expect(table.sampled.ids.length).toBe(vocab)
  expect(logSumExp(logits)).toBeGreaterThan(0)
  expect(entropyBits(logits)).toBeGreaterThan(0)
})
