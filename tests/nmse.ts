/**
 * Normalised mean squared error: Σ(got − want)² / Σ want². Scale-free, so one tolerance serves every op.
 * NaN in either makes it NaN (and every comparison with a tolerance fails); an all-zero `want` gives 0 or Infinity.
 */
export function nmse(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length)
    throw new Error(`nmse: got ${got.length} values, want ${expected.length}`)
  let difference = 0
  let reference = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (got[i]! - expected[i]!) ** 2
    reference += expected[i]! ** 2
  }
  if (reference === 0 && !Number.isNaN(difference)) return difference === 0 ? 0 : Infinity
  return difference / reference
}

/** Largest |got − want|; NaN when any difference is NaN. */
export function maxDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length)
    throw new Error(`maxDifference: got ${got.length} values, want ${expected.length}`)
  let largest = 0
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(got[i]! - expected[i]!))
  return largest
}
