import type { ParamRef } from '../program/step.ts'

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

/** A parameter the adapter replaces as a whole. */
export interface Replacement {
  /** Name as `listWeights` gives it; `logits` also for a tied head, which then stands apart from `embed`. */
  name: string
  /** As the decoder uses it: `[out, in]` or `[n]`. */
  shape: readonly number[]
  values: Float32Array
  /**
   * `bias`: trained with `bias: all` or `lora_only`. `module`: listed in `modules_to_save`. `base`: a copy of the base's own
   * matrix, which PEFT stores beside an adapted embedding or head; usually equal to the loaded one and then without effect.
   */
  origin: 'bias' | 'module' | 'base'
}

/** An adapter as read, before anything is on the GPU. At most one LoRA and one replacement per name. */
export interface ParsedAdapter {
  name: string
  /** In the order of the forward pass. */
  modules: readonly LoraModule[]
  replacements: readonly Replacement[]
  report: AdapterReport
}

export type AdapterFeature =
  | 'lora'
  | 'rslora'
  | 'dora'
  | 'bias'
  | 'modules_to_save'
  | 'embedding'
  | 'head'
  | 'rank_pattern'
  | 'alpha_pattern'
  | 'layers_to_transform'
  | 'ensure_weight_tying'

export interface MatchedModule {
  step: string
  source: string
  rank: number
  alpha: number
  scaling: number
  shapes: { a: readonly [rank: number, inner: number]; b: readonly [out: number, rank: number] }
  dora: boolean
}

/** What the adapter does on a probe prompt, measured by the engine at scale 1 against the base. */
export interface AdapterEffect {
  maxDeltaLogit: number
  /** Mean over positions of KL(adapted ‖ base), nats. */
  meanKl: number
}

/** What was found in the files and where it went. */
export interface AdapterReport {
  name: string
  matched: readonly MatchedModule[]
  replaced: readonly Pick<Replacement, 'name' | 'shape' | 'origin'>[]
  /** Tensors of the file that were used: all of them, or the load fails. */
  matchedKeys: number
  /** Entries of the config that name nothing in this model and that PEFT passes over too, e.g. `rank_pattern: fc1`. */
  unmatchedEntries: readonly string[]
  baseModel: {
    /** `base_model_name_or_path`. */
    named: string | null
    /** The loaded model. */
    loaded: string | null
    /** Null when either is unknown. */
    matches: boolean | null
  }
  /** Bytes of the tensors in the file. */
  bytes: number
  /** Elements of all tensors. */
  parameters: number
  features: readonly AdapterFeature[]
  warnings: readonly string[]
  /** Null until measured. */
  effect: AdapterEffect | null
}
