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
