import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { randomUniform } from '../../src/maths/rng.ts'
import {
  checkSampling,
  DEFAULT_SAMPLING,
  PRESETS,
  sampleStages,
  sampleToken,
  type SamplingInput,
} from '../../src/decode/samplers.ts'
import { TokenscopeError } from '../../src/errors.ts'
import type { SamplingOptions } from '../../src/api/model.ts'
import { maxDifference } from '../nmse.ts'
import { randomSource } from '../random.ts'
import { argmax, softmax } from '../reference.ts'

interface Fixture {
  processors: string[]
  step: number
  cases: {
    options: Omit<SamplingOptions, 'seed'>
    seenIds: number[]
    logits: (number | null)[]
    ids: number[]
    probabilities: number[]
  }[]
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/decode/sampler_fixture.json', import.meta.url), 'utf8'),
) as Fixture

/** Neutral settings with changes. */
const options = (changes: SamplingInput = {}): SamplingOptions =>
  checkSampling({ ...PRESETS.exact, ...changes })
const context = (random: number, seenIds: readonly number[] = []) => ({ random, seenIds })

describe("Transformers' own logits processors", () => {
  test('the fixture has all five of them and at least 200 cases', () => {
    expect(fixture.processors).toHaveLength(5)
    expect(fixture.cases.length).toBeGreaterThanOrEqual(200)
  })

  test.each(fixture.cases.map((one, i) => [i, one] as const))(
    'case %i: same set, same probabilities',
    (_, one) => {
      const logits = Float32Array.from(one.logits, (step) =>
        step === null ? -Infinity : step * fixture.step,
      )
      const got = sampleStages(logits, { ...one.options, seed: 0 }, context(0.5, one.seenIds))
      expect(Array.from(got.ids)).toEqual(one.ids)
      // Both are f64; the fixture keeps nine digits.
      expect(maxDifference(got.probabilities, one.probabilities)).toBeLessThan(1e-8)
      expect(got.stages.at(-1)!.kept).toBe(one.ids.length)
    },
  )
})

