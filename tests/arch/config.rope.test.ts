import { describe, expect, test } from 'vitest'
import { ropeFrequencies, ropeTable } from '../../src/run/ropeTable.ts'
import type { RopeScaling, RopeTable } from '../../src/program/attrs.ts'

const rope = (scaling: RopeScaling, theta = 500_000, rotary = 32): RopeTable => ({ theta, scaling, rotary })

/** `ROPE_INIT_FUNCTIONS['llama3']` of Transformers 5.18 with Llama 3.2's values and a head size of 32, in f32. */
const LLAMA3 = [
  1.0, 0.44036663, 0.19392276, 0.085397102, 0.037606031, 0.016560441, 0.0072926651, 0.0032114461,
  0.00042955671, 1.9461639e-5, 8.5702559e-6, 3.7740544e-6, 1.6619674e-6, 7.3187493e-7, 3.2229329e-7,
  1.419272e-7,
]

describe('frequencies', () => {
  test('Llama 3 scaling equals Transformers', () => {
    const scaling = {
      kind: 'llama3',
      factor: 32,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContext: 8192,
    } as const
    const ours = ropeFrequencies(rope(scaling))
    // Transformers computes in f32: 1e-5 relative, above all where the ramp subtracts.
    LLAMA3.forEach((value, i) => expect(Math.abs((ours[i] ?? 0) / value - 1), `pair ${i}`).toBeLessThan(1e-5))
  })

  test('none and linear', () => {
    const plain = ropeFrequencies(rope({ kind: 'none' }, 10_000, 8))
    expect([...plain].map((x) => Number(x.toPrecision(12)))).toEqual([1, 0.1, 0.01, 0.001])
    expect([...ropeFrequencies(rope({ kind: 'linear', factor: 4 }, 10_000, 8))]).toEqual(
      [...plain].map((x) => x / 4),
    )
  })
})

test('the table holds cos and sin of position × frequency, right far outside [−π, π]', () => {
  const { cos, sin } = ropeTable(rope({ kind: 'none' }, 10_000, 4), 100_000)
  expect(cos.length).toBe(200_000)
  expect([cos[0], sin[0], cos[1], sin[1]]).toEqual([1, 0, 1, 0])
  expect(cos[2 * 99_999]).toBe(Math.fround(Math.cos(99_999)))
  expect(sin[2 * 99_999 + 1]).toBe(Math.fround(Math.sin(99_999 * 0.01)))
})
