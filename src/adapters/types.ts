import type { ParamRef } from '../program/step.ts'
import type { AdapterReport, ReplacedParameter } from '../api/adapters.ts'

export type { AdapterEffect, AdapterFeature, AdapterReport, MatchedModule } from '../api/adapters.ts'

/**
 * One low-rank pair, in the decoder's own terms: y = Wx + scaling · B(Ax), W being `[out, in]`.
 *
 * An embedding is a linear layer on one-hot vectors, so `in` counts its rows (vocabulary or positions), `out` is the hidden
 * width and column t of A belongs to row t of the table; its delta as stored, `[in, out]`, is the transpose of BA.
 */
export interface LoraModule {
  /** Name of the step: `layers.3.attn.q`, `layers.3.mlp.down`, `embed`, `positions`, `logits`. */
  step: string
  kind: 'linear' | 'embedding'
  /** Module of the file, e.g. `transformer.h.0.attn.c_attn`. Modules of one source share one `a` array, and B's rows are split. */
  source: string
  /** Outputs `[begin, end)` of the source's B that these are. */
  rows: readonly [begin: number, end: number]
  /** Where `rows` is the first of several runs. */
  runs?: NonNullable<ParamRef['runs']>
  in: number
  out: number
  rank: number
  alpha: number
  /** alpha / rank, with rsLoRA alpha / √rank (arXiv:2312.03732). */
  scaling: number
  a: Float32Array // [rank, in]
  b: Float32Array // [out, rank]
  /** DoRA (arXiv:2402.09353): W' = magnitude / ‖W + scaling·BA‖ · (W + scaling·BA), norms per output over the inputs. */
  magnitude: Float32Array | null // [out]
}

/** Low ranks on a product of which every expert has a matrix: yₑ = Wₑx + scaling · Bₑ(Aₑx). */
export interface ExpertLora extends Pick<
  LoraModule,
  'step' | 'source' | 'in' | 'out' | 'rank' | 'alpha' | 'scaling'
> {
  experts: number
  a: Float32Array // [experts, rank, in]
  b: Float32Array // [experts, out, rank]
}

/** A parameter the adapter replaces as a whole. */
export interface Replacement extends ReplacedParameter {
  values: Float32Array
}

/** An adapter as read, before anything is on the GPU. At most one LoRA and one replacement per name. */
export interface ParsedAdapter {
  name: string
  /** In the order of the forward pass. */
  modules: readonly LoraModule[]
  replacements: readonly Replacement[]
  /** On experts; absent without any. */
  experts?: readonly ExpertLora[]
  report: AdapterReport
}
