export interface Counters {
  forwards: number
  rows: number
  submits: number
  passes: number
  dispatches: number
  pipelinesCompiled: number
  bytesUploaded: number
  readbacks: number
  pagesAllocated: number
}

export interface MemoryReport {
  gpuBytes: number
  buffers: number
  byLabel: Record<string, number>
}

/** One comparison of the kernels with the host, at the sizes of the loaded model. */
export interface KernelCheck {
  /** What was compared: `q8_0 weights of layers.0.attn.q`. */
  what: string
  /** Normalised mean squared error; of the sampler 0 or 1. */
  error: number
  /** What is wrong and by how much; null when they agree. */
  complaint: string | null
}

/** What `watchValues` has counted of the outputs of a step, over all rows that ran meanwhile. */
export interface WatchedStep {
  /** A step as it runs, fused ones under their own names: `layers.3.mlp.act`. */
  step: string
  /** Steps as recorded that a fused one stands for; empty for one that stands for itself. */
  covers: readonly string[]
  nan: number
  infinite: number
  /** Finite values that no f16 can hold, or only just: |x| ≥ 65,504. */
  large: number
  /** The largest finite magnitude. */
  peak: number
}

/** A run of text in the cache of keys and values. */
export interface CachedSequence {
  /** Names the adapter scales and edits its pages were made under; '' is the plain base. */
  key: string
  tokens: readonly number[]
  /** Its pages in order, and how many sequences hold each of them. */
  pages: readonly { page: number; refCount: number }[]
  busy: boolean
}

/** The cache of keys and values as it stands. */
export interface CacheReport {
  /** Positions a page holds. */
  pageSize: number
  pages: number
  freePages: number
  layers: number
  /** Bytes of K and V of one page in one layer. */
  bytesPerPageAndLayer: number
  /** The one used last comes last; the first is the first to be given up. */
  sequences: readonly CachedSequence[]
}
