import type { Cell } from '../../../store/steps.ts'
import type { ModelInfo, StepInfo } from '../../../api/model.ts'
import type { Palette } from '../../draw/ramps.ts'

/** What the columns of a step's output count. */
export type Columns =
  | { kind: 'positions' }
  | { kind: 'vocabulary' }
  /** Lanes of several heads side by side. */
  | { kind: 'heads'; headDim: number }
  | { kind: 'features' }

/** How a step's output is laid out: `[rows, columns]`, or `[slices, rows, columns]`. */
export interface StepLayout {
  /** 1 for `[rows, columns]`. */
  slices: number
  /** What the leading axis counts. */
  sliceKind: 'none' | 'heads' | 'keysValues'
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
  const [cols = 1, rows = 1, leading = 1] = shape.toReversed()
  const attention = isAttention(step)
  return {
    rows,
    cols,
    slices: leading,
    sliceKind: shape.length < 3 ? 'none' : attention ? 'heads' : 'keysValues',
    columns: columnsOf(step, cols, info),
    palette: step.op === 'softmax' ? 'sequential' : 'diverging',
    causal: attention,
  }
}

/** Weights or scores of heads, edited ones too. */
function isAttention({ name, op }: Pick<StepInfo, 'name' | 'op'>): boolean {
  return op === 'scores' || op === 'softmax' || (op === 'edit' && name.endsWith('.attn.scores'))
}

function columnsOf({ name, op }: StepInfo, cols: number, { headDim }: Heads): Columns {
  if (isAttention({ name, op })) return { kind: 'positions' }
  if (name === 'logits') return { kind: 'vocabulary' }
  const heads = op === 'cache' || /\.attn\.(q|k|v|q_rope|k_rope|mix)$/.test(name)
  return heads && cols % headDim === 0 ? { kind: 'heads', headDim } : { kind: 'features' }
}

/** Row-major index of a cell in the whole tensor. */
export function indexOf({ rows, cols }: StepLayout, { slice, row, col }: Cell): number {
  return (slice * rows + row) * cols + col
}

/** Place of a cell in the values of its row, `[slices · columns]`. */
export const indexInRow = ({ cols }: StepLayout, { slice, col }: Cell): number => slice * cols + col

/** The chosen cell where it fits this step; else null. */
export function fittingCell(layout: StepLayout, chosen: Cell | null): Cell | null {
  const fits =
    chosen !== null && chosen.col < layout.cols && chosen.row < layout.rows && chosen.slice < layout.slices
  return fits ? chosen : null
}

/**
 * The column of a row where most is to be seen: the largest in magnitude, of logits the likeliest token; never one the mask
 * removes.
 */
export function peakColumn(layout: StepLayout, values: Float32Array, slice: number, row: number): number {
  const { cols, causal, columns } = layout
  const line = values.subarray(slice * cols, (slice + 1) * cols)
  const size = (at: number): number => {
    const value = line[at] ?? 0
    return columns.kind === 'vocabulary' ? value : Math.abs(value)
  }
  const end = causal ? Math.min(cols, row + 1) : cols
  let col = 0
  for (let at = 1; at < end; at++) if (size(at) > size(col)) col = at
  return col
}
