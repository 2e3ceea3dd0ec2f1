import type { Attrs, OpName } from '../../program/attrs.ts'
import type { Axis, ParamRef, RowSet, Step } from '../../program/step.ts'
import type { FlatMatrix, PartRanks } from '../../program/trainAttrs.ts'
import type { OpStep } from '../op.ts'

/** A backward step as a rule gives it; layer and bookkeeping are filled in. */
export interface BackwardStep<O extends OpName> {
  readonly name: string
  readonly inputs: readonly string[]
  readonly attrs: Attrs[O]
  readonly axes: readonly Axis[]
  readonly params?: readonly ParamRef[]
  readonly rows?: RowSet
  readonly flops: number
}

/** The factors of one product that a gradient is wanted of: ranks `[rank, rank + ranks)` of its part. */
export interface TrainedFactors {
  readonly rank: number
  readonly ranks: number
  readonly a: FlatMatrix
  readonly b: FlatMatrix
}

/** What adapters add at one product. */
export interface LoraPart extends PartRanks {
  readonly trained: TrainedFactors | null
}

/** The backward pass as it is written: rules read the forward step and the gradient of its output, and say what flows on. */
export interface Tape {
  /** Step of the forward. */
  step(name: string): Step
  /** Whether the gradient of this output is wanted by anybody before it. */
  wants(name: string): boolean
  /** Adapters on a product; null without any. */
  lora(step: Step): LoraPart | null
  /** Adds a backward step; gives its name. */
  emit<O extends OpName>(of: Step, op: O, parts: BackwardStep<O>): string
  /** A gradient is part of that of the output `of`. */
  flow(of: string, gradient: string): void
}

/** Backward rule of an op: `dy` names the gradient of the step's output. */
export type BackwardRule<O extends OpName> = (step: OpStep<O>, dy: string, tape: Tape) => void
