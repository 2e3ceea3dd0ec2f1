/** Matrices of ordinary weights in every format: as a file holds them, and their values. */
import { f32ToBf16, f32ToF16, widenHalves } from '../../src/formats/floats.ts'
import { ALL_FORMATS } from '../../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../../src/weights/formats/index.ts'
import type { RandomSource } from '../random.ts'
import { BLOCK_CASES } from './blocks.ts'

export interface StoredMatrix {
  readonly format: FormatName
  readonly rows: number
  readonly cols: number
  readonly blocks: Uint8Array
  /** [rows, cols] */
  readonly values: Float32Array
}

/** Fixture blocks whose weights are neither tiny nor huge. */
function ordinaryBlocks(format: FormatName): { blocks: Uint8Array; values: Float32Array }[] {
  const c = BLOCK_CASES.find((each) => each.format === format)
  const { block, blockBytes } = ALL_FORMATS[format]
  if (!c) return []
  return Array.from({ length: (c.rows * c.cols) / block }, (_, i) => ({
    blocks: c.blocks.subarray(i * blockBytes, (i + 1) * blockBytes),
    values: c.values.subarray(i * block, (i + 1) * block),
  })).filter(({ values }) => {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return largest > 1e-2 && largest < 1e3 && values.every(Number.isFinite)
  })
}

function storeFloats(format: FormatName, data: Float32Array): { blocks: Uint8Array; values: Float32Array } {
  if (format === 'f32') return { blocks: new Uint8Array(data.buffer), values: data }
  const halves = Uint16Array.from(data, format === 'f16' ? f32ToF16 : f32ToBf16)
  const widened = Uint32Array.from(halves, (half) => half << 16)
  const values = format === 'f16' ? widenHalves(halves) : new Float32Array(widened.buffer)
  return { blocks: new Uint8Array(halves.buffer), values }
}

/** A matrix of fixture blocks in random order; of floats, random ones. */
export function storedMatrix(
  format: FormatName,
  rows: number,
  cols: number,
  random: RandomSource,
): StoredMatrix {
  const { block, blockBytes } = ALL_FORMATS[format]
  if (block === 1) return { format, rows, cols, ...storeFloats(format, random.normal(rows * cols, 0.5)) }
  const pool = ordinaryBlocks(format)
  const count = (rows * cols) / block
  const blocks = new Uint8Array(count * blockBytes)
  const values = new Float32Array(rows * cols)
  for (let i = 0; i < count; i++) {
    const pick = pool[(i * 7 + (i >> 3)) % pool.length]
    if (!pick) throw new Error(`no ordinary block of ${format}`)
    blocks.set(pick.blocks, i * blockBytes)
    values.set(pick.values, i * block)
  }
  return { format, rows, cols, blocks, values }
}