describe('stages', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.15, 0.1, 0.05], Math.log)

  test('each stage by hand', () => {
    const got = sampleStages(logits, options({ topK: 4, topP: 0.8, minP: 0.5 }), context(0.99))
    const [penalty, temperature, topK, topP, minP] = got.stages
    expect(got.stages.map(({ name }) => name)).toEqual(['penalty', 'temperature', 'top-k', 'top-p', 'min-p'])
    expect([penalty!.active, temperature!.active, topK!.active]).toEqual([false, false, true])
    expect(got.stages.map(({ kept }) => kept)).toEqual([5, 5, 4, 3, 2])
    expect([topK!.cutIds, topP!.cutIds, minP!.cutIds]).toEqual([[4], [3], [2]])
    expect(topK!.cutMass).toBeCloseTo(0.05, 7)
    expect(topP!.cutMass).toBeCloseTo(0.1 / 0.95, 7)
    expect(minP!.cutMass).toBeCloseTo(0.15 / 0.85, 7)
    expect(maxDifference(got.probabilities, [4 / 7, 3 / 7])).toBeLessThan(1e-7)
    expect(got.cumulative.at(-1)).toBe(1)
    expect([got.chosen, got.chosenRank, got.random]).toEqual([1, 1, 0.99])
  })

  test('top-p keeps the token that crosses, and no other when one exactly meets it', () => {
    const quarters = new Float32Array(4)
    expect(sampleStages(quarters, options({ topP: 0.5 }), context(0)).ids).toHaveLength(2)
    expect(sampleStages(quarters, options({ topP: 0.51 }), context(0)).ids).toHaveLength(3)
    expect(sampleStages(quarters, options({ topP: 1e-9 }), context(0)).ids).toHaveLength(1)
  })

  test('ties go to the lowest ids: top-k keeps exactly k', () => {
    const tied = Float32Array.from([1, 2, 2, 2, 1])
    expect(Array.from(sampleStages(tied, options({ topK: 2 }), context(0)).ids)).toEqual([1, 2])
    expect(Array.from(sampleStages(tied, options(), context(0)).ids)).toEqual([1, 2, 3, 0, 4])
    expect(sampleToken(tied, options({ temperature: 0 }), context(0))).toBe(1)
  })

  test('greedy: stage counts and runner-ups, no random number', () => {
    const got = sampleStages(logits, options({ temperature: 0, topK: 3 }), context(0.9))
    expect(got.stages.map(({ kept }) => kept)).toEqual([5, 1, 1, 1, 1])
    expect(got.stages[1]).toMatchObject({ active: true, cutIds: [1, 2, 3, 4] })
    expect(got.stages[1]!.cutMass).toBeCloseTo(0.6, 7)
    expect(got).toMatchObject({ chosen: 0, random: null })
    expect(Array.from(got.probabilities)).toEqual([1])
  })

  test('repetition penalty: positive divided, negative multiplied, once however often seen, strange ids ignored', () => {
    const scores = Float32Array.from([2, -1, 0, 1])
    const got = sampleStages(scores, options({ repetitionPenalty: 2 }), context(0, [0, 0, 1, 2, 99]))
    const expected = softmax([1, -2, 0, 1], 4)
    expect(
      maxDifference(got.probabilities, [expected[0]!, expected[3]!, expected[2]!, expected[1]!]),
    ).toBeLessThan(1e-15)
    expect(sampleToken(scores, options({ temperature: 0, repetitionPenalty: 3 }), context(0, [0]))).toBe(3)
  })

  test('masked logits never count and are never drawn', () => {
    const masked = Float32Array.from([-Infinity, 0, -Infinity, 0])
    const got = sampleStages(masked, options(), context(0))
    expect(Array.from(got.ids)).toEqual([1, 3])
    expect(got.stages[0]!.kept).toBe(2)
    for (const random of [0, 0.4999, 0.5, 1 - 2 ** -24]) {
      expect(sampleToken(masked, options(), context(random))).toBe(random < 0.5 ? 1 : 3)
    }
  })

  test('extreme temperatures neither overflow nor divide by zero', () => {
    const scores = Float32Array.from([800, -800, 799])
    for (const temperature of [5e-324, 1e-30, 1e-3]) {
      const got = sampleStages(scores, options({ temperature }), context(0.999))
      expect(got.chosen).toBe(0)
      expect(got.probabilities[0]).toBe(1)
    }
    const flat = sampleStages(scores, options({ temperature: 1e300 }), context(0))
    expect(maxDifference(flat.probabilities, [1 / 3, 1 / 3, 1 / 3])).toBeLessThan(1e-15)
  })
})

describe('properties over random logits and settings', () => {
  const random = randomSource(99)
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)]!
  const draws = Array.from({ length: 400 }, () => ({
    logits: random.normal(pick([1, 2, 7, 300, 1000]), pick([0.1, 1, 4])),
    settings: options({
      temperature: pick([0, 0.2, 0.8, 1, 1.7]),
      topK: pick([0, 0, 1, 3, 40, 5000]),
      topP: pick([1, 1, 0.95, 0.5, 0.01]),
      minP: pick([0, 0, 0.01, 0.05, 1e-7, 1]),
      repetitionPenalty: pick([1, 1.3, 0.7]),
    }),
    where: context(random.uniform(), [0, 5, 17]),
  }))

  test('sampleToken, which ranks only what it needs, agrees with sampleStages', () => {
    for (const { logits, settings, where } of draws) {
      expect(sampleToken(logits, settings, where)).toBe(sampleStages(logits, settings, where).chosen)
    }
  })

  test('probabilities sum to 1, descend, and the draw lies where the random number says', () => {
    for (const { logits, settings, where } of draws) {
      const { probabilities, cumulative, chosenRank, random: used } = sampleStages(logits, settings, where)
      expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12)
      expect(probabilities.every((p, i) => i === 0 || p <= probabilities[i - 1]!)).toBe(true)
      if (used === null) continue
      expect(cumulative[chosenRank]!).toBeGreaterThan(used)
      if (chosenRank > 0) expect(cumulative[chosenRank - 1]!).toBeLessThanOrEqual(used + 1e-12)
    }
  })

  test('renaming the ids renames the token', () => {
    for (const { logits, settings, where } of draws) {
      const renamed = random.permutation(logits.length)
      const moved = new Float32Array(logits.length)
      renamed.forEach((to, from) => (moved[to] = logits[from]!))
      const seenIds = where.seenIds.flatMap((id) => renamed[id] ?? [])
      const got = sampleToken(moved, settings, { ...where, seenIds })
      expect(got).toBe(renamed[sampleToken(logits, settings, where)])
    }
  })

  test('temperature 0 and top-k 1 are argmax', () => {
    for (const { logits, where } of draws) {
      expect(sampleToken(logits, options({ temperature: 0 }), where)).toBe(argmax(logits))
      expect(sampleToken(logits, options({ topK: 1 }), where)).toBe(argmax(logits))
    }
  })
})

