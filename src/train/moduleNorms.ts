import type { ModuleNorm } from '../api/train.ts'
import { outputAt } from '../program/outputs.ts'
import type { FlatLayout } from './flatLayout.ts'

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0)

/**
 * Length of each product's gradient, of its A and its B together, out of the flat gradient of all. The kernels sum over tokens; `totalNorm` is
 * the length of the gradient of the mean, and scales what is read. A factor that several products share counts for each.
 */
export function moduleNorms({ places }: FlatLayout, flat: Float32Array, totalNorm: number): ModuleNorm[] {
  const sum = Math.sqrt(squares(flat))
  const scale = sum > 0 ? totalNorm / sum : 0
  return Array.from(places, ([step, { module, a, b }]) => {
    let square = squares(flat.subarray(a.at, a.at + module.a.length))
    for (let row = 0; row < module.out; row++) {
      const from = b.at + outputAt(module, row) * module.rank
      square += squares(flat.subarray(from, from + module.rank))
    }
    return { step, gradient: scale * Math.sqrt(square) }
  })
}
