import { describe, expect, test } from 'vitest'
import {
  averageHeads,
  entropyBits,
  findCopies,
  labelOf,
  poolPattern,
  scorePattern,
  scaleEnd,
  strongestLinks,
  weightsOf,
  type AttentionPattern,
} from '../../src/analysis/headScores.ts'

/** A pattern from the weights of its lines, up to the diagonal. */
function pattern(...rows: number[][]): AttentionPattern {
  const size = rows.length
  const data = new Float32Array(size * size)
  rows.forEach((row, at) => data.set(row, at * size))
  return { size, data }
}

/** Every query puts all its weight on one key. */
const pointing = (...keys: number[]): AttentionPattern =>
  pattern(...keys.map((key, row) => Array.from({ length: row + 1 }, (_, col) => (col === key ? 1 : 0))))

/** a b c a b c: from the fourth token on everything has come before. */
const REPEATED = [7, 8, 9, 7, 8, 9]
const DISTINCT = [1, 2, 3, 4, 5, 6]
const score = (made: AttentionPattern, ids: readonly number[]) => scorePattern(made, findCopies(ids))

describe('scores of hand-made patterns', () => {
  test('a head that looks one back', () => {
    const scores = score(pointing(0, 0, 1, 2, 3, 4), DISTINCT)
    expect(scores).toEqual({ entropy: 0, previous: 1, first: 1 / 5, same: 0, induction: null })
    expect(labelOf(scores)).toBe('previous')
  })

  test('a head that rests on the first token', () => {
    const scores = score(pointing(0, 0, 0, 0, 0, 0), DISTINCT)
    expect(scores).toMatchObject({ previous: 1 / 5, first: 1, same: 0 })
    expect(labelOf(scores)).toBe('first')
  })

  test('a head that looks at itself, and one that looks at the earlier copy', () => {
    expect(score(pointing(0, 1, 2, 3, 4, 5), REPEATED).same).toBe(1)
    expect(labelOf(score(pointing(0, 1, 2, 0, 1, 2), REPEATED))).toBe('same')
  })

  test('a head that looks behind the earlier copy', () => {
    const scores = score(pointing(0, 0, 0, 1, 2, 3), REPEATED)
    expect(scores.induction).toBe(1)
    expect(labelOf(scores)).toBe('induction')
  })

  test('induction counts every earlier copy, and never the query itself', () => {
    // a a a: behind the first copy stands the query of row 1 itself, which does not count.
    expect(findCopies([5, 5, 5])).toEqual({ same: [[0], [0, 1], [0, 1, 2]], behind: [[], [], [1]] })
    const scores = score(pattern([1], [0.5, 0.5], [0.25, 0.5, 0.25]), [5, 5, 5])
    expect(scores).toMatchObject({ previous: 0.5, first: 0.375, same: 1, induction: 0.5 })
  })

  test('even weights have the most entropy, and no name', () => {
    const scores = score(pattern([1], [0.5, 0.5], [0.25, 0.5, 0.25], [0.25, 0.25, 0.25, 0.25]), [1, 2, 3, 4])
    expect(scores.entropy).toBeCloseTo((0 + 1 + 1.5 + 2) / 4, 12)
    expect(entropyBits(Float32Array.of(0.25, 0.25, 0.25, 0.25))).toBe(2)
    expect(labelOf(scores)).toBeNull()
  })

  test('the first token alone measures nothing', () => {
    expect(score(pattern([1]), [3])).toEqual({
      entropy: 0,
      previous: null,
      first: null,
      same: null,
      induction: null,
    })
  })

  test('a score of exactly one half gives no name; the largest above it does', () => {
    const scores = { entropy: 0, previous: 0.5, first: 0.5, same: 0.5, induction: 0.5 }
    expect(labelOf(scores)).toBeNull()
    expect(labelOf({ ...scores, first: 0.6, induction: 0.7 })).toBe('induction')
  })
})

describe('patterns', () => {
  test('the mean over heads', () => {
    const heads = Float32Array.of(1, 0, 0.5, 0.5, 1, 0, 0, 1)
    expect(averageHeads(heads, 2, 2)).toEqual(pattern([1], [0.25, 0.75]))
  })

  test('pooling keeps the largest weight of what it joins', () => {
    const size = 100
    const data = new Float32Array(size * size)
    data[97 * size + 3] = 0.9
    data[97 * size + 4] = 0.2
    const pooled = poolPattern({ size, data }, 10)
    expect(pooled.size).toBe(10)
    expect(pooled.data[9 * 10]).toBe(Math.fround(0.9))
    expect(pooled.data.reduce((sum, value) => sum + value)).toBeCloseTo(0.9, 6)
  })

  test('a small pattern stays as it is', () => {
    const created = pattern([1], [0.5, 0.5])
    expect(poolPattern(created, 64)).toEqual(created)
  })

  test('keys by weight, none of them ahead of the query', () => {
    const created = pattern([1], [0.5, 0.5], [0.25, 0.5, 0.25])
    const keys = (row: number, count: number) =>
      strongestLinks(weightsOf(created, row, 'keys'), row, 'keys', count)
    expect(keys(2, 2)).toEqual([
      { position: 1, weight: 0.5 },
      { position: 0, weight: 0.25 },
    ])
    expect(keys(0, 10)).toHaveLength(1)
  })

  test('queries that look at a key, itself and later ones', () => {
    const created = pattern([1], [0.4, 0.6], [0.25, 0.5, 0.25])
    expect([...weightsOf(created, 1, 'queries')]).toEqual([0, Math.fround(0.6), 0.5])
    expect(
      strongestLinks(weightsOf(created, 1, 'queries'), 1, 'queries', 9).map(({ position }) => position),
    ).toEqual([1, 2])
  })

  test('the scale of a long pattern ends where nearly all its weights do', () => {
    const size = 400
    const data = new Float32Array(size * size)
    for (let row = 0; row < size; row++)
      for (let col = 0; col <= row; col++) data[row * size + col] = 1 / (row + 1)
    const end = scaleEnd({ size, data }, 96)
    expect(end).toBeGreaterThan(1 / 100)
    expect(end).toBeLessThanOrEqual(1 / 50)
    expect(scaleEnd({ size, data }, size)).toBe(1)
    expect(scaleEnd({ size, data: new Float32Array(size * size) }, 96)).toBe(1)
  })
})
