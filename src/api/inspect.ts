import type { AdapterScale } from './adapters.ts'
import type { MaskedOptions, StepInfo, TensorData } from './forward.ts'

export interface InspectOptions extends MaskedOptions {
  /** Patterns of steps to keep first when not all fit `budgetBytes`. */
  retain?: readonly string[] | undefined
  /** GPU bytes the kept tensors may take; default 256 MB. */
  budgetBytes?: number | undefined
}

/** A step of an inspection, with the shape of exactly its rows. */
export interface InspectedStep extends StepInfo {
  /** False: not kept; reading or drawing it runs the tokens again, once, as long as the budget holds it. */
  retained: boolean
}

/** Statistics of a tensor or of one row of it. Moments and extremes are over the finite values. */
export interface TensorStats {
  elements: number
  nan: number
  infinite: number
  /** 0 when no value is finite, like all that follow. */
  min: number
  max: number
  mean: number
  /** Population standard deviation. */
  std: number
  /** Euclidean norm. */
  norm: number
  absMax: number
  /** Finite values in equal bins over [low, high]; the last bin includes `high`. */
  histogram: { low: number; high: number; counts: readonly number[] }
}

/** What one frame of a heatmap shows. */
export interface DrawRequest {
  step: string
  /** Index into the leading axis of a rank-3 tensor (head; K or V); default 0. */
  slice?: number | undefined
  /** Window in elements, fractions allowed: pan and zoom. Elements outside the tensor are left blank. */
  rows: readonly [begin: number, end: number]
  cols: readonly [begin: number, end: number]
  palette: 'sequential' | 'diverging'
  /** 'auto': the tensor's extremes over all slices; diverging takes them symmetric about 0. */
  range: readonly [low: number, high: number] | 'auto'
  /** 'symlog' is linear below a thousandth of the largest magnitude and logarithmic above. Default 'linear'. */
  scale?: 'linear' | 'symlog' | undefined
  /** What a pixel that covers several elements shows: the one largest in magnitude (default), or their mean. */
  detail?: 'peak' | 'mean' | undefined
  /** Element to outline. */
  cursor?: { row: number; col: number } | null | undefined
  theme: 'light' | 'dark'
}

/** One forward kept on the GPU to look at. Reading, drawing and timing change nothing in any live sequence. */
export interface Inspection {
  readonly ids: readonly number[]
  readonly steps: readonly InspectedStep[]
  readonly retainedBytes: number
  /** Elements `[begin, end)` in row-major order, default all; the shape is the step's for all of them, else `[end - begin]`. */
  read(step: string, range?: { begin?: number | undefined; end?: number | undefined }): Promise<TensorData>
  /** One row of the forward: `[width]`; of scores, probs and cache `[heads, positions]` or `[2, width]`. */
  row(step: string, row: number): Promise<TensorData>
  stats(step: string, options?: { row?: number | undefined }): Promise<TensorStats>
  /**
   * The row of its matrix that makes output column `output` of a product: `[inputs]`, as the kernels see it (dequantised), and its
   * bias, null without one; adapters apart. Reads only those bytes. @throws `bad-argument` for a step without a matrix of the model.
   */
  weights(step: string, output: number): Promise<{ weights: Float32Array; bias: number | null }>
  /** Takes over a canvas whose control was transferred; returns the number that `draw` takes. */
  attach(canvas: OffscreenCanvas): Promise<number>
  /** Size in device pixels. */
  resize(canvas: number, width: number, height: number): Promise<void>
  /**
   * Draws from the GPU buffer, without reading it back. Resolves once the frame is on its way, with the range of the colours; for
   * 'auto' that range is read back once per tensor, after its first frame.
   */
  draw(canvas: number, request: DrawRequest): Promise<{ range: readonly [low: number, high: number] }>
  /** Measures the step alone, repeated; null below the timer's resolution. Throws `unsupported` without GPU timestamps. */
  time(step: string): Promise<{ microseconds: number | null }>
  /** Frees everything the inspection holds; harmless when done before. */
  close(): Promise<void>
}

export interface LensOptions extends MaskedOptions {
  /** Layer numbers; −1 is the embedding. Default: −1 and all layers. */
  layers?: readonly number[] | undefined
  /** Default: all. */
  positions?: readonly number[] | undefined
  /** Alternatives per cell, at most 256; default 5. */
  topK?: number | undefined
  /** Token to follow; default: the actual next token of each position, or where rows see later ones the token there. */
  token?: number | undefined
  /**
   * True: keys and values before the first position are taken from the cache where a run has left them, so that a few last positions
   * cost a few rows. Cached ones were summed in another order: the last bits may differ. Default false: all tokens run anew.
   */
  cached?: boolean | undefined
}

/** What one layer would predict after one position. */
export interface LensCell {
  /** −1 is the embedding. */
  layer: number
  /** Row the prediction is made from: it is about the token at `position + 1`. */
  position: number
  /** Descending. */
  top: readonly { id: number; probability: number }[]
  /** Entropy of the whole distribution, nats. */
  entropy: number
  /** The token followed; null at the last position unless one was named. */
  token: number | null
  /** Tokens that are more probable; ties count by lower id. Null without a token. */
  rank: number | null
  probability: number | null
}

export interface Lens {
  layers: readonly number[]
  positions: readonly number[]
  /** Layer by layer, positions within. */
  cells: readonly LensCell[]
  /** Rows of the forward that ran for it: with `cached` few, where the cache holds what is before them. */
  rows: number
}

export interface AttributionOptions {
  /** Row whose prediction is taken apart. */
  position: number
  /** Whose logit. */
  token: number
  adapters?: readonly AdapterScale[] | undefined
}

/**
 * One addend of a logit. `adapter` is what adapters add inside a block's output beyond its heads and bias, or at the head;
 * `norm_bias` is the final norm's bias and `head_bias` the head's.
 */
export interface AttributionPart {
  kind: 'embed' | 'head' | 'attn_bias' | 'adapter' | 'mlp' | 'norm_bias' | 'head_bias'
  layer: number | null
  head: number | null
  contribution: number
}

export interface Attribution {
  position: number
  token: number
  /** The model's own logit, as the forward computed it. */
  logit: number
  /** Sum of the parts. */
  sum: number
  parts: readonly AttributionPart[]
}
