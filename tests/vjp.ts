import type { Numbers } from './reference.ts'

/** Step of a central difference in f64: errors of rounding and of the difference itself are both about 1e-10. */
const STEP = 1e-5

/** Gradient of Σ dy·f(x) by x, by differences of a reference in f64: it knows nothing of how a rule is written. */
export function vjp(f: (x: Float64Array) => Numbers, x: Numbers, dy: Numbers): Float64Array {
  const at = Float64Array.from(x)
  const along = (y: Numbers): number => {
    let sum = 0
    for (let i = 0; i < dy.length; i++) sum += dy[i]! * y[i]!
    return sum
  }
  return at.map((value, i) => {
    at[i] = value + STEP
    const above = along(f(at))
    at[i] = value - STEP
    const below = along(f(at))
    at[i] = value
    return (above - below) / (2 * STEP)
  })
}

/** Largest difference beside the largest value. */
export function maxRelative(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0
  let largest = 0
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!)
    difference = error <= difference ? difference : error
    largest = Math.max(largest, Math.abs(expected[i]!))
  }
  return difference / largest
}
