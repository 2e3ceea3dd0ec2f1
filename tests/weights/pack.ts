import { invariant } from '../../src/errors.ts'
import type { WeightFormat } from '../../src/api/model.ts'
import { BLOCK, q4_0, q8_0, type BlockFormat } from './blockFormats.ts'
import { narrowToHalves, widenHalves } from '../../src/formats/floats.ts'

/** Rows of a matrix as the GPU holds them. */
export interface PackedRows {
  /** `[rows, unitsPerRow · 4]`: whole 16-byte units per row, padded with zeros. */
  quants: Uint32Array
  /** f16 scales of all blocks in row order, two per word, low half first; empty for f32 and f16. */
  scales: Uint32Array
}

/** Every block format. A new one is an object beside those in blocks.ts and a line here. */
const BLOCK_FORMATS: ReadonlyMap<WeightFormat, BlockFormat> = new Map<WeightFormat, BlockFormat>([
  ['q8_0', q8_0],
  ['q4_0', q4_0],
])

const WORDS_PER_UNIT = 4

/** Words that one row of quants takes, padding included. */
function rowWords(format: WeightFormat, cols: number): number {
  const block = BLOCK_FORMATS.get(format)
  if (block) return (cols / BLOCK) * block.wordsPerBlock
  const words = format === 'f16' ? cols / 2 : cols
  return Math.ceil(words / WORDS_PER_UNIT) * WORDS_PER_UNIT
}

/**
 * Packs whole rows. Rows are independent, so a matrix may come in parts; where scales of parts are joined, every part but the
 * last needs an even number of blocks (an even number of rows is always enough).
 *
 * @param data `[rows, cols]`, row-major. Block formats need `cols` to be a multiple of 32.
 */
export function packMatrix(format: WeightFormat, rows: number, cols: number, data: Float32Array): PackedRows {
  invariant(data.length === rows * cols, 'the data is rows × cols')
  const block = BLOCK_FORMATS.get(format)
  if (block) return packBlocks(block, rows, cols, data)
  const stride = rowWords(format, cols)
  const quants = new Uint32Array(rows * stride)
  if (format === 'f32') {
    const floats = new Float32Array(quants.buffer)
    for (let row = 0; row < rows; row++) floats.set(data.subarray(row * cols, (row + 1) * cols), row * stride)
  } else {
    const halves = new Uint16Array(quants.buffer)
    for (let row = 0; row < rows; row++) {
      narrowToHalves(data.subarray(row * cols, (row + 1) * cols), halves, row * stride * 2)
    }
  }
  return { quants, scales: new Uint32Array(0) }
}

function packBlocks(format: BlockFormat, rows: number, cols: number, data: Float32Array): PackedRows {
  invariant(cols % BLOCK === 0, 'block formats need whole blocks per row')
  const blocks = (rows * cols) / BLOCK
  const quants = new Uint32Array(blocks * format.wordsPerBlock)
  const scales = new Uint32Array(Math.ceil(blocks / 2))
  const halves = new Uint16Array(scales.buffer)
  for (let b = 0; b < blocks; b++) {
    halves[b] = format.quantize(data, b * BLOCK, quants, b * format.wordsPerBlock)
  }
  return { quants, scales }
}

/** The values the GPU computes with: `[rows, cols]`. f32 holds every product of scale and integer exactly. */
export function unpackMatrix(
  format: WeightFormat,
  rows: number,
  cols: number,
  { quants, scales }: PackedRows,
): Float32Array {
  const data = new Float32Array(rows * cols)
  const block = BLOCK_FORMATS.get(format)
  if (block) {
    for (let b = 0; b < data.length / BLOCK; b++) {
      const scale = ((scales[b >> 1] ?? 0) >>> (16 * (b & 1))) & 0xffff
      block.dequantize(quants, b * block.wordsPerBlock, scale, data, b * BLOCK)
    }
    return data
  }
  const stride = rowWords(format, cols)
  for (let row = 0; row < rows; row++) {
    const words = quants.slice(row * stride, (row + 1) * stride)
    const values =
      format === 'f32' ? new Float32Array(words.buffer) : widenHalves(new Uint16Array(words.buffer))
    data.set(values.subarray(0, cols), row * cols)
  }
  return data
}
