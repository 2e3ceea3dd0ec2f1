import { ADAFACTOR_PASSES } from '../ops/backward/optimizers.ts'
import type { OpStep } from '../ops/op.ts'
import { elementsOf, type Step } from '../program/step.ts'
import type { FactoredAttrs } from '../program/trainAttrs.ts'

/** What a step over the flat buffers takes. */
export interface Cost {
  readonly flops: number
  /** Values read and written, 4 bytes each. */
  readonly values: number
}

interface Sizes extends FactoredAttrs {
  /** Elements of all trained factors, or of what the step is about. */
  readonly n: number
}

/** Operations and values by op, counted in its shader: a root or a quotient is one operation. */
const COSTS: Readonly<Record<string, (sizes: Sizes) => Cost>> = {
  square_sums: ({ n }) => ({ flops: 2 * n, values: n }),
  clip: ({ n }) => ({ flops: n, values: n }),
  sgd: ({ n }) => ({ flops: 5 * n, values: 3 * n }),
  adamw: ({ n }) => ({ flops: 15 * n, values: 7 * n }),
  adafactor_rows: ({ n, rows }) => ({ flops: 4 * n + 4 * rows, values: n + 2 * rows }),
  adafactor_columns: ({ n, columns }) => ({ flops: 4 * n + 4 * columns, values: n + 2 * columns }),
  adafactor_means: ({ rows, matrices }) => ({ flops: rows + matrices, values: rows + matrices }),
  adafactor_squares: ({ n, rows, columns }) => ({ flops: 5 * n, values: n + 2 * rows + columns }),
  adafactor_clip: ({ rows, matrices }) => ({ flops: rows + 4 * matrices, values: rows + matrices }),
  adafactor: ({ n, rows, columns }) => ({ flops: 5 * n, values: 3 * n + rows + columns }),
  publish: ({ n }) => ({ flops: 0, values: 2 * n }),
}

const NONE: FactoredAttrs = { matrices: 0, rows: 0, columns: 0 }

type FactoredStep = OpStep<(typeof ADAFACTOR_PASSES)[number]>
const isFactored = (step: Step): step is FactoredStep => ADAFACTOR_PASSES.some((op) => op === step.op)

/** What a step of an optimiser takes; null of any other step. */
export function optimizerCost(step: Step): Cost | null {
  const factored = isFactored(step) ? step.attrs : NONE
  return COSTS[step.op]?.({ n: elementsOf(step), ...factored }) ?? null
}
