import { invariant } from '../../errors.ts'
import type { PlaneName, FormatRecord } from './record.ts'

const WORD = 4
const UNIT_BYTES = 16
/** A shift by this many bits leaves nothing of a unit's number: a row is one group. */
const ALL_UNITS = 31

const align = (bytes: number): number => Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES

/** Where the planes of `rows` × `cols` weights lie, from the start of their buffer. All planes begin on 16 bytes. */
export interface PlaneLayout {
  readonly format: FormatRecord
  readonly rows: number
  readonly cols: number
  /** Blocks of a row. */
  readonly rowBlocks: number
  /** vec4<u32> of a row of the quants: the kernels' `w_stride`. */
  readonly stride: number
  /** Columns that share a scale, of a grouped format: a power of two of whole units, or Infinity for one a row. */
  readonly group: number
  /** Words of scales a row, of a grouped format. */
  readonly rowGroups: number
  /**
   * Words where planes begin: the kernels' `w_scales`, `w_high`, `w_super`. 0 for a plane that the format lacks. Of a grouped format
   * `high` is log₂ of a group's units, `super` the groups of a row.
   */
  readonly words: Readonly<Record<PlaneName, number>>
  /** Bytes of all planes, a multiple of 16. */
  readonly bytes: number
}

/** Whether rows of so many weights can be stored in the format. */
export function fits(format: FormatRecord, cols: number): boolean {
  return cols % format.block === 0
}

/** Lays out a matrix or a shard of one. `cols` must be whole blocks. */
export function planeLayout(format: FormatRecord, rows: number, cols: number, group = Infinity): PlaneLayout {
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
  const rowGroups = format.grouped ? Math.ceil(cols / Math.min(group, cols)) : 0
  if (format.grouped) {
    invariant(
      group === Infinity || Number.isInteger(Math.log2(group / format.unit)),
      'groups are whole units',
    )
    words.scales = bytes / WORD
    words.high = group === Infinity ? ALL_UNITS : Math.log2(group / format.unit)
    words.super = rowGroups
    bytes += align(rows * rowGroups * WORD)
  }
  return { format, rows, cols, rowBlocks, stride, group, rowGroups, words, bytes }
}

/** Bytes that so many rows take on the GPU. */
export function bytesFor(format: FormatRecord, rows: number, cols: number, group?: number): number {
  return planeLayout(format, rows, cols, group).bytes
}

/** Bytes that so many weights take in a file, rows without padding. */
export function fileBytes(format: FormatRecord, rows: number, cols: number): number {
  invariant(fits(format, cols), `${format.name} has ${format.block} weights a block, a row ${cols}`)
  return rows * (cols / format.block) * format.blockBytes
}

/** Most rows whose planes stay within `maxBytes`, at least 1. */
export function rowsWithin(format: FormatRecord, cols: number, maxBytes: number, group?: number): number {
  const slack = (format.planes.length + 1) * UNIT_BYTES // what planes are padded by
  const perRow = (bytesFor(format, 1024, cols, group) - slack) / 1024
  let rows = Math.max(1, Math.floor(maxBytes / perRow))
  while (rows > 1 && bytesFor(format, rows, cols, group) > maxBytes) rows -= 1
  return rows
}
