import type { Cell } from '../../../store/steps.ts'
import type { ModelInfo, StepInfo } from '../../../types.ts'
import type { Plane } from '../../draw/heatmap.ts'
import type { Palette } from '../../draw/ramps.ts'

/** What the columns of a step's output count. */
export type Columns =
  | { kind: 'positions' }
  | { kind: 'vocabulary' }
  /** Lanes of several heads side by side. */
  | { kind: 'heads'; headDim: number }
  | { kind: 'features' }

/** What the leading axis of a rank-3 output counts. */
export type Slices = { kind: 'none' } | { kind: 'heads'; count: number } | { kind: 'keysValues' }

/** How a step's output is laid out: `[rows, columns]`, or `[slices, rows, columns]`. */
export interface StepLayout {
  slices: Slices
  rows: number
  cols: number
  columns: Columns
  palette: Palette
  /** True where a row only looks at the positions up to its own. */
  causal: boolean
}

type Heads = Pick<ModelInfo, 'headDim'>

export function layoutOf(step: StepInfo, info: Heads): StepLayout {
  const { shape } = step.output
  const [cols = 1, rows = 1] = shape.toReversed()
  const leading = shape.length > 2 ? (shape[0] ?? 1) : 0
  const attention = step.op === 'scores' || step.op === 'softmax'
  return {
    rows,
    cols,
    slices:
      leading === 0
        ? { kind: 'none' }
        : attention
          ? { kind: 'heads', count: leading }
          : { kind: 'keysValues' },
    columns: columnsOf(step, cols, info),
    palette: step.op === 'softmax' ? 'sequential' : 'diverging',
    causal: attention,
  }
}

function columnsOf({ name, op }: StepInfo, cols: number, { headDim }: Heads): Columns {
  if (op === 'scores' || op === 'softmax') return { kind: 'positions' }
  if (name === 'logits') return { kind: 'vocabulary' }
  const heads = op === 'cache' || /\.attn\.(q|k|v|q_rope|k_rope|mix)$/.test(name)
  return heads && cols % headDim === 0 ? { kind: 'heads', headDim } : { kind: 'features' }
}

export function planeOf(data: Float32Array, { rows, cols }: StepLayout, slice: number): Plane {
  return { data, offset: slice * rows * cols, rows, cols }
}

/** Row-major index of a cell in the whole tensor. */
export function indexOf({ rows, cols }: StepLayout, { slice, row, col }: Cell): number {
  return (slice * rows + row) * cols + col
}

export const sliceCount = ({ slices }: StepLayout): number =>
  slices.kind === 'none' ? 1 : slices.kind === 'heads' ? slices.count : 2

/**
 * The cell on show: the chosen one where it fits this step, else the largest value of the row, which is where something
 * can be seen.
 */
export function cellFor(layout: StepLayout, data: Float32Array, chosen: Cell | null, row: number): Cell {
  const { rows, cols, causal } = layout
  const fits = chosen !== null && chosen.col < cols && chosen.row < rows && chosen.slice < sliceCount(layout)
  if (fits) return chosen
  const slice = Math.min(chosen?.slice ?? 0, sliceCount(layout) - 1)
  const line = (slice * rows + row) * cols
  const end = causal ? Math.min(cols, row + 1) : cols
  let col = 0
  for (let at = 1; at < end; at++) {
    if (Math.abs(data[line + at] ?? 0) > Math.abs(data[line + col] ?? 0)) col = at
  }
  return { slice, row, col }
}
