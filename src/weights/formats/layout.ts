import { invariant } from '../../errors.ts'
import type { PlaneName, WeightFormat } from './record.ts'

const WORD = 4
const UNIT_BYTES = 16

const align = (bytes: number): number => Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES

/** Where the planes of `rows` × `cols` weights lie, from the start of their buffer. All planes begin on 16 bytes. */
export interface PlaneLayout {
  readonly format: WeightFormat
  readonly rows: number
  readonly cols: number
  /** Blocks of a row. */
  readonly rowBlocks: number
  /** vec4<u32> of a row of the quants: the kernels' `w_stride`. */
  readonly stride: number
  /** Words where planes begin: the kernels' `w_scales`, `w_high`, `w_super`. 0 for a plane that the format lacks. */
  readonly words: Readonly<Record<PlaneName, number>>
  /** Bytes of all planes, a multiple of 16. */
  readonly bytes: number
}

/** Whether rows of so many weights can be stored in the format. */
export function fits(format: WeightFormat, cols: number): boolean {
  return cols % format.block === 0
}

/** Lays out a matrix or a shard of one. `cols` must be whole blocks. */
export function planeLayout(format: WeightFormat, rows: number, cols: number): PlaneLayout {
  invariant(fits(format, cols), `${format.name} has ${format.block} weights a block, a row ${cols}`)
  const rowBlocks = cols / format.block
  const words: Record<PlaneName, number> = { quants: 0, high: 0, scales: 0, super: 0 }
  let bytes = 0
  let stride = 0
  for (const { name, bytes: perBlock } of format.planes) {
    words[name] = bytes / WORD
    const row = rowBlocks * perBlock
    if (name === 'quants') stride = align(row) / UNIT_BYTES
    bytes += align(rows * (name === 'quants' ? align(row) : row))
  }
  return { format, rows, cols, rowBlocks, stride, words, bytes }
}

/** Bytes that so many rows take on the GPU. */
export function bytesFor(format: WeightFormat, rows: number, cols: number): number {
  return planeLayout(format, rows, cols).bytes
}

/** Bytes that so many weights take in a file, rows without padding. */
export function fileBytes(format: WeightFormat, rows: number, cols: number): number {
  invariant(fits(format, cols), `${format.name} has ${format.block} weights a block, a row ${cols}`)
  return rows * (cols / format.block) * format.blockBytes
}

/** Most rows whose planes stay within `maxBytes`, at least 1. */
export function rowsWithin(format: WeightFormat, cols: number, maxBytes: number): number {
  const slack = format.planes.length * UNIT_BYTES // what planes are padded by
  const perRow = (bytesFor(format, 1024, cols) - slack) / 1024
  let rows = Math.max(1, Math.floor(maxBytes / perRow))
  while (rows > 1 && bytesFor(format, rows, cols) > maxBytes) rows -= 1
  return rows
}
