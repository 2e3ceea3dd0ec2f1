import type { StepOf } from '../program/step.ts'

/** a·b over `count` elements from `from` on, in f64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>, from = 0, count = a.length): number {
  let sum = 0
  for (let i = from; i < from + count; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/**
 * A norm whose scale is held at its value for one row, which makes it linear: y = (x − mean(x)) / s ∘ g + b, without the mean for
 * RMSNorm.
 */
export class NormGradient {
  readonly #norm: StepOf<'rms_norm'> | StepOf<'layer_norm'>
  readonly #weight: Float32Array
  readonly #bias: Float32Array | null
  readonly #scale: number
  readonly #mean: number

  /** `x`: the norm's input row; `weight` and `bias` as stored, all `[width]`. */
  constructor(
    norm: StepOf<'rms_norm'> | StepOf<'layer_norm'>,
    x: Float32Array,
    weight: Float32Array,
    bias: Float32Array | null,
  ) {
    this.#norm = norm
    this.#weight = weight
    this.#bias = bias
    this.#mean = norm.op === 'layer_norm' ? x.reduce((a, b) => a + b, 0) / x.length : 0
    const variance = x.reduce((sum, value) => sum + (value - this.#mean) ** 2, 0) / x.length
    this.#scale = Math.sqrt(variance + norm.attrs.eps)
  }

  /** The norm's output for a row, in f64. */
  apply(x: Float32Array): Float64Array {
    return Float64Array.from(x, (value, i) => {
      const gain = (this.#weight[i] ?? 0) + this.#offset
      return ((value - this.#mean) / this.#scale) * gain + (this.#bias?.[i] ?? 0)
    })
  }

  get #offset(): number {
    return this.#norm.op === 'rms_norm' ? this.#norm.attrs.offset : 0
  }

  /** Turns a direction of outputs into that of inputs: an input row c makes c·pull(d) of what its output makes along d. */
  project(direction: ArrayLike<number>): Float64Array {
    const offset = this.#offset
    const projected = Float64Array.from(
      this.#weight,
      (g, i) => ((direction[i] ?? 0) * (g + offset)) / this.#scale,
    )
    if (this.#norm.op === 'rms_norm') return projected
    // (c − mean(c))·d = c·(d − mean(d))
    const centre = projected.reduce((a, b) => a + b, 0) / projected.length
    return projected.map((value) => value - centre)
  }

  /** What the norm's bias makes along a direction; null without one. */
  constant(direction: ArrayLike<number>): number | null {
    return this.#bias ? dot(this.#bias, direction) : null
  }
}
