import type { KvFormatName } from '../api/load.ts'
import { f16ToF32 } from '../formats/floats.ts'

/** int8 that share a scale. */
const BLOCK = 32

/** Values of one row of the cache as it lies on the GPU, padding included. */
export function decodeRow(format: KvFormatName, row: ArrayBuffer): Float32Array {
  if (format === 'f32') return new Float32Array(row)
  const halves = new Uint16Array(row)
  if (format === 'f16') return Float32Array.from(halves, f16ToF32)
  // Two scales a word behind every 64 integers or less.
  const words = row.byteLength / 4
  const quants = new Int8Array(row, 0, (words - Math.ceil(words / 17)) * 4)
  return Float32Array.from(
    quants,
    (q, i) => q * f16ToF32(halves[quants.length / 2 + Math.floor(i / BLOCK)] ?? 0),
  )
}

/** NMSE that storing may cost: of f16 8e-8, of q8_0 about 3e-5 where values are spread as normal ones. */
export const STORED_ERROR: Readonly<Record<KvFormatName, number>> = { f32: 1e-5, f16: 1e-5, q8_0: 1e-3 }
