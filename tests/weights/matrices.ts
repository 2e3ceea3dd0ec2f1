/** Matrices of ordinary weights in every format: as a file holds them, and their values. */
import { f32ToBf16, f32ToF16, widenHalves } from '../../src/formats/floats.ts'
import { decodeF8 } from '../../src/formats/packed/f8.ts'
import { FP4_LEVELS } from '../../src/formats/packed/fp4.ts'
import { NF4_LEVELS } from '../../src/formats/packed/nf4.ts'
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

/** Columns that share a scale in the grouped formats here. */
export const GROUP = 32

/** The word of a group, the same in every row. */
export function groupWord(format: FormatName, group: number): number {
  const [word = 0] = new Uint32Array(
    Float32Array.of((format.startsWith('f8') ? 0.01 : 0.1) * (1 + group)).buffer,
  )
  return format === 'int4' ? (word & 0xffffe000) + ((3 * group + 5) & 15) : word
}

/** Values of four-bit codes that are no integers. */
const FOUR_LEVELS: Partial<Record<FormatName, Float32Array>> = { fp4: FP4_LEVELS, nf4: NF4_LEVELS }

/** Random weights of a grouped format as the GPU has them. */
function groupedMatrix(format: FormatName, rows: number, cols: number, random: RandomSource): StoredMatrix {
  const isFour = format === 'fp4' || format === 'nf4' || format === 'int4'
  const codes = Uint8Array.from({ length: rows * cols }, () => random.integer(isFour ? 16 : 256))
  if (!isFour) for (const [i, code] of codes.entries()) if ((code & 0x7c) === 0x7c) codes[i] = code ^ 0x40
  const levels =
    format === 'f8_e4m3' || format === 'f8_e5m2'
      ? decodeF8(format === 'f8_e4m3' ? 'F8_E4M3' : 'F8_E5M2', codes)
      : Float32Array.from(codes, (code) => FOUR_LEVELS[format]?.[code] ?? code)
  const values = levels.map((level, i) => {
    const word = groupWord(format, Math.floor((i % cols) / GROUP))
    const zero = format === 'int4' ? word & 31 : 0
    const [scale = 0] = new Float32Array(Uint32Array.of(word - zero).buffer)
    return (level - zero) * scale
  })
  if (!isFour) return { format, rows, cols, blocks: codes, values }
  // Of every 32: nf4 in pairs, the first high; fp4 the first low; int4 the first sixteen low, the others high.
  const blocks = Uint8Array.from({ length: codes.length / 2 }, (_, i) => {
    const [unit, byte] = [32 * Math.floor(i / 16), i % 16]
    const pair = { fp4: [2 * byte, 2 * byte + 1], nf4: [2 * byte + 1, 2 * byte] } as const
    const [low, high] = format === 'fp4' || format === 'nf4' ? pair[format] : [byte, byte + 16]
    return (codes[unit + low] ?? 0) | ((codes[unit + high] ?? 0) << 4)
  })
  return { format, rows, cols, blocks, values }
}

/** A matrix of fixture blocks in random order; of floats, random ones. */
export function storedMatrix(
  format: FormatName,
  rows: number,
  cols: number,
  random: RandomSource,
): StoredMatrix {
  const { block, blockBytes, grouped } = ALL_FORMATS[format]
  if (grouped) return groupedMatrix(format, rows, cols, random)
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
