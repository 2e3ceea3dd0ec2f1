import { describe, expect, test } from 'vitest'

import * as distribution from '../../src/maths/distribution.ts'
import { nmse } from '../nmse.ts'
import { randomSource } from '../random.ts'
import { softmax, topK } from '../reference.ts'

const quarters = Float32Array.from([0.5, 0.25, 0.125, 0.125], Math.log)
const spread = randomSource(5).normal(500, 4)
const candidates = (k: number) => {
  const { ids, values, logSumExp } = topK(spread, k)
  return { ids, logits: values, logSumExp, vocab: spread.length }
}

test('logSoftmax is the logarithm of softmax, far from underflow', () => {
  expect(nmse(distribution.logSoftmax(spread).map(Math.exp), softmax(spread, 500))).toBeLessThan(1e-28)
  expect(Array.from(distribution.logSoftmax([0, -2000]))).toEqual([0, -2000])
  expect(distribution.logSumExp([-Infinity, -Infinity])).toBe(-Infinity)
})

describe('entropy and surprisal', () => {
  test('by hand: 1.75 bits', () => {
    expect(distribution.entropyBits(quarters)).toBeCloseTo(1.75, 6)
    expect(distribution.entropyNats(quarters)).toBeCloseTo(1.75 * Math.LN2, 6)
  })
  test('limits: certain is 0, uniform is the logarithm of the size, masked ids add nothing', () => {
    expect(distribution.entropyNats([900, 0, 0])).toBe(0)
    expect(distribution.entropyBits(new Float32Array(1024))).toBeCloseTo(10, 12)
    expect(distribution.entropyBits([0, -Infinity, 0])).toBeCloseTo(1, 14)
  })
  test('surprisal of a quarter is 2 bits, of certainty 0', () => {
    expect(distribution.surprisalBits(Math.log(0.25))).toBeCloseTo(2, 14)
    expect(Object.is(distribution.surprisalBits(0), 0)).toBe(true)
    expect(distribution.surprisalBits(-Infinity)).toBe(Infinity)
  })
})

test('rankOf: 0 is the top, ties by lowest id; the inverse of the order', () => {
  expect([0, 1, 2, 3].map((id) => distribution.rankOf([1, 3, 3, 0], id))).toEqual([2, 0, 1, 3])
  topK(spread, 500).ids.forEach((id, place) => expect(distribution.rankOf(spread, id)).toBe(place))
})

describe('topN, rest and logprobOf', () => {
  test('full logits and candidates say the same', () => {
    const [full, some] = [distribution.topN(spread, 10), distribution.topN(candidates(64), 10)]
    expect(some.map(({ id }) => id)).toEqual(full.map(({ id }) => id))
    some.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(full[i]!.logprob, 12))
    expect(full.map(({ id }) => id)).toEqual(topK(spread, 10).ids)
    expect(distribution.topN(candidates(64), 100)).toHaveLength(64)
    expect(distribution.topN(spread, 1000)).toHaveLength(500)
    expect(distribution.topN(spread, 0)).toEqual([])
  })
  test('the rest is what the shown tokens leave of 1', () => {
    expect(distribution.restMass(distribution.topN(quarters, 2))).toBeCloseTo(0.25, 6)
    expect(distribution.restMass([])).toBe(1)
    expect(distribution.restMass(distribution.topN(spread, 500))).toBeCloseTo(0, 12)
  })
  test('logprobOf: null where the candidates do not hold the id, or there is none', () => {
    const id = topK(spread, 64).ids[63]!
    expect(distribution.logprobOf(candidates(64), id)).toBeCloseTo(distribution.logSoftmax(spread)[id]!, 12)
    expect(distribution.logprobOf(candidates(63), id)).toBeNull()
    expect(distribution.logprobOf(spread, id)).toBe(distribution.logSoftmax(spread)[id])
    expect(distribution.logprobOf(spread, 500)).toBeNull()
  })
})
