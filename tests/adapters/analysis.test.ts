import { describe, expect, it } from 'vitest'
import {
  adapterCost,
  deltaCosine,
  deltaNorm,
  deltaSpectrum,
  direction,
  innerProduct,
  type LowRank,
} from '../../src/adapters/analysis.ts'
import { denseDelta } from '../../src/adapters/dense.ts'
import { dot, matrix, product, qr, svd, transposed, type DenseMatrix } from '../../src/adapters/linalg.ts'
import type { LoraModule } from '../../src/adapters/types.ts'
import { randomSource } from '../random.ts'
import { loadCase, readBase } from './fixture.ts'

const random = randomSource(20)

function module(out: number, inner: number, rank: number, scaling = 1.7): LoraModule {
  const rows = [0, out] as const
  const sizes = { in: inner, out, rank, rows, alpha: scaling * rank, scaling }
  const names = { step: 'layers.0.attn.q', source: 'q_proj', kind: 'linear' as const, magnitude: null }
  return { ...names, ...sizes, a: random.normal(rank * inner, 0.2), b: random.normal(out * rank, 0.3) }
}

function largest(values: Iterable<number>): number {
  return Math.max(0, ...[...values].map(Math.abs))
}

function difference(a: DenseMatrix, b: DenseMatrix): number {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols])
  return largest(a.data.map((value, n) => value - (b.data[n] ?? NaN)))
}

/** mᵀm − I */
function orthogonality(m: DenseMatrix): number {
  const gram = product(transposed(m), m)
  return largest(gram.data.map((value, n) => value - (n % (gram.cols + 1) === 0 ? 1 : 0)))
}

const SHAPES = [
  [40, 4],
  [4, 40],
  [7, 7],
  [1, 5],
  [5, 1],
  [300, 16],
] as const

describe.each(SHAPES)('decompositions of %i × %i', (rows, cols) => {
  const m = matrix(rows, cols, random.normal(rows * cols))
  // 1e-13: a few hundred roundings of f64 at values around 4.
  it('QR has orthonormal columns and gives the matrix back', () => {
    const { q, r } = qr(m)
    expect(orthogonality(q)).toBeLessThan(1e-13)
    expect(difference(product(q, r), m)).toBeLessThan(1e-13)
  })

  it('SVD has orthonormal directions, descending values, and gives the matrix back', () => {
    const { u, values, v } = svd(m)
    expect(values.length).toBe(Math.min(rows, cols))
    expect(Array.from(values)).toEqual(Array.from(values).sort((a, b) => b - a))
    expect(Math.max(orthogonality(u), orthogonality(v))).toBeLessThan(1e-13)
    const scaled = matrix(
      u.rows,
      u.cols,
      u.data.map((value, n) => value * (values[n % u.cols] ?? 0)),
    )
    expect(difference(product(scaled, transposed(v)), m)).toBeLessThan(1e-13)
  })
})

describe('singular values', () => {
  it('are those of a known matrix', () => {
    const { values } = svd(matrix(2, 2, [3, 0, 4, 5]))
    expect(values[0]).toBeCloseTo(Math.sqrt(45), 13)
    expect(values[1]).toBeCloseTo(Math.sqrt(5), 13)
  })

  it('are zero for dependent columns and a zero matrix', () => {
    expect(svd(matrix(3, 2, [1, 2, 2, 4, 3, 6])).values[1]).toBeLessThan(1e-15)
    expect(Array.from(svd(matrix(3, 2)).values)).toEqual([0, 0])
    expect(largest(qr(matrix(4, 2)).r.data)).toBe(0)
  })
})

/** Ranks below, at and above a side: kv projections are narrow. */
const MODULES = [
  module(48, 40, 4),
  module(8, 56, 8),
  module(8, 56, 16),
  module(56, 8, 16),
  module(3, 5, 1, -2),
]

