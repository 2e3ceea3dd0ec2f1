import type { HubOptions, KvFormatName, LoadFormat, LoadProgress, ModelSource, WeightFormat } from './load.ts'
import type { OpName } from './forward.ts'

export interface PrecisionOptions {
  /** Where the other weights come from; default: the files that this model was loaded from. */
  source?: ModelSource | undefined
  /** What they become while they are read, as in `loadModel`; default 'auto'. */
  weights?: LoadFormat | 'auto' | undefined
  /**
   * How the other keeps keys and values; default as this model does. Given without `source` and `weights`, the other has this model's own
   * weights: what differs is the cache alone.
   */
  kvCache?: KvFormatName | undefined
  hub?: HubOptions | undefined
  /** Patterns of the steps whose error is measured; default: all but attention scores, which look ahead of their row. */
  probes?: readonly string[] | undefined
  /** Hears how far loading the other weights is. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What both predict behind one position. */
export interface PrecisionToken {
  /** The row: the prediction is about the token at `position + 1`. */
  position: number
  /** KL(reference ‖ the other) of the next token, nats. */
  kl: number
  /** The most probable next token here and there; where they differ, greedy writing parts. */
  model: { id: number; logprob: number }
  other: { id: number; logprob: number }
}

/** How far a step's output is from the reference's on this text: what its own weights and all before it have cost. */
export interface PrecisionStep {
  name: string
  op: OpName
  layer: number | null
  /** Σ(x − reference)² / Σ reference² over all rows so far; null where the reference is all zeros. */
  error: number | null
  /**
   * The same of a product by itself, which is given what the reference puts into it: what its own matrix costs. Null for steps that are
   * no product with a matrix.
   */
  own: number | null
}

/** Some more rows of the text. */
export interface PrecisionChunk {
  /** Which of the two is taken for the truth: the one that keeps its matrices in more bytes, else its keys and values, else the other. */
  reference: 'model' | 'other'
  /** Storage of most of the matrices. */
  formats: { model: WeightFormat; other: WeightFormat }
  /** How keys and values are kept. */
  kvCache: { model: KvFormatName; other: KvFormatName }
  /** Bytes of the matrices. */
  weightBytes: { model: number; other: number }
  /** What the other takes on the GPU while this runs, besides all that this model takes. */
  gpuBytes: number
  /** Rows of the whole text. */
  total: number
  /** Of these rows. */
  tokens: readonly PrecisionToken[]
  /** Of all rows so far. */
  steps: readonly PrecisionStep[]
}
