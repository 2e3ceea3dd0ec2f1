import { expect, test } from 'vitest'
import { distributionOf, tableAfterFilters, tableBeforeFilters } from '../../src/analysis/candidates.ts'
import {
  curvePath,
  floorOf,
  powersTo,
  probabilityToY,
  rankToX,
  sampleCurve,
} from '../../src/ui/draw/rankCurve.ts'
import { probabilityLevel, surprisalLevel } from '../../src/ui/draw/palette.ts'
import type { GeneratedToken } from '../../src/api/model.ts'

// Probabilities 1/2, 1/4, 1/8, 1/16, 1/16.
const logits = Float32Array.from([Math.log(2), Math.log(8), Math.log(4), Math.log(1), Math.log(1)])
const distribution = distributionOf(logits)
const greedyOff = { temperature: 1, topK: 2, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 }

function drawn(id: number, captured: number): GeneratedToken {
  const top = Array.from(distribution.order.slice(0, captured), (other) => {
    return { id: other, text: `t${other}`, logprob: distribution.logprobs[other]! }
  })
  return {
    index: 0,
    position: 3,
    id,
    text: `t${id}`,
    logprob: distribution.logprobs[id]!,
    top,
    random: 0.3,
    finish: null,
  }
}

const request = (id: number, captured = 5, limit = 3) => ({
  token: drawn(id, captured),
  vocab: 5,
  distribution,
  logits,
  limit,
})

test('a distribution: order with ties to the lowest id, entropy in bits', () => {
  expect([...distribution.order]).toEqual([1, 2, 0, 3, 4])
  expect(distribution.entropyBits).toBeCloseTo(0.5 + 0.5 + 0.375 + 0.25 + 0.25, 6)
  expect(distributionOf(Float32Array.from([0, Number.NaN])).notNumbers).toBe(1)
})

test('before filters: the top, the chosen token below it, and the rest add up to one', () => {
  const table = tableBeforeFilters(request(4))
  expect(table.rows.map((row) => row.id)).toEqual([1, 2, 0, 4])
  expect(table.rows.map((row) => row.chosen)).toEqual([false, false, false, true])
  expect(table.chosenRank).toBe(5)
  expect(table.rest.count).toBe(1)
  const sum = table.rows.reduce((total, row) => total + row.probability, table.rest.probability)
  expect(sum).toBeCloseTo(1, 9)
})

test('after filters: survivors are renormalised, excluded ones stay with nothing', () => {
  const table = tableAfterFilters(request(1), greedyOff, [])!
  expect(table.rows.map(({ id, excluded }) => [id, excluded])).toEqual([
    [1, false],
    [2, false],
    [0, true],
  ])
  expect(table.rows[0]!.probability).toBeCloseTo(2 / 3, 6)
  expect(table.kept).toBe(2)
  expect(table.rest.probability).toBeCloseTo(0, 9)
})

test('what the run captured is enough when the filters end within it, and otherwise not', () => {
  const captured = { ...request(1, 3), distribution: null, logits: null }
  expect(tableAfterFilters(captured, greedyOff, [])!.rows[0]!.probability).toBeCloseTo(2 / 3, 4)
  expect(tableAfterFilters(captured, { ...greedyOff, topK: 0 }, [])).toBeNull()
})

test('greedy keeps one token', () => {
  const table = tableAfterFilters(request(1), { ...greedyOff, temperature: 0 }, [])!
  expect(table.kept).toBe(1)
  expect(table.rows[0]).toMatchObject({ id: 1, probability: 1, excluded: false })
})

test('the curve runs from the first to the last rank, within its box', () => {
  const sorted = Array.from({ length: 5000 }, (_, index) => 0.5 / (index + 1) ** 2)
  const curve = sampleCurve(sorted)
  expect(curve[0]!.rank).toBe(1)
  expect(curve.at(-1)!.rank).toBe(5000)
  expect(curve.length).toBeLessThanOrEqual(160)
  expect([rankToX(1, 5000), rankToX(5000, 5000), probabilityToY(1), probabilityToY(0)].map(Math.abs)).toEqual(
    [0, 1, 0, 1],
  )
  expect(curvePath(curve, 5000, 100, 50)).toMatch(/^M0\.0 [\d.]+(L[\d.]+ [\d.]+)+$/)
})

test('the axis reaches as far down as the smallest probability', () => {
  expect(
    [
      [0.9, 0.1],
      [0.9, 1e-7, 0],
      [0.9, 3e-11],
      [1, 1e-16],
    ].map((sorted) => Math.round(Math.log10(floorOf(sorted)))),
  ).toEqual([-9, -9, -12, -18])
  expect(powersTo(1e-12)).toEqual([0, -4, -8, -12].map((power) => power || -0))
  expect(probabilityToY(1e-12, 1e-12)).toBe(1)
})

test('palette steps: linear in probability, linear in bits', () => {
  expect([0, Math.log(0.5), Math.log(0.05), -50].map(probabilityLevel)).toEqual([9, 5, 0, 0])
  expect([0, -Math.LN2 * 5, -Math.LN2 * 30].map(surprisalLevel)).toEqual([0, 5, 9])
})