describe.each(MODULES)('ΔW of [$out, $in] with rank $rank', (lora) => {
  const dense = denseDelta(lora)
  const norm = Math.sqrt(dot(dense, dense))

  it('has the norm and the spectrum of the dense matrix', () => {
    const spectrum = deltaSpectrum(lora)
    const direct = svd(matrix(lora.out, lora.in, dense)).values
    expect(deltaNorm(lora)).toBeCloseTo(norm, 11)
    expect(spectrum.norm).toBeCloseTo(norm, 11)
    expect(spectrum.values.length).toBe(Math.min(lora.rank, lora.in, lora.out))
    expect(largest(spectrum.values.map((value, n) => value - (direct[n] ?? 0)))).toBeLessThan(1e-12)
    expect(spectrum.energy.at(-1)).toBeCloseTo(1, 12)
  })

  it('has directions with ΔW v = σu', () => {
    const { values, left, right } = deltaSpectrum(lora)
    for (let k = 0; k < values.length; k++) {
      const image = product(matrix(lora.out, lora.in, dense), matrix(lora.in, 1, direction(right, k)))
      const written = direction(left, k)
      expect(
        largest(image.data.map((value, n) => value - (values[k] ?? 0) * (written[n] ?? 0))),
      ).toBeLessThan(1e-12)
    }
  })
})

describe('effective rank', () => {
  const diagonal = (values: number[]): LowRank => {
    const rank = values.length
    const unit = (scale: (i: number) => number): Float32Array =>
      Float32Array.from({ length: rank * rank }, (_, n) => (n % (rank + 1) === 0 ? scale(n / (rank + 1)) : 0))
    return { a: unit(() => 1), b: unit((i) => values[i] ?? 0), in: rank, out: rank, rank, scaling: 1 }
  }

  it('counts equal directions, follows the formula between, and is 0 without any', () => {
    expect(deltaSpectrum(diagonal([2, 2, 2, 2])).effectiveRank).toBeCloseTo(4, 12)
    expect(deltaSpectrum(diagonal([5, 0, 0])).effectiveRank).toBeCloseTo(1, 12)
    const shares = [0.8, 0.2]
    const entropy = -shares.reduce((sum, p) => sum + p * Math.log(p), 0)
    expect(deltaSpectrum(diagonal([2, 1])).effectiveRank).toBeCloseTo(Math.exp(entropy), 12)
    expect(Array.from(deltaSpectrum(diagonal([2, 1])).energy)).toEqual([0.8, 1])
    expect(deltaSpectrum(diagonal([0, 0]))).toMatchObject({
      effectiveRank: 0,
      norm: 0,
      energy: new Float64Array(0),
    })
  })
})

describe('comparison of adapters', () => {
  const [first, second] = [module(48, 40, 4), module(48, 40, 6)]

  it('takes inner products without forming ΔW', () => {
    const dense = dot(denseDelta(first), denseDelta(second))
    expect(innerProduct(first, second)).toBeCloseTo(dense, 11)
    expect(deltaCosine(first, second)).toBeCloseTo(dense / deltaNorm(first) / deltaNorm(second), 12)
  })

  it('is 1 for itself, −1 for its negative, null for nothing', () => {
    expect(deltaCosine(first, first)).toBeCloseTo(1, 12)
    expect(deltaCosine(first, { ...first, scaling: -first.scaling })).toBeCloseTo(-1, 12)
    expect(deltaCosine(first, { ...first, scaling: 0 })).toBeNull()
  })
})

describe('cost', () => {
  it('counts a shared A once and an embedding as a look-up', async () => {
    const { model } = await readBase('gpt2')
    const { modules } = await loadCase('gpt2-fan-spelled-false', model)
    const [layers, rank, hidden] = [model.layers, 2, model.hidden]
    expect(adapterCost(modules, 2)).toEqual({
      bytes: 2 * layers * rank * (hidden + 3 * hidden),
      flopsPerRow: 2 * layers * rank * (hidden + 3 * hidden),
    })
    const llama = await readBase('llama')
    const embedding = (await loadCase('llama-embedding-dora', llama.model)).modules.slice(0, 1)
    expect(adapterCost(embedding, 4)).toEqual({
      bytes: 4 * (2 * 131 + 2 * 40 + 40),
      flopsPerRow: 2 * 2 * 40 + 40,
    })
  })
})

it('analyses a whole real-size module', () => {
  const big = module(4864, 896, 8)
  expect(deltaSpectrum(big).norm).toBeCloseTo(deltaNorm(big), 8)
})