test.each([
  ['exact', PRESETS.exact],
  ['balanced', PRESETS.balanced],
  ['creative', PRESETS.creative],
] as const)('%s: 20 000 draws follow the stated probabilities (chi-square)', (_, preset) => {
  const logits = randomSource(4).normal(30, 1.5)
  const settings = options(preset)
  const { ids, probabilities } = sampleStages(logits, settings, context(0))
  const draws = 20_000
  const counts = new Map<number, number>()
  for (let i = 0; i < draws; i++) {
    const id = sampleToken(logits, settings, context(randomUniform(7, i)))
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  expect([...counts.keys()].every((id) => ids.includes(id))).toBe(true)
  // Chi-square wants at least five draws expected in each bin: rare tokens share the last one.
  const bins: { expected: number; seen: number }[] = []
  ids.forEach((id, i) => {
    const [expected, seen] = [draws * probabilities[i]!, counts.get(id) ?? 0]
    const last = bins.at(-1)
    if (last && Math.min(last.expected, expected) < 5)
      bins[bins.length - 1] = { expected: last.expected + expected, seen: last.seen + seen }
    else bins.push({ expected, seen })
  })
  const chiSquare = bins.reduce((sum, { expected, seen }) => sum + (seen - expected) ** 2 / expected, 0)
  // Mean df, variance 2·df; four standard deviations.
  const freedom = bins.length - 1
  expect(chiSquare).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom))
})

describe('checkSampling', () => {
  test('fills in defaults, keeps what is given, ignores other fields and undefined', () => {
    expect(checkSampling()).toEqual(DEFAULT_SAMPLING)
    const given = { topK: 0, seed: 2 ** 53 - 1, temperature: undefined, maxTokens: 5 }
    expect(checkSampling(given)).toEqual({ ...DEFAULT_SAMPLING, topK: 0, seed: 2 ** 53 - 1 })
    for (const preset of Object.values(PRESETS)) expect(checkSampling(preset)).toEqual({ ...preset, seed: 0 })
  })

  const bad: [string, unknown][] = [
    ['temperature', -0.1],
    ['temperature', NaN],
    ['temperature', Infinity],
    ['temperature', '1'],
    ['temperature', null],
    ['topK', -1],
    ['topK', 1.5],
    ['topK', NaN],
    ['topP', 0],
    ['topP', 1.01],
    ['topP', NaN],
    ['minP', -0.1],
    ['minP', 1.5],
    ['repetitionPenalty', 0],
    ['repetitionPenalty', -2],
    ['repetitionPenalty', Infinity],
    ['seed', -1],
    ['seed', 0.5],
    ['seed', 2 ** 53],
    ['seed', {}],
  ]
  test.each(bad)('%s = %s is refused by name', (field, value) => {
    const act = (): unknown => checkSampling({ [field]: value })
    expect(act).toThrow(TokenscopeError)
    expect(act).toThrow(new RegExp(`^Sampling option ${field} is .*; allowed is `))
    try {
      act()
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-argument', details: { field } })
    }
  })
})

test.each([
  ['NaN', [1, NaN, 2]],
  ['+∞', [1, Infinity, 2]],
  ['nothing finite', [-Infinity, -Infinity]],
])('logits with %s are refused, not sampled', (_, values) => {
  for (const settings of [options(), options({ temperature: 0 }), options({ topK: 1 })]) {
    expect(() => sampleToken(Float32Array.from(values), settings, context(0))).toThrow(/The model computed/)
  }
})
