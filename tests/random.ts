/** Seeded numbers for tests: the same seed gives the same data on every machine. */
export interface RandomSource {
  /** In [0, 1), 32 bits of resolution. */
  uniform(): number
  /** In 0 … below − 1. */
  integer(below: number): number
  /** `count` values of N(0, scale²), each exactly representable in f32. */
  normal(count: number, scale?: number): Float32Array
  /** Like `normal`, but about one value in 64 (at least one) is ±800: activations of real models look like this. */
  outliers(count: number): Float32Array
  /** 0 … count − 1 in random order. */
  permutation(count: number): number[]
}

/** mulberry32 behind Box-Muller; deliberately not the generator that the sampler uses. */
export function randomSource(seed: number): RandomSource {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (below: number): number => Math.floor(uniform() * below)
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const normal = (count: number, scale = 1): Float32Array =>
    Float32Array.from({ length: count }, () => scale * gauss())
  const outliers = (count: number): Float32Array => {
    const values = normal(count)
    for (let n = 0; n < Math.ceil(count / 64); n++) values[integer(count)] = uniform() < 0.5 ? -800 : 800
    return values
  }
  const permutation = (count: number): number[] => {
    const order = Array.from({ length: count }, (_, i) => i)
    for (let i = count - 1; i > 0; i--) {
      const j = integer(i + 1)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    return order
  }
  return { uniform, integer, normal, outliers, permutation }
}
