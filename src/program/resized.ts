import { invariant } from '../errors.ts'
import type { Axis, Program, Step } from './step.ts'

/** Row counts of a forward. */
export interface RowCounts {
  readonly rows: number
  /** Rows that reach the head. */
  readonly logitRows: number
}

/**
 * The same steps for other numbers of rows: what recording and fusing anew would give, where both sizes are fused alike (see
 * `FuseOptions.foldRows`) and both or neither have logits. Only rows' axes and operations, which grow with them, differ;
 * operations of all rows that are folded into the head are counted as done for those with logits.
 */
export function resized(program: Program, { rows, logitRows }: RowCounts): Program {
  const hasHead = program.logitRows > 0
  invariant(hasHead === logitRows > 0, 'both sizes have logits or neither')
  if (rows === program.rows && logitRows === program.logitRows) return program
  const steps = program.steps.map((step): Step => {
    const [before, after] = step.rows === 'all' ? [program.rows, rows] : [program.logitRows, logitRows]
    const axes = step.axes.map((axis): Axis => (axis.kind === 'rows' ? { ...axis, size: after } : axis))
    return { ...step, axes, flops: (step.flops / before) * after }
  })
  return { ...program, rows, logitRows, steps }
}
