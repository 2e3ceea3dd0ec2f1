import type { StepInfo } from '../../../api/model.ts'

/** Flat index in a whole tensor of element `at` of one of its rows, as `Inspection.row` orders them. */
export function indexInTensor({ axes }: Pick<StepInfo, 'axes'>, row: number, at: number): number {
  const axis = axes.findIndex(({ kind }) => kind === 'rows')
  const inner = axes.slice(axis + 1).reduce((size, { size: axisSize }) => size * axisSize, 1)
  const rows = axes[axis]?.size ?? 1
  return (Math.floor(at / inner) * rows + row) * inner + (at % inner)
}

/** Place of the largest magnitude; of scores of words, of the largest. NaN wins. */
export function peakOf(values: Float32Array, signed: boolean): number {
  let best = 0
  let size = -Infinity
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0
    if (Number.isNaN(value)) return at
    const magnitude = signed ? value : Math.abs(value)
    if (magnitude > size) [best, size] = [at, magnitude]
  }
  return best
}

/** Euclidean norm, summed in f64. */
export function normOf(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}
