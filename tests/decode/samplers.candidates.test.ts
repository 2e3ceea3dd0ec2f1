import { describe, expect, test } from 'vitest'

import {
  checkSampling,
  nucleusCovered,
  PRESETS,
  sampleStages,
  sampleToken,
  type Candidates,
  type SamplingInput,
} from '../../src/decode/samplers.ts'
import type { SamplingOptions } from '../../src/api/model.ts'
import { randomSource } from '../random.ts'
import { topK } from '../reference.ts'

const options = (changes: SamplingInput = {}): SamplingOptions =>
  checkSampling({ ...PRESETS.exact, ...changes })

/** What the GPU would hand over, its log-sum-exp rounded to f32 and then off by `error`. */
function candidatesOf(logits: Float32Array, k: number, error = 0): Candidates {
  const { ids, values, logSumExp } = topK(logits, k)
  return { ids, logits: values, logSumExp: Math.fround(logSumExp) + error, vocab: logits.length }
}

describe('random logits × settings × errors of the log-sum-exp', () => {
  const random = randomSource(2024)
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)]!
  const draws = Array.from({ length: 3000 }, () => {
    const logits = random.normal(pick([20, 64, 65, 400]), pick([0.3, 2, 5]))
    return {
      logits,
      candidates: candidatesOf(logits, 64, pick([0, 8e-6, -8e-6])),
      settings: options({
        temperature: pick([0, 0.3, 0.8, 1, 1, 1.5]),
        topK: pick([0, 0, 10, 64, 65, 300]),
        topP: pick([1, 0.95, 0.9, 0.5]),
        minP: pick([0, 0, 0.02, 0.2]),
        repetitionPenalty: pick([1, 1, 1.2, 0.8]),
      }),
      seenIds: Array.from({ length: pick([0, 5]) }, () => random.integer(logits.length)),
      random: random.uniform(),
    }
  })

  test('where covered for a draw, the token is the one of full logits', () => {
    let covered = 0
    for (const { logits, candidates, settings, ...where } of draws) {
      if (!nucleusCovered(candidates, settings, where)) continue
      covered++
      expect(sampleToken(candidates, settings, where)).toBe(sampleToken(logits, settings, where))
    }
    expect(covered / draws.length).toBeGreaterThan(0.5)
  })

  test('where covered for any draw, all surviving tokens and probabilities are those of full logits', () => {
    for (const { logits, candidates, settings, seenIds, random: uniform } of draws) {
      if (!nucleusCovered(candidates, settings, { seenIds })) continue
      const where = { seenIds, random: uniform }
      const [got, expected] = [
        sampleStages(candidates, settings, where),
        sampleStages(logits, settings, where),
      ]
      expect(got.ids).toEqual(expected.ids)
      expect(got.chosen).toBe(expected.chosen)
      got.probabilities.forEach((p, i) => expect(p).toBeCloseTo(expected.probabilities[i]!, 12))
      got.stages.forEach(({ kept, cutMass }, i) => {
        if (kept !== null) expect(kept).toBe(expected.stages[i]!.kept)
        // Known to 0.1 % or not told.
        if (cutMass !== null) expect(Math.abs(cutMass - expected.stages[i]!.cutMass!)).toBeLessThan(1e-3)
      })
    }
  })
})

