import { describe, expect, test } from 'vitest'

import {
  multiplyHigh,
  philox4x32,
  randomUniform,
  seedWords,
  type Words2,
  type Words4,
} from '../../src/maths/rng.ts'
import { randomSource } from '../random.ts'

test('multiplyHigh equals the 64-bit product', () => {
  const random = randomSource(1)
  const edges = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]
  const values = [...edges, ...Array.from({ length: 200 }, () => random.integer(2 ** 32))]
  for (const a of values) {
    for (const b of values) expect(multiplyHigh(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n))
  }
})

describe('philox4x32-10: the known-answer vectors published with Random123', () => {
  const ones = 0xffffffff
  const cases: [Words4, Words2, Words4][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], // the digits of π
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ]
  test.each(cases)('counter %j', (counter, key, expected) =>
    expect(philox4x32(counter, key)).toEqual(expected),
  )
})

test('randomUniform: values of an independent Python implementation with 64-bit products', () => {
  const cases = [
    [0, 0, 6694888],
    [0, 1, 16311500],
    [42, 0, 10283760],
    [42, 7, 6012291],
    [2 ** 53 - 1, 2 ** 32 - 1, 458449],
    [123456789012345, 1000, 2530601],
  ] as const
  for (const [seed, counter, steps] of cases) expect(randomUniform(seed, counter)).toBe(steps / 2 ** 24)
})

test('seeds use all 53 bits', () => {
  expect(seedWords(2 ** 32 + 5)).toEqual([5, 1])
  expect(seedWords(2 ** 53 - 1)).toEqual([0xffffffff, 0x1fffff])
  expect(randomUniform(5, 0)).not.toBe(randomUniform(2 ** 32 + 5, 0))
})

test('uniform over counters and over seeds: chi-square of 256 bins, no repeats of neighbours, exact in f32', () => {
  const draws = 100_000
  const sources = [(i: number): number => randomUniform(3, i), (i: number): number => randomUniform(i, 3)]
  for (const source of sources) {
    const bins = new Float64Array(256)
    let product = 0
    for (let i = 0; i < draws; i++) {
      const value = source(i)
      expect(Math.fround(value) === value && value >= 0 && value < 1).toBe(true)
      bins[Math.floor(value * 256)]!++
      product += (value - 0.5) * (source(i + 1) - 0.5)
    }
    const expected = draws / 256
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: mean 255, standard deviation 22.6; within four of them either way.
    expect(Math.abs(chiSquare - 255)).toBeLessThan(90)
    // Lag-1 correlation: each term has standard deviation 1/12; within four standard errors.
    expect(Math.abs(product / draws)).toBeLessThan(4 / 12 / Math.sqrt(draws))
  }
})
