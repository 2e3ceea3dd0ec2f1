import { dequantise } from '../formats/gguf/dequantise.ts'
import type { GgmlTypeName } from '../formats/gguf/ggmlTypes.ts'
import { decodeF8 } from '../formats/packed/f8.ts'
import { FP4_LEVELS } from '../formats/packed/fp4.ts'
import { NF4_LEVELS } from '../formats/packed/nf4.ts'
import { invariant } from '../errors.ts'
import type { PlaneLayout } from './formats/layout.ts'
import type { Repack } from './formats/record.ts'
import { readPlane, type ReadBytes } from './hostRow.ts'

/** Bits of a plane's block, put where a file's block has them: the inverse of `shaders/load/relay.wgsl`, weight by weight. */
type Unpack = (plane: Uint8Array, block: Uint8Array) => void

function put(block: Uint8Array, at: number, value: number): void {
  block[at] = (block[at] ?? 0) | value
}

/** Nibble `j` of unit `u`: a unit's byte j holds weight j in its low and weight j + 16 in its high half. */
function eachNibble(plane: Uint8Array, visit: (u: number, j: number, nibble: number) => void): void {
  for (let u = 0; u < plane.length / 16; u++) {
    for (let j = 0; j < 32; j++) visit(u, j, ((plane[16 * u + (j % 16)] ?? 0) >> (j < 16 ? 0 : 4)) & 15)
  }
}

const UNPACK: Readonly<Record<Repack, Unpack>> = {
  move: (plane, block) => block.set(plane),
  nibbles2: (plane, block) =>
    eachNibble(plane, (u, j, nibble) => put(block, (u >> 1) * 32 + j, nibble << (4 * (u & 1)))),
  nibbles4: (plane, block) =>
    eachNibble(plane, (u, j, nibble) =>
      put(block, (u >> 2) * 64 + (u & 1) * 32 + j, nibble << (4 * ((u >> 1) & 1))),
    ),
  pairs(plane, block) {
    for (const [i, byte] of plane.entries()) {
      const [unit, word, k] = [i >> 4, (i >> 2) & 3, i & 3]
      for (let q = 0; q < 4; q++) {
        const at = (unit >> 1) * 32 + (word & 1) * 16 + 4 * q + k
        put(block, at, ((byte >> (2 * q)) & 3) << (4 * (unit & 1) + 2 * (word >> 1)))
      }
    }
  },
  bits(plane, block) {
    for (const [i, byte] of plane.entries())
      for (let part = 0; part < 8; part++) put(block, 4 * part + (i & 3), ((byte >> part) & 1) << (i >> 2))
  },
  spread(plane, block) {
    for (const [b, byte] of plane.entries())
      for (let part = 0; part < 8; part++) put(block, part >> 1, ((byte >> part) & 1) << (4 * (part & 1) + b))
  },
}

/** Values of a grouped format's quants, before they are scaled; for int4 what is stored. */
function levelsOf(layout: PlaneLayout, quants: Uint8Array): Float32Array {
  const { format, cols } = layout
  if (format.name === 'f8_e4m3') return decodeF8('F8_E4M3', quants)
  if (format.name === 'f8_e5m2') return decodeF8('F8_E5M2', quants)
  return Float32Array.from({ length: cols }, (_, k) => {
    const pair = quants[k >> 1] ?? 0
    if (format.name === 'nf4') return NF4_LEVELS[(pair >> (k & 1 ? 0 : 4)) & 15] ?? NaN
    if (format.name === 'fp4') return FP4_LEVELS[(pair >> (k & 1 ? 4 : 0)) & 15] ?? NaN
    const byte = quants[(k >> 5) * 16 + (k & 15)] ?? 0
    return (byte >> (k & 16 ? 4 : 0)) & 15
  })
}

async function groupedRow(
  read: ReadBytes,
  buffer: GPUBuffer,
  layout: PlaneLayout,
  row: number,
): Promise<Float32Array> {
  const { format, cols, group, rowGroups, words } = layout
  const [quants] = format.planes
  invariant(quants, `${format.name} has quants`)
  const levels = levelsOf(layout, await readPlane(read, buffer, layout, quants, row))
  const plane = new Uint32Array(await read(buffer, (words.scales + row * rowGroups) * 4, rowGroups * 4))
  return levels.subarray(0, cols).map((level, k) => {
    const word = plane[group === Infinity ? 0 : Math.floor(k / group)] ?? 0
    const zero = format.name === 'int4' ? word & 31 : 0
    const [scale = 0] = new Float32Array(Uint32Array.of(word - zero).buffer)
    return (level - zero) * scale
  })
}

/** A row of a format of blocks or of groups. */
export async function readBlocksOnHost(
  read: ReadBytes,
  buffer: GPUBuffer,
  layout: PlaneLayout,
  row: number,
): Promise<Float32Array> {
  const { format, cols, rowBlocks } = layout
  if (format.grouped) return groupedRow(read, buffer, layout, row)
  const blocks = new Uint8Array(rowBlocks * format.blockBytes)
  for (const plane of format.planes) {
    const bytes = await readPlane(read, buffer, layout, plane, row)
    for (let n = 0; n < rowBlocks; n++) {
      const begin = n * format.blockBytes + plane.at
      const block = blocks.subarray(begin, begin + plane.bytes)
      UNPACK[plane.repack](bytes.subarray(n * plane.bytes, (n + 1) * plane.bytes), block)
    }
  }
  return dequantise(format.name.toUpperCase() as GgmlTypeName, blocks).subarray(0, cols)
}