describe('nucleusCovered', () => {
  const peaked = Float32Array.from({ length: 1000 }, (_, id) => -id / 4)
  const flat = Float32Array.from({ length: 1000 }, (_, id) => -id / 1e4)
  const covered = (
    logits: Float32Array,
    k: number,
    changes: SamplingInput,
    seenIds: readonly number[] = [],
  ) => nucleusCovered(candidatesOf(logits, k), options(changes), { seenIds })

  test('greedy needs one candidate', () => expect(covered(flat, 1, { temperature: 0 })).toBe(true))

  test('top-k: yes up to the number of candidates, at any temperature', () => {
    expect(covered(flat, 64, { topK: 64, temperature: 1.7 })).toBe(true)
    expect(covered(flat, 64, { topK: 65, temperature: 1.7 })).toBe(false)
    expect(covered(flat, 64, { topK: 64, topP: 0.9, minP: 0.01, temperature: 0.5 })).toBe(true)
  })

  test('top-p: yes when the mass is reached whatever the rest holds', () => {
    expect(covered(peaked, 64, { topP: 0.95 })).toBe(true)
    expect(covered(peaked, 8, { topP: 0.95 })).toBe(false) // 1 − e^(−8/4) = 0.86
    expect(covered(peaked, 64, { topP: 0.95, temperature: 0.7 })).toBe(true)
    expect(covered(peaked, 64, { topP: 0.95, temperature: 1.3 })).toBe(true)
    expect(covered(flat, 64, { topP: 0.95, temperature: 0.7 })).toBe(false)
  })

  test('top-p: no when the last token hangs on the rounding of the log-sum-exp', () => {
    const edge = 1 - Math.exp(-12 / 4) // exactly the mass of the first twelve
    expect(covered(peaked, 64, { topP: edge })).toBe(false)
    expect(covered(peaked, 64, { topP: edge + 1e-3 })).toBe(true)
  })

  test('min-p: yes when the threshold is passed', () => {
    expect(covered(peaked, 64, { minP: 0.05 })).toBe(true)
    expect(covered(peaked, 8, { minP: 0.05 })).toBe(false) // e^(−7/4) = 0.17
    expect(covered(peaked, 64, { minP: 0.05, temperature: 2 })).toBe(true)
  })

  test('no filter: never for all draws, but for a draw that falls on a candidate', () => {
    expect(covered(peaked, 64, {})).toBe(false)
    const candidates = candidatesOf(peaked, 8)
    expect(nucleusCovered(candidates, options(), { random: 0.5 })).toBe(true)
    expect(nucleusCovered(candidates, options(), { random: 0.9 })).toBe(false)
    expect(sampleToken(candidates, options(), { random: 0.5, seenIds: [] })).toBe(
      sampleToken(peaked, options(), { random: 0.5, seenIds: [] }),
    )
  })

  test('the whole vocabulary as candidates always suffices', () => {
    expect(covered(flat, 1000, { temperature: 0.7 })).toBe(true)
    expect(covered(flat, 1000, { topP: 0.9, repetitionPenalty: 0.5 }, [3])).toBe(true)
  })

  test('penalty: lowered candidates must stay ahead of the rest; a lifted id outside may be anywhere', () => {
    const positive = Float32Array.from({ length: 100 }, (_, id) => 100 - id)
    expect(covered(positive, 8, { topK: 4, repetitionPenalty: 1.01 }, [0, 1])).toBe(true)
    expect(covered(positive, 8, { topK: 8, repetitionPenalty: 1.01 }, [90])).toBe(false)
    expect(covered(positive, 8, { topK: 4, repetitionPenalty: 2 }, [0, 1, 2, 3, 4])).toBe(false)
    expect(covered(positive, 8, { topK: 4, repetitionPenalty: 0.9 }, [0, 1])).toBe(true)
    expect(covered(positive, 8, { topK: 4, repetitionPenalty: 0.9 }, [50])).toBe(false)
  })

  test('a candidate of −∞ means that nothing is left outside', () => {
    const masked = Float32Array.from({ length: 100 }, (_, id) => (id < 5 ? id : -Infinity))
    expect(covered(masked, 8, { temperature: 0.5 })).toBe(true)
    const got = sampleStages(candidatesOf(masked, 8), options(), { random: 0.3, seenIds: [] })
    expect(Array.from(got.ids)).toEqual([4, 3, 2, 1, 0])
  })

  test('sampling from candidates that do not suffice is refused', () => {
    const act = (): number => sampleToken(candidatesOf(flat, 8), options(), { random: 0.9, seenIds: [] })
    expect(act).toThrow(/full logits are needed/)
  })

  test('a log-sum-exp that is no number is refused', () => {
    const candidates = { ids: [0], logits: [1], logSumExp: NaN, vocab: 3 }
    expect(() => nucleusCovered(candidates, options())).toThrow(/log-sum-exp/)
  })
})
