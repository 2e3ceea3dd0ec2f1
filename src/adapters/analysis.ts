import { dot, matrix, product, qr, svd, transposed, type DenseMatrix } from './linalg.ts'
import type { LoraModule } from './types.ts'

/** The part of a module that its low-rank update is made of. */
export type LowRank = Pick<LoraModule, 'a' | 'b' | 'in' | 'out' | 'rank' | 'scaling'>

const factorA = ({ a, rank, in: inner }: LowRank): DenseMatrix => matrix(rank, inner, a)
const factorB = ({ b, rank, out }: LowRank): DenseMatrix => matrix(out, rank, b)

/**
 * ⟨ΔW₁, ΔW₂⟩_F = s₁s₂ · tr((B₁ᵀB₂)(A₂A₁ᵀ)) from r₁×r₂ Gram matrices: ΔW is never formed. Costs r₁r₂(in + out)
 * multiplications. Both must belong to one step.
 */
export function innerProduct(first: LowRank, second: LowRank): number {
  let sum = 0
  const columns1 = transposed(factorB(first))
  const columns2 = transposed(factorB(second))
  for (let i = 0; i < first.rank; i++) {
    for (let j = 0; j < second.rank; j++) {
      const b = dot(
        columns1.data.subarray(i * first.out, (i + 1) * first.out),
        columns2.data.subarray(j * second.out, (j + 1) * second.out),
      )
      const a = dot(
        first.a.subarray(i * first.in, (i + 1) * first.in),
        second.a.subarray(j * second.in, (j + 1) * second.in),
      )
      sum += a * b
    }
  }
  return first.scaling * second.scaling * sum
}

/** ‖scaling · BA‖_F. For a DoRA module: of the low-rank part, before its renormalisation. */
export function deltaNorm(module: LowRank): number {
  return Math.sqrt(Math.max(0, innerProduct(module, module)))
}

/** Cosine between two adapters' ΔW at one step, in [−1, 1]; null when either is zero. */
export function deltaCosine(first: LowRank, second: LowRank): number | null {
  const norms = deltaNorm(first) * deltaNorm(second)
  return norms === 0 ? null : Math.max(-1, Math.min(1, innerProduct(first, second) / norms))
}

export interface DeltaSpectrum {
  /** Singular values of ΔW, descending: [min(rank, in, out)]; the others are 0. */
  values: Float64Array
  /** ‖ΔW‖_F = √Σσ². */
  norm: number
  /** Share of Σσ² in the first k + 1 values; empty when ΔW is zero. */
  energy: Float64Array
  /**
   * exp(−Σ pᵢ ln pᵢ), pᵢ = σᵢ²/Σσ²: how many directions carry the update. As Roy & Vetterli, "The effective rank" (EUSIPCO
   * 2007), with energies in place of singular values. 0 when ΔW is zero.
   */
  effectiveRank: number
  /** Directions written: column k of [out, …] for value k, unit length. */
  left: DenseMatrix
  /** Directions read: column k of [in, …]. */
  right: DenseMatrix
}

/**
 * Spectrum of ΔW = scaling · BA without forming it: B = Q_B R_B and Aᵀ = Q_A R_A, then the SVD of the r×r core
 * scaling · R_B R_Aᵀ. Takes O(r²(in + out) + r³).
 */
export function deltaSpectrum(module: LowRank): DeltaSpectrum {
  const { q: qb, r: rb } = qr(factorB(module))
  const { q: qa, r: ra } = qr(transposed(factorA(module)))
  const core = product(rb, transposed(ra))
  // A negative scaling turns the written directions, values stay positive.
  for (let n = 0; n < core.data.length; n++) core.data[n] = (core.data[n] ?? 0) * module.scaling
  const { u, values, v } = svd(core)
  const total = dot(values, values)
  const shares = total === 0 ? new Float64Array(0) : values.map((value) => value ** 2 / total)
  let sum = 0
  let entropy = 0
  const energy = shares.map((share) => (sum += share))
  for (const share of shares) if (share > 0) entropy -= share * Math.log(share)
  return {
    values,
    norm: Math.sqrt(total),
    energy,
    effectiveRank: total === 0 ? 0 : Math.exp(entropy),
    left: product(qb, u),
    right: product(qa, v),
  }
}

/** Column k of a matrix of directions. */
export function direction({ rows, cols, data }: DenseMatrix, k: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => data[row * cols + k] ?? 0)
}

/** What an adapter adds to the cost of the base, unmerged. */
export interface AdapterCost {
  /** Bytes of all factors and magnitudes, `bytesPerElement` each. */
  bytes: number
  /** Multiplications and additions for one row through all layers; the head counted, as for a row that needs logits. */
  flopsPerRow: number
}

/**
 * Memory and work of the low-rank parts: a linear module takes 2r(in + out), an embedding looks its column of A up and
 * takes 2r·out, DoRA one product per output. A factor A that several steps share (q, k and v of one source) counts once.
 */
export function adapterCost(modules: readonly LoraModule[], bytesPerElement: 2 | 4): AdapterCost {
  const shared = new Set<Float32Array>()
  let elements = 0
  let flopsPerRow = 0
  for (const { kind, a, b, in: inner, out, rank, magnitude } of modules) {
    elements += b.length + (magnitude?.length ?? 0)
    flopsPerRow += 2 * rank * out + (magnitude ? out : 0)
    if (shared.has(a)) continue
    shared.add(a)
    elements += a.length
    if (kind === 'linear') flopsPerRow += 2 * rank * inner
  }
  return { bytes: elements * bytesPerElement, flopsPerRow }
}
