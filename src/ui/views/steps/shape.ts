import type { TensorCell } from './store.ts'
import type { Axis, StepInfo } from '../../../api/model.ts'
import type { Palette } from '../../draw/ramps.ts'
import { seenBy, sightOf, type Sight } from '../../draw/sight.ts'

/** What the columns of a step's output count. */
export type OutputColumns =
  | { kind: 'positions' }
  | { kind: 'vocabulary' }
  /** Dimensions of several heads side by side. */
  | { kind: 'heads'; headDim: number }
  | { kind: 'features' }
  | { kind: 'experts' }
  /** What the experts of a row make, best first, `width` columns each. */
  | { kind: 'choices'; width: number }

/** How a step's output is laid out: `[rows, columns]`, or `[slices, rows, columns]`. */
export interface StepLayout {
  /** 1 for `[rows, columns]`. */
  slices: number
  /** What the leading axis counts. */
  sliceKind: 'none' | 'heads' | 'keysValues'
  rows: number
  cols: number
  columns: OutputColumns
  palette: Palette
  /** Which columns of a row the mask removes; null where they are no positions. */
  mask: Sight | null
}

/** What the layout of a step follows from. */
type Shaped = Pick<StepInfo, 'axes'> & Partial<Pick<StepInfo, 'attrs'>> & { op: string }

export function layoutOf(step: Shaped): StepLayout {
  const { op, axes } = step
  const chosen = choicesOf(step)
  const [columns, rows, leading] = (chosen ? axes.slice(0, 1) : axes.slice()).toReversed()
  if (chosen)
    return {
      rows: columns?.size ?? 1,
      cols: chosen.count * chosen.width,
      slices: 1,
      sliceKind: 'none',
      columns: { kind: 'choices', width: chosen.width },
      palette: op === 'router_weights' ? 'sequential' : 'diverging',
      mask: null,
    }
  return {
    rows: rows?.size ?? 1,
    cols: columns?.size ?? 1,
    slices: leading?.size ?? 1,
    sliceKind: leading === undefined ? 'none' : leading.kind === 'kv' ? 'keysValues' : 'heads',
    columns: columnsOf(columns),
    palette: op === 'softmax' ? 'sequential' : 'diverging',
    mask: sightOf(step),
  }
}

/** Ops whose last axis runs over the experts that a row takes, not over all. */
const CHOICES: readonly string[] = ['top_k', 'router_weights', 'route']

/** How many experts a row takes, and what each has; null for a step that is not of those. */
function choicesOf({ op, axes }: Shaped): { count: number; width: number } | null {
  const [rows, experts, features] = axes
  if (rows?.kind !== 'rows' || experts?.kind !== 'experts') return null
  if (features === undefined && !CHOICES.includes(op)) return null
  return { count: experts.size, width: features?.size ?? 1 }
}

/** Columns that belong together: those of a head, or of an expert; 0 where none do. */
export function groupOf(columns: OutputColumns): number {
  if (columns.kind === 'heads') return columns.headDim
  return columns.kind === 'choices' && columns.width > 1 ? columns.width : 0
}

function columnsOf(axis: Axis | undefined): OutputColumns {
  if (axis?.kind === 'positions' || axis?.kind === 'vocabulary' || axis?.kind === 'experts')
    return { kind: axis.kind }
  return axis?.heads === undefined ? { kind: 'features' } : { kind: 'heads', headDim: axis.size / axis.heads }
}

/** Row-major index of a cell in the whole tensor. */
export function indexOf({ rows, cols }: StepLayout, { slice, row, col }: TensorCell): number {
  return (slice * rows + row) * cols + col
}

/** Place of a cell in the values of its row, `[slices · columns]`. */
export const indexInRow = ({ cols }: StepLayout, { slice, col }: TensorCell): number => slice * cols + col

/** The chosen cell where it fits this step; else null. */
export function fittingCell(layout: StepLayout, chosen: TensorCell | null): TensorCell | null {
  const fits =
    chosen !== null && chosen.col < layout.cols && chosen.row < layout.rows && chosen.slice < layout.slices
  return fits ? chosen : null
}

/**
 * The column of a row where most is to be seen: the largest in magnitude, of logits the most likely token; never one the mask
 * removes.
 */
export function peakColumn(layout: StepLayout, values: Float32Array, slice: number, row: number): number {
  const { cols, mask, columns } = layout
  const line = values.subarray(slice * cols, (slice + 1) * cols)
  const size = (at: number): number => {
    const value = line[at] ?? 0
    return columns.kind === 'vocabulary' ? value : Math.abs(value)
  }
  const [first, end] = mask === null ? [0, cols] : seenBy(mask, row, cols)
  let col = first
  for (let at = col + 1; at < end; at++) if (size(at) > size(col)) col = at
  return col
}
