import { describe, expect, test } from 'vitest'

import { maxDifference, nmse } from './nmse.ts'
import { randomSource } from './random.ts'
import * as reference from './reference.ts'

const close = (got: ArrayLike<number>, expected: readonly number[], tolerance = 1e-14): void => {
  expect(maxDifference(got, expected)).toBeLessThanOrEqual(tolerance)
}
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)
}

test('nmse: scale-free, exact at zero, NaN and lengths are not forgiven', () => {
  expect(nmse([1, 2], [1, 2])).toBe(0)
  expect(nmse([2, 0], [1, 0])).toBe(1)
  expect(nmse([2e6, 0], [1e6, 0])).toBe(1)
  expect(nmse([0], [0])).toBe(0)
  expect(nmse([1], [0])).toBe(Infinity)
  expect(nmse([NaN], [1])).toBeNaN()
  expect(nmse([NaN], [0])).toBeNaN()
  expect(() => nmse([1], [1, 2])).toThrow(/got 1/)
})

test('random: reproducible, normal moments, outliers of ±800, permutations', () => {
  expect(randomSource(7).normal(5)).toEqual(randomSource(7).normal(5))
  expect(randomSource(7).normal(5)).not.toEqual(randomSource(8).normal(5))
  const values = randomSource(1).normal(100_000, 2)
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length
  // Standard errors: 2/√1e5 = 0.0063 for the mean, 4·√(2/1e5) = 0.018 for the variance; five of each.
  expect(Math.abs(mean)).toBeLessThan(0.032)
  expect(Math.abs(variance - 4)).toBeLessThan(0.09)
  expect(
    randomSource(1)
      .outliers(3)
      .some((v) => Math.abs(v) === 800),
  ).toBe(true)
  expect(
    randomSource(3)
      .permutation(9)
      .toSorted((a, b) => a - b),
  ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})

describe('embedding and norms', () => {
  test('embedding gathers rows and adds learned positions', () => {
    close(reference.embedding([2, 0], [1, 2, 3, 4, 5, 6], 2), [5, 6, 1, 2])
    const learned = { table: [10, 20, 30, 40], positions: [1, 0] }
    close(reference.embedding([2, 0], [1, 2, 3, 4, 5, 6], 2, learned), [35, 46, 11, 22])
  })
  test('rmsNorm by hand: mean(9, 16) = 12.5', () => {
    const scale = 1 / Math.sqrt(12.5)
    close(reference.rmsNorm([3, 4], [1, 2], 0), [3 * scale, 8 * scale])
    close(reference.rmsNorm([0, 0, 3, 4], [1, 1], 0.5), [0, 0, 3 / Math.sqrt(13), 4 / Math.sqrt(13)])
  })
  test('layerNorm by hand, and blind to an offset', () => {
    close(reference.layerNorm([1, 3], [2, 2], [5, 7], 0), [3, 9])
    close(reference.layerNorm([1, 3], [1, 1], [0, 0], 3), [-0.5, 0.5])
    close(reference.layerNorm([101, 103], [2, 2], [5, 7], 0), [3, 9])
  })
})

describe('projections', () => {
  test('matmul by hand: w is [outputs, inputs]', () => {
    close(reference.matmul([1, 2, 3, 4], [1, 0, 0, 1, 1, 1], 2), [1, 2, 3, 3, 4, 7])
    close(reference.matmul([1, 2], [3, 4], 2, [100]), [111])
  })
  test('lora equals the merged matrix W + s·(α/r)·BA, scales per row, several adapters', () => {
    const random = randomSource(11)
    const [inputs, outputs, rank] = [5, 4, 2]
    const w = random.normal(outputs * inputs)
    const x = random.normal(3 * inputs)
    const adapter = (scale: number | number[]): reference.LoraAdapter => {
      return { a: random.normal(rank * inputs), b: random.normal(outputs * rank), rank, alpha: 3, scale }
    }
    const first = adapter([0, 1, 0.5])
    const second = adapter(2)
    const got = reference.lora(x, w, inputs, [first, second])
    ;[0, 1, 0.5].forEach((scale, r) => {
      const merged = Float64Array.from(w)
      const both = [
        { ...first, scale },
        { ...second, scale: 2 },
      ]
      for (const { a, b, scale: s } of both) {
        for (let o = 0; o < outputs; o++) {
          for (let i = 0; i < inputs; i++) {
            for (let k = 0; k < rank; k++) {
              merged[o * inputs + i]! += s * (3 / rank) * b[o * rank + k]! * a[k * inputs + i]!
            }
          }
        }
      }
      const expected = reference.matmul(x.slice(r * inputs, (r + 1) * inputs), merged, inputs)
      expect(nmse(got.slice(r * outputs, (r + 1) * outputs), expected)).toBeLessThan(1e-28)
    })
  })
})

describe('rope', () => {
  const shape = { heads: 2, headDim: 10, rotaryDim: 8 } as const
  const tables = reference.ropeTables(reference.ropeFrequencies(10000, 8), 64)

  test('by hand: a quarter turn', () => {
    const quarter = reference.ropeTables([Math.PI / 2], 2)
    const one = { heads: 1, headDim: 2, rotaryDim: 2 } as const
    close(reference.rope([3, 4], { ...one, layout: 'half' }, [1], quarter), [-4, 3])
    close(reference.rope([3, 4], { ...one, layout: 'interleaved' }, [1], quarter), [-4, 3])
    const quarters = reference.ropeTables([Math.PI / 2, Math.PI / 2], 2)
    const two = { heads: 1, headDim: 4, rotaryDim: 4 } as const
    close(reference.rope([1, 2, 3, 4], { ...two, layout: 'half' }, [1], quarters), [-3, -4, 1, 2])
    close(reference.rope([1, 2, 3, 4], { ...two, layout: 'interleaved' }, [1], quarters), [-2, 1, -4, 3])
  })

  test.each(['half', 'interleaved'] as const)('%s: identity at 0, keeps norms and the tail', (layout) => {
    const x = randomSource(5).normal(3 * 20)
    const y = reference.rope(x, { ...shape, layout }, [0, 7, 63], tables)
    close(y.slice(0, 20), Array.from(x.slice(0, 20)))
    for (let head = 0; head < 6; head++) {
      const [from, to] = [x, y].map((a) => Array.from(a).slice(head * 10, head * 10 + 10))
      expect(dot(to!, to!)).toBeCloseTo(dot(from!, from!), 12)
      close(to!.slice(8), from!.slice(8))
    }
  })

  test.each(['half', 'interleaved'] as const)('%s: q·k depends on the distance only', (layout) => {
    const one = { ...shape, heads: 1, layout }
    const [q, k] = [randomSource(1).normal(10), randomSource(2).normal(10)]
    const at = (i: number, j: number): number =>
      dot(reference.rope(q, one, [i], tables), reference.rope(k, one, [j], tables))
    expect(at(30, 25)).toBeCloseTo(at(5, 0), 12)
    expect(at(63, 58)).toBeCloseTo(at(5, 0), 12)
    expect(at(6, 0)).not.toBeCloseTo(at(5, 0), 3)
  })

  test('frequencies: 1 first, then θ^(−2i/d)', () => {
    close(reference.ropeFrequencies(10000, 4), [1, 0.01])
  })
})

describe('paged attention', () => {
  const shape = { heads: 4, kvHeads: 2, headDim: 3 }
  const width = shape.kvHeads * shape.headDim
  /** K and V of sequences with the given lengths, their pages deliberately out of order. */
  const filled = (lengths: readonly number[], seed: number) => {
    const random = randomSource(seed)
    let next = 16
    const tables = lengths.map((n) =>
      Array.from({ length: Math.ceil(n / reference.PAGE_POSITIONS) }, () => --next),
    )
    const rows = lengths.flatMap((n, sequence) =>
      Array.from({ length: n }, (_, position) => ({ sequence, position })),
    )
    const x = random.normal(rows.length * width)
    const paged = reference.createPages(16, shape, tables)
    reference.writePages(paged, shape, rows, x)
    return { paged, rows, x }
  }

  test('what is written at rows is read back in order, across pages', () => {
    const { paged, x } = filled([40, 33], 3)
    expect(Array.from(reference.readPages(paged, shape, 0, 40))).toEqual(Array.from(x.slice(0, 40 * width)))
    expect(Array.from(reference.readPages(paged, shape, 1, 33))).toEqual(Array.from(x.slice(40 * width)))
    expect(() => reference.readPages(paged, shape, 0, 65)).toThrow(/no page/)
  })

  test('layout is [page, kvHead, slot, headDim]', () => {
    const paged = reference.createPages(2, shape, [[1, 0]])
    reference.writePages(paged, shape, [{ sequence: 0, position: 33 }], [1, 2, 3, 4, 5, 6])
    close(paged.values.slice(3, 6), [1, 2, 3]) // page 0, head 0, slot 1
    close(paged.values.slice((32 + 1) * 3, (32 + 1) * 3 + 3), [4, 5, 6]) // head 1, slot 1
  })

  test('one position attends to itself: the output is v of its KV head', () => {
    const { paged: k } = filled([1], 4)
    const { paged: v, rows, x } = filled([1], 5)
    const got = reference.attention(randomSource(6).normal(12), k, v, rows, shape)
    const [a, b] = [x.slice(0, 3), x.slice(3)].map((head) => Array.from(head))
    close(got, [...a!, ...a!, ...b!, ...b!])
  })

  test('equal keys: the output is the mean of the values so far', () => {
    const one = { heads: 1, kvHeads: 1, headDim: 1 }
    const rows = [0, 1, 2].map((position) => ({ sequence: 0, position }))
    const k = reference.createPages(1, one, [[0]])
    const v = reference.createPages(1, one, [[0]])
    reference.writePages(k, one, rows, [1, 1, 1])
    reference.writePages(v, one, rows, [1, 3, 8])
    close(reference.attention([5, 6, 7], k, v, rows, one), [1, 2, 4])
  })

  test('scores are scaled and unmasked, 0 where no key is; probs are causal and sum to 1', () => {
    const { paged: k, rows } = filled([3, 2], 7)
    const q = randomSource(8).normal(rows.length * 12)
    const scores = reference.attentionScores(q, k, rows, shape)
    const probs = reference.attentionProbs(scores, rows, shape.heads)
    expect(scores.length).toBe(4 * 5 * 3)
    const keys = reference.readPages(k, shape, 0, 3)
    // Head 2 of row 0 against position 2, which lies in its future, KV head 1.
    const expected = dot(q.slice(6, 9), keys.slice(2 * width + 3, 2 * width + 6)) / Math.sqrt(3)
    expect(scores[(2 * 5 + 0) * 3 + 2]).toBeCloseTo(expected, 14)
    expect(scores[(2 * 5 + 4) * 3 + 2]).toBe(0)
    for (let h = 0; h < 4; h++) {
      rows.forEach(({ position }, r) => {
        const line = Array.from(probs.slice((h * 5 + r) * 3, (h * 5 + r) * 3 + 3))
        expect(line.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 14)
        expect(line.slice(position + 1).every((p) => p === 0)).toBe(true)
      })
    }
  })

  test('rows of several sequences in any order give what each gives alone', () => {
    const { paged: k, rows } = filled([35, 4], 9)
    const { paged: v } = filled([35, 4], 10)
    const q = randomSource(11).normal(rows.length * 12)
    const all = reference.attention(q, k, v, rows, shape)
    for (const r of [38, 34, 0, 20]) {
      const separate = reference.attention(q.slice(r * 12, r * 12 + 12), k, v, [rows[r]!], shape)
      close(all.slice(r * 12, r * 12 + 12), Array.from(separate))
    }
  })
})

describe('element-wise', () => {
  test('softmax by hand, sums to 1, survives large values', () => {
    close(reference.softmax([0, Math.log(3), 5, 5], 2), [0.25, 0.75, 0.5, 0.5])
    close(reference.softmax([1000, 1000 + Math.log(3)], 2), [0.25, 0.75], 1e-12)
    close(reference.softmax([-Infinity, 0], 2), [0, 1])
    expect(reference.logSumExp([0, 0, 0, 0])).toBeCloseTo(Math.log(4), 15)
  })
  test('erf: published values to 1e-15, odd, saturates', () => {
    close(
      [0.1, 0.5, 1, 2, 3.5].map(reference.erf),
      [0.1124629160182849, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9999992569016276],
      1e-15,
    )
    expect(reference.erf(-1)).toBe(-reference.erf(1))
    expect([reference.erf(7), reference.erf(0), reference.erf(-40)]).toEqual([1, 0, -1])
  })
  test('silu and gelu: known values and the identity f(x) − f(−x) = x', () => {
    close(reference.silu([0, 1, -800]), [0, 0.7310585786300049, 0])
    close(reference.siluGate([1, 0], [2, 9]), [2 * 0.7310585786300049, 0])
    close(reference.geluErf([0, 1, -1, 800]), [0, 0.8413447460685429, -0.15865525393145707, 800])
    close(reference.geluTanh([0, 1, -1, 800]), [0, 0.8411919906082768, -0.15880800939172324, 800])
    for (const f of [reference.silu, reference.geluErf, reference.geluTanh]) {
      const [a, b] = f([1.7, -1.7])
      expect(a! - b!).toBeCloseTo(1.7, 14)
    }
  })
  test('add', () => close(reference.add([1, 2], [10, 20]), [11, 22]))
})

test('argmax and topK: descending, ties by lowest id, NaN and −∞ last', () => {
  expect(reference.argmax([1, 5, 5, 2])).toBe(1)
  expect(reference.argmax([NaN, -3, NaN])).toBe(1)
  const top = reference.topK([2, 7, 2, -Infinity, 7], 3)
  expect(top.ids).toEqual([1, 4, 0])
  expect(top.values).toEqual([7, 7, 2])
  expect(top.logSumExp).toBeCloseTo(Math.log(2 * Math.exp(7) + 2 * Math.exp(2)), 14)
  expect(reference.topK([0, -Infinity, 1, -Infinity], 4).ids).toEqual([2, 0, 1, 3])
})
