import type { ReactElement } from 'react'
import type { StepInfo, TensorData } from '../../../../api/model.ts'
import type { OpName } from '../../../../api/model.ts'
import type { StepInfoOf } from '../../../../analysis/anatomy.ts'
import type { TensorCell } from '../store.ts'
import type { WeightRow } from '../source.ts'
import type { MessageKey } from '../../../words/index.ts'
import { layoutOf, type StepLayout } from '../shape.ts'
import type { Sum, Term } from './sums.ts'

/** A cell of a step's output, and what of this very forward explains it. */
export interface ExplainRequest<S extends StepInfo = StepInfo> {
  step: S
  /** The cell's row of the step's output, `[slices · columns]`. */
  values: Float32Array
  /** The same row of the step's inputs, in their order. */
  inputs: readonly Float32Array[]
  /** Keys and values of all rows, `[2, rows, kvHeads · headDim]`, where the step reads them. */
  cache: TensorData | null
  cell: TensorCell
  ids: readonly number[]
  /** Null for steps without a matrix, and while it is read. */
  weights: WeightRow | null
}

export interface ExplainContext<S extends StepInfo = StepInfo> extends ExplainRequest<S> {
  layout: StepLayout
  /** The cell's value. */
  value: number
}

/** A sentence about the numbers. */
export interface Remark {
  key: MessageKey
  values?: Readonly<Record<string, string | number>>
}

/** The addends of a sum, or the largest inputs where the weights are not at hand. */
export type TermList =
  | {
      kind: 'sum'
      sum: Sum
      /** What an addend is called by, and its two factors. */
      index: 'dim' | 'position' | 'index'
      factors: readonly [a: string, b: string]
      /** What is added to the products. */
      also?: readonly { key: MessageKey; value: number }[]
    }
  | { kind: 'inputs'; terms: readonly Term[]; count: number }

/** How one element of a step came about. */
export interface Explanation {
  /** The numbers it is told from, in double precision. */
  readonly facts: object
  /** The law with this cell's numbers in place of its symbols; null where there is nothing beyond the value. */
  readonly numbers: ReactElement | null
  readonly remarks: readonly Remark[]
  readonly terms: TermList | null
}

/** Everything the stepper says of the steps of one op. */
interface OpViewParts<O extends OpName, F extends object> {
  /** The law in symbols: x is the input, y the output, i an output column. */
  law(step: StepInfoOf<O>): ReactElement
  /** What it takes to tell how a cell came about. */
  explain(context: ExplainContext<StepInfoOf<O>>): F
  numbers(facts: F): ReactElement | null
  remarks?(facts: F, cell: TensorCell): readonly Remark[]
  terms?(facts: F): TermList | null
  /** True where an element needs more of its second input, the cache, than its own row. */
  readsCache?: boolean
}

/** The view of an op, whose facts only it knows. */
export interface OpView<O extends OpName = OpName> {
  law(step: StepInfoOf<O>): ReactElement
  explain(request: ExplainRequest<StepInfoOf<O>>): Explanation
  readonly readsCache: boolean
}

export function opView<O extends OpName, F extends object>(parts: OpViewParts<O, F>): OpView<O> {
  return {
    law: (step) => parts.law(step),
    readsCache: parts.readsCache ?? false,
    explain(request) {
      const layout = layoutOf(request.step)
      const { slice, col } = request.cell
      const value = request.values[slice * layout.cols + col] ?? Number.NaN
      const facts = parts.explain({ ...request, layout, value })
      return {
        facts,
        numbers: parts.numbers(facts),
        remarks: parts.remarks?.(facts, request.cell) ?? [],
        terms: parts.terms?.(facts) ?? null,
      }
    },
  }
}

export const NO_ROW = new Float32Array()
