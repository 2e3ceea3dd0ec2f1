import { RAMP } from './ramps.ts'

export interface Size {
  rows: number
  cols: number
}

/** One rank-2 slice of a row-major tensor: where it begins, and its size. */
export interface TensorPlane extends Size {
  data: Float32Array
  offset: number
}

/** What is on show, in cells; fractions come from panning. */
export interface Window2 {
  row: number
  col: number
  rows: number
  cols: number
}

export type ValueRange = readonly [low: number, high: number]

/** A picture of whole cells, to be scaled to `cells` of the plot: small, whatever the size of the plot. */
export interface Raster {
  width: number
  height: number
  pixels: Uint32Array
  /** Cells the picture covers. */
  cells: Window2
}

/** Index into a ramp, {@link RAMP} for NaN; values beyond the range take its end colours. */
export function colourIndex(value: number, [low, high]: ValueRange): number {
  if (Number.isNaN(value)) return RAMP
  if (high <= low) return value > high ? RAMP - 1 : 0
  const share = (value - low) / (high - low)
  return Math.min(RAMP - 1, Math.max(0, Math.floor(share * RAMP)))
}

/** Of the cells behind one pixel the largest in magnitude is shown: an outlier never disappears. NaN wins over all. */
function peak(plane: TensorPlane, row0: number, row1: number, col0: number, col1: number): number {
  const { data, offset, cols } = plane
  let peakValue = 0
  let size = -1
  for (let row = row0; row < row1; row++) {
    const line = offset + row * cols
    for (let col = col0; col < col1; col++) {
      const value = data[line + col] ?? Number.NaN
      if (Number.isNaN(value)) return value
      const magnitude = Math.abs(value)
      if (magnitude > size) {
        size = magnitude
        peakValue = value
      }
    }
  }
  return peakValue
}

/** Colours of the cells on show, at most one pixel per `limit` along either axis. */
export function rasterise(
  plane: TensorPlane,
  view: Window2,
  limit: { width: number; height: number },
  range: ValueRange,
  ramp: Uint32Array,
): Raster {
  const row0 = Math.max(0, Math.floor(view.row))
  const col0 = Math.max(0, Math.floor(view.col))
  const rows = Math.min(plane.rows, Math.ceil(view.row + view.rows)) - row0
  const cols = Math.min(plane.cols, Math.ceil(view.col + view.cols)) - col0
  const height = Math.max(1, Math.min(rows, limit.height))
  const width = Math.max(1, Math.min(cols, limit.width))
  const pixels = new Uint32Array(width * height)
  const edges = Array.from({ length: width + 1 }, (_, x) => col0 + Math.floor((x * cols) / width))
  for (let y = 0; y < height; y++) {
    const top = row0 + Math.floor((y * rows) / height)
    const bottom = Math.max(top + 1, row0 + Math.floor(((y + 1) * rows) / height))
    for (let x = 0; x < width; x++) {
      const left = edges[x] ?? col0
      const value = peak(plane, top, bottom, left, Math.max(left + 1, edges[x + 1] ?? left + 1))
      pixels[y * width + x] = ramp[colourIndex(value, range)] ?? 0
    }
  }
  return { width, height, pixels, cells: { row: row0, col: col0, rows, cols } }
}

/** Values looked at to find a range. */
const SAMPLES = 1 << 16
/** Share of the values that the colours tell apart; the few beyond take the end colours. */
const COVERED = 0.998

/**
 * The range of a palette over a tensor. Signed values get one symmetric about zero that covers nearly all of them, because single
 * outliers of a residual stream would leave everything else blank; probabilities run from 0 to the largest.
 */
export function autoRange(data: Float32Array, palette: 'sequential' | 'diverging'): ValueRange {
  const stride = Math.max(1, Math.floor(data.length / SAMPLES))
  const sizes = new Float32Array(Math.ceil(data.length / stride))
  let count = 0
  for (let i = 0; i < data.length; i += stride) {
    const size = Math.abs(data[i] ?? 0)
    if (Number.isFinite(size)) sizes[count++] = size
  }
  const sorted = sizes.subarray(0, count).sort()
  const largest = sorted[count - 1] ?? 0
  if (palette === 'sequential') return [0, largest > 0 ? largest : 1]
  const covering = sorted[Math.min(count - 1, Math.floor(count * COVERED))] ?? 0
  const end = covering > 0 ? covering : largest > 0 ? largest : 1
  return [-end, end]
}

/** Keeps a window inside the plane and no smaller than a few cells. */
export function clampWindow(view: Window2, plane: Size): Window2 {
  const rows = Math.min(plane.rows, Math.max(Math.min(2, plane.rows), view.rows))
  const cols = Math.min(plane.cols, Math.max(Math.min(4, plane.cols), view.cols))
  return {
    rows,
    cols,
    row: Math.min(plane.rows - rows, Math.max(0, view.row)),
    col: Math.min(plane.cols - cols, Math.max(0, view.col)),
  }
}

/** Zooms about a point given as shares of the window; `factor` below 1 zooms in. */
export function zoomWindow(
  view: Window2,
  factor: number,
  about: { x: number; y: number },
  plane: Size,
): Window2 {
  const shape = clampWindow({ ...view, rows: view.rows * factor, cols: view.cols * factor }, plane)
  return clampWindow(
    {
      ...shape,
      row: view.row + about.y * (view.rows - shape.rows),
      col: view.col + about.x * (view.cols - shape.cols),
    },
    plane,
  )
}
