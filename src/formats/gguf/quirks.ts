import type { QuirkKind } from './names.ts'

/** What the loader must put right, with the numbers it needs for that. */
export type GgufQuirk =
  | { kind: 'interleavedRows'; heads: number; headDim: number }
  | { kind: Exclude<QuirkKind, 'interleavedRows'> }

/**
 * Row of the file that holds row `row` of the checkpoint: per head, the rotary pair (2i, 2i + 1) of the file is the pair
 * (i, i + D/2) of the checkpoint.
 */
export function interleavedRow(row: number, headDim: number): number {
  const within = row % headDim
  const halfDim = headDim / 2
  return row - within + 2 * (within % halfDim) + Math.floor(within / halfDim)
}

/** Values of a file, `[rows, width]`, in the checkpoint's order of rows. */
export function rowsOfCheckpoint(values: Float32Array, rows: number, headDim: number): Float32Array {
  const width = values.length / rows
  const out = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    const from = interleavedRow(row, headDim) * width
    out.set(values.subarray(from, from + width), row * width)
  }
  return out
}

/** Values of a checkpoint, `[rows, width]`, in the file's order of rows. */
export function rowsOfFile(values: Float32Array, rows: number, headDim: number): Float32Array {
  const width = values.length / rows
  const out = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    out.set(values.subarray(row * width, (row + 1) * width), interleavedRow(row, headDim) * width)
  }
  return out
}
