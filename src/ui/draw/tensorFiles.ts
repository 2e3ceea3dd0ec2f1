import { nextTask } from '../../analysis/breather.ts'
import type { TensorData } from '../../api/model.ts'

/** Cells written between two pauses, so that a large tensor does not hold the page up. */
const CHUNK = 16_384

/**
 * A tensor as NumPy's own file: version 1.0, little-endian f32 in C order.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function writeNpy({ shape, data }: TensorData): Blob {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${axes}), }`
  const prefixBytes = 10
  // The data begins at a multiple of 64 bytes; the header ends in a line break.
  const length = Math.ceil((prefixBytes + header.length + 1) / 64) * 64 - prefixBytes
  const text = `${header.padEnd(length - 1)}\n`
  const prefix = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8)
  return new Blob([prefix, text, littleEndian(data)], { type: 'application/octet-stream' })
}

function littleEndian(data: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(data.length * 4))
  data.forEach((value, index) => view.setFloat32(index * 4, value, true))
  return view.buffer
}

export type TableCell = string | number | null

const quoted = (cell: TableCell): string =>
  cell === null
    ? ''
    : typeof cell === 'number' || !/[",\r\n]/.test(cell)
      ? String(cell)
      : `"${cell.replaceAll('"', '""')}"`

/** A table as CSV; what is missing stays empty. */
export function writeTable(columns: readonly string[], rows: readonly (readonly TableCell[])[]): Blob {
  return new Blob([[columns, ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('')], {
    type: 'text/csv',
  })
}

/**
 * A tensor as CSV: a line per row, leading axes as index columns `axis0`, …, then `c0`, `c1`, …; values exact to f32. `tokens`: what
 * stands at each place of the last axis but one, in a column before the values.
 */
export async function writeCsv({ shape, data }: TensorData, tokens?: readonly string[]): Promise<Blob> {
  const cols = shape.at(-1) ?? 1
  const axes = shape.slice(0, -1)
  const head = [
    ...axes.map((_, axis) => `axis${axis}`),
    ...(tokens ? ['token'] : []),
    ...Array.from({ length: cols }, (_, col) => `c${col}`),
  ]
  const parts = [`${head.join(',')}\n`]
  let sincePause = 0
  for (let row = 0; row * cols < data.length; row++) {
    const places = indicesOf(row, axes)
    const token = tokens ? [quoted(tokens[places.at(-1) ?? 0] ?? '')] : []
    const line = [...places, ...token, ...data.subarray(row * cols, (row + 1) * cols)]
    parts.push(`${line.join(',')}\n`)
    sincePause += cols
    if (sincePause > CHUNK) {
      sincePause = 0
      await nextTask()
    }
  }
  return new Blob(parts, { type: 'text/csv' })
}

function indicesOf(row: number, axes: readonly number[]): number[] {
  const indices: number[] = []
  for (const size of axes.toReversed()) {
    indices.unshift(row % size)
    row = Math.floor(row / size)
  }
  return indices
}
