import type { KvFormatName } from '../../src/api/load.ts'
import { f16ToF32, f32ToF16 } from '../../src/formats/floats.ts'
import { CANARY } from './opHarness.ts'

/** Words of a row of `headDim` values, a multiple of four. */
function rowWords(format: KvFormatName, headDim: number): number {
  if (format === 'f32') return headDim
  return format === 'f16' ? headDim / 2 : headDim / 4 + Math.ceil(headDim / 64)
}

/** One row as the GPU keeps it. */
function encodeRow(format: KvFormatName, row: Float64Array, words: Uint32Array): void {
  if (format === 'f32') return new Float32Array(words.buffer, words.byteOffset, row.length).set(row)
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2)
  if (format === 'f16') return row.forEach((value, i) => (halves[i] = f32ToF16(value)))
  const quants = new Int8Array(words.buffer, words.byteOffset, row.length)
  words.fill(0)
  for (let begin = 0; begin < row.length; begin += 32) {
    const block = row.subarray(begin, begin + 32)
    const scale = Math.fround(block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127)
    halves[row.length / 2 + begin / 32] = f32ToF16(scale)
    block.forEach((value, i) => {
      const q = scale === 0 ? 0 : Math.fround(Math.fround(value) / scale)
      quants[begin + i] = Math.sign(q) * Math.floor(Math.abs(q) + 0.5)
    })
  }
}

function decodeRow(format: KvFormatName, words: Uint32Array, headDim: number): ArrayLike<number> {
  if (format === 'f32') return new Float32Array(words.buffer, words.byteOffset, headDim)
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2)
  if (format === 'f16') return Array.from(halves, f16ToF32)
  const quants = new Int8Array(words.buffer, words.byteOffset, headDim)
  return Array.from(quants, (q, i) => q * f16ToF32(halves[headDim / 2 + Math.floor(i / 32)]!))
}

/** Pages `[pages, kvHeads, 32, headDim]` as they lie on the GPU: rows of NaN, which hold nothing, are the canary. */
export function encodePages(values: Float64Array, format: KvFormatName, headDim: number): Float32Array {
  const size = rowWords(format, headDim)
  const rows = values.length / headDim
  const words = new Uint32Array(rows * size).fill(CANARY)
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * headDim, (r + 1) * headDim)
    if (!Number.isNaN(row[0])) encodeRow(format, row, words.subarray(r * size, (r + 1) * size))
  }
  return new Float32Array(words.buffer)
}

/** The values of such pages: NaN for rows that no kernel wrote. */
export function decodePages(pages: Float32Array, format: KvFormatName, headDim: number): Float64Array {
  const size = rowWords(format, headDim)
  const words = new Uint32Array(pages.buffer, pages.byteOffset, pages.length)
  const rows = words.length / size
  const values = new Float64Array(rows * headDim).fill(NaN)
  for (let r = 0; r < rows; r++) {
    const row = words.slice(r * size, (r + 1) * size)
    if (row.some((word) => word !== CANARY)) values.set(decodeRow(format, row, headDim), r * headDim)
  }
  return values
}
