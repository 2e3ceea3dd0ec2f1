export interface AdapterScale {
  id: string
  scale: number
}

export interface AddAdapterOptions {
  /** Default: the name of its files. */
  name?: string | undefined
  /** Default 1. */
  scale?: number | undefined
}

export interface ExportOptions {
  /** `peft`: one adapter; `gguf`: the same as one file for llama.cpp; `merged`: the whole checkpoint. Default `peft`. */
  format?: 'peft' | 'gguf' | 'merged' | undefined
  /** Default F32. */
  dtype?: 'F32' | 'F16' | undefined
}

export interface LoadedAdapterInfo {
  id: string
  name: string
  scale: number
  report: AdapterReport
}

/** One module's low-rank update, beside the weights it is added to. */
export interface ModuleAnalysis {
  step: string
  rank: number
  /** ‖(α/r)·BA‖_F at scale 1. */
  deltaNorm: number
  /** ‖W‖_F. */
  weightNorm: number
  ratio: number
  /** Descending. */
  singularValues: number[]
  /** Share of Σσ² in the first k + 1 directions. */
  energy: number[]
  /** Directions that carry the update: exp of the entropy of σ²/Σσ². */
  effectiveRank: number
}

export interface AdapterAnalysis {
  modules: ModuleAnalysis[]
  cost: { bytes: number; flopsPerRow: number }
}

/** Tokens along one direction of an update, by cosine; null where that side is not in the residual stream. */
export interface DirectionTokens {
  step: string
  k: number
  singularValue: number
  reads: { id: number; score: number }[] | null
  writes: { id: number; score: number }[] | null
}

/** A parameter of the model that an adapter replaces as a whole. */
export interface ReplacedParameter {
  /** `ParamRef.name`; `logits` also for a tied head, which then stands apart from `embed`. */
  name: string
  /** As the decoder uses it: `[out, in]` or `[n]`. */
  shape: readonly number[]
  /**
   * `bias`: trained with `bias: all` or `lora_only`. `module`: listed in `modules_to_save`. `base`: a copy of the base's own
   * matrix, which PEFT stores beside an adapted embedding or head; usually equal to the loaded one and then without effect.
   */
  origin: 'bias' | 'module' | 'base'
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
  | 'target_parameters'

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
  replaced: readonly ReplacedParameter[]
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
  /** Set where it was added at scale 0, whatever was asked: `by`, which acts, and it both claim the module of a step. */
  heldOff?: { step: string; by: string }
}
