import { f16ToF32 } from '../floats.ts'

/**
 * Writes the values of one block to `out` from `to` on. `at` is the block's first byte. Every product and sum is rounded
 * to f32, in the order of the formula: the values are those of the `gguf` package bit for bit, NaN payloads aside.
 */
export type DequantiseBlock = (bytes: DataView, at: number, out: Float32Array, to: number) => void

export function half(bytes: DataView, at: number): number {
  return f16ToF32(bytes.getUint16(at, true))
}
