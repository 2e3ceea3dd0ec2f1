/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a random number as
 * a function of (seed, counter), with no state to carry. `shaders/lib/random.wgsl` is the same code, line by line, so a
 * draw is the same number wherever it is made.
 */

export type Words4 = readonly [number, number, number, number]
export type Words2 = readonly [number, number]

const ROUNDS = 10
const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9 // golden ratio
const WEYL_1 = 0xbb67ae85 // √3 − 1

/** High 32 bits of a · b, from 16-bit halves: WGSL has no 64-bit product. No sum here exceeds 2³² − 1. */
export function multiplyHigh(a: number, b: number): number {
  const [a0, a1] = [a & 0xffff, a >>> 16]
  const [b0, b1] = [b & 0xffff, b >>> 16]
  const low = a1 * b0 + ((a0 * b0) >>> 16)
  const middle = a0 * b1 + (low & 0xffff)
  return a1 * b1 + (low >>> 16) + (middle >>> 16)
}

/** Four random u32 of a four-word counter under a two-word key. */
export function philox4x32(counter: Words4, key: Words2): Words4 {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0
    ;[c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0]
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** The key of a seed: its low and high 32 bits. `seed` is an integer in 0 … 2⁵³ − 1. */
export function seedWords(seed: number): Words2 {
  return [seed >>> 0, Math.floor(seed / 2 ** 32)]
}

/**
 * The uniform number of draw `counter` (u32, the index of the generated token), in [0, 1): a multiple of 2⁻²⁴, so it is
 * exact in f32 and the same on GPU and host.
 */
export function randomUniform(seed: number, counter: number): number {
  const [word] = philox4x32([counter >>> 0, 0, 0, 0], seedWords(seed))
  return (word >>> 8) * 2 ** -24
}
