import type { Attrs, Mask, OpName } from '../program/attrs.ts'
import type { Axis, ParamRef, StreamRelation } from '../program/step.ts'
import type { AdapterScale } from './adapters.ts'
import type { TrainOptions } from './train.ts'

export type { Axis, AxisKind, ParamRef, StreamRelation } from '../program/step.ts'
export type {
  Activation,
  Attrs,
  GateAttrs,
  Mask,
  OpName,
  RopeAttrs,
  RouterSoftmax,
} from '../program/attrs.ts'

/**
 * A change made at a named step of the forward pass. Positions are 0-based and `to` is exclusive; omitted, all are meant.
 * `scale` multiplies (0 ablates; `head` for one head, at attn.context the one that writes), `add` steers by a vector, `patch` puts a
 * row in place of another, `mask` cuts the attention edge from a query to a key (at attn.scores).
 */
export type Edit =
  | { kind: 'scale'; step: string; factor: number; head?: number; from?: number; to?: number }
  | {
      kind: 'add'
      step: string
      vector: readonly number[] | Float32Array
      factor?: number
      from?: number
      to?: number
    }
  | { kind: 'patch'; step: string; position: number; values: readonly number[] | Float32Array }
  | { kind: 'mask'; step: string; query: number; key: number; head?: number }

export interface ForwardOptions {
  /** Omitted: all added adapters at their set scales; []: the base. */
  adapters?: readonly AdapterScale[] | undefined
  edits?: readonly Edit[] | undefined
}

/** Of forwards over a whole text. */
export interface MaskedOptions extends ForwardOptions {
  /**
   * Which positions a row sees: those up to its own (`causal`), all (`bidirectional`), or all of the first `prefix` and those up to its
   * own. A layer's window holds on either side. Omitted: the model's own mask.
   */
  mask?: Mask | undefined
}

/** Which steps are listed. */
export interface StepsOptions {
  /** Rows of the forward. */
  rows: number
  /**
   * True: those of training instead: a forward over one text of so many rows, its loss, and the backward pass. They go by the names that
   * `gradients` reads values of: `layers.3.attn.q.dx`, `.dA`, `.dB`.
   */
  backward?: boolean | undefined
  /** With `backward`: only what one step of training this adapter runs, with its optimiser behind (`optimizer.norm`, …). */
  adapter?: string | undefined
  /** With `adapter`; default 'adamw'. */
  optimizer?: TrainOptions['optimizer']
  /** With `adapter`; default 'likelihood'. 'dpo': the rows are the texts of one pair. */
  objective?: TrainOptions['objective']
}

export interface StepInfo {
  name: string
  /** Other names it goes by: TransformerLens's hook. */
  aliases: readonly string[]
  op: OpName
  /** Layer number, null outside the layers. */
  layer: number | null
  /** What the op needs to know besides its inputs and parameters. */
  attrs: Attrs[OpName]
  /** Axes of its output, outermost first. */
  axes: readonly Axis[]
  /** Whether it reads the residual stream as it is, or its output is added to it. */
  stream: StreamRelation
  inputs: readonly string[]
  /** Parameters it reads, and where they lie in the checkpoint. */
  params: readonly ParamRef[]
  output: { shape: readonly number[]; dtype: 'f32' | 'u32' }
  flops: number
  bytes: number
  formula: string
  wgsl: string
  /** Name of the fused kernel that computes it in an unobserved run, or null when it runs by itself. */
  coveredBy: string | null
}

export interface TensorData {
  shape: readonly number[]
  /** What each axis of `shape` runs over; absent of a part of a tensor. */
  axes?: readonly Axis[]
  data: Float32Array
}

export interface TraceOptions extends MaskedOptions {
  /** Patterns of step names; `*` stands for a run of characters without a dot. */
  probes: readonly string[]
}

export interface TraceRowsOptions extends TraceOptions {
  signal?: AbortSignal | undefined
}

/** Rows `[begin, end)` of traced steps. */
export interface TracedRows {
  begin: number
  end: number
  /** As {@link Model.trace} gives them, of these rows alone: `[rows, …]`, attention `[heads, rows, positions]` over all positions. */
  tensors: Map<string, TensorData>
}

/** Logits behind one position, before any sampling transform. */
export interface LogitsAt {
  data: Float32Array // [vocab]
  /** False: read from where the last run left them. True: computed by a forward of their own. */
  recomputed: boolean
}
