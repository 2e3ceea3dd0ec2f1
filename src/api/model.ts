import type { AdapterReport } from '../adapters/types.ts'
import type {
  Attribution,
  AttributionOptions,
  InspectOptions,
  Inspection,
  Lens,
  LensOptions,
} from './inspect.ts'
import type { Attrs, OpName } from '../program/attrs.ts'
import type { Axis, ParamRef, StreamRelation } from '../program/step.ts'
import type { ChatMessage } from '../text/types.ts'
import type {
  BranchOptions,
  CacheReport,
  Child,
  Fork,
  SaveTraceOptions,
  ScoredToken,
  ScoreOptions,
  SpeculatedRound,
  SpeculateOptions,
} from './decode.ts'

export type { AdapterEffect, AdapterReport } from '../adapters/types.ts'
export type * from './inspect.ts'
export type * from './decode.ts'
export type { Axis, AxisKind, ParamRef, StreamRelation } from '../program/step.ts'
export type { Attrs, OpName } from '../program/attrs.ts'

/** How matrices may be stored on the GPU, under ggml's names in lower case. Norms and biases are always f32. */
export type WeightFormat =
  | LoadFormat
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q2_k'
  | 'q3_k'
  | 'q4_k'
  | 'q5_k'
  | 'q6_k'
  | 'iq4_nl'
  | 'iq4_xs'
  | 'mxfp4'

/** What floats of a checkpoint may become while they are loaded. */
export type LoadFormat = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0'

/** The kernel variant in use; its `name` is what the badge shows. */
export interface Variant {
  name: string
  /** Native f16 loads (`shader-f16`); without it f16 weights are unpacked from u32. */
  f16: boolean
  subgroups: boolean
  /** Each thread makes whole outputs by itself, without barriers: what CPU adapters run best. */
  threadPerOutput: boolean
  /** Threads of a workgroup in reductions; small on CPU adapters. */
  workgroup: number
}

export interface ModelInfo {
  id: string
  architecture: string
  /** `model_type` of the config. */
  modelType: string
  layers: number
  heads: number
  kvHeads: number
  headDim: number
  hidden: number
  vocab: number
  /** Positions a sequence may hold here: min(what the checkpoint allows, what was asked for). */
  context: number
  parameters: number
  gpuBytes: number
  /** Storage of most of the matrices; `exceptions` names those kept otherwise than was asked for, and why. */
  weights: WeightFormat
  exceptions: readonly string[]
  /** Adapter description, e.g. `google swiftshader`. */
  backend: string
  variant: Variant
  /** True when a tokenizer was found; without one only ids work. */
  hasTokenizer: boolean
  hasChatTemplate: boolean
  bosId: number | null
  eosIds: readonly number[]
  /** Lasting remarks from loading: NaN weights, kernel fallback, missing tokenizer. */
  warnings: readonly string[]
}

export type LoadStage = 'config' | 'tokenizer' | 'weights' | 'compile' | 'self-test' | 'ready'

export interface LoadProgress {
  stage: LoadStage
  /** Bytes of the weights read and expected; 0 when unknown. */
  bytesDone: number
  bytesTotal: number
}

export interface FileSystemDirectoryHandleLike {
  readonly kind: 'directory'
  readonly name: string
}

/**
 * Where a model comes from: an id from `public/models.json`, a folder URL, `owner/name[@revision]` on the hub, files, a
 * directory handle, a map of file name to content, or in Node a folder path.
 */
export type ModelSource =
  string | readonly File[] | FileSystemDirectoryHandleLike | ReadonlyMap<string, Blob | Uint8Array>

export interface LoadOptions {
  device?: GPUDevice | undefined
  /** Default 'auto': every matrix as the file has it. Matrices that a file holds in blocks stay so whatever is asked for. */
  weights?: LoadFormat | 'auto' | undefined
  contextLength?: number | undefined
  /** Forces a kernel variant by name (see docs/variants.md); default chosen by adapter class. */
  variant?: string | undefined
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface AdapterScale {
  id: string
  scale: number
}

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

export interface SamplingOptions {
  /** 0 is greedy. */
  temperature: number
  /** 0 keeps all. */
  topK: number
  /** 1 keeps all. */
  topP: number
  /** 0 keeps all. */
  minP: number
  /** 1 changes nothing. */
  repetitionPenalty: number
  seed: number
}

export interface GenerateOptions extends Partial<SamplingOptions>, ForwardOptions {
  maxTokens?: number | undefined
  /** Strings end the text before they are emitted; numbers are ids. The tokenizer's own end ids always stop. */
  stop?: readonly (string | number)[] | undefined
  /** Alternatives captured per token, at most 256. */
  topLogprobs?: number | undefined
  signal?: AbortSignal | undefined
  /** Called while the prompt is read. */
  onPrefill?: ((done: number, total: number) => void) | undefined
}

export type FinishReason = 'stop' | 'length' | 'abort' | 'context-full'

/** One alternative at a position, before any filter: probability = exp(logprob). */
export interface TokenAlternative {
  id: number
  text: string
  logprob: number
}

/** One generated token as it streams. */
export interface GeneratedToken {
  /** 0-based among the generated tokens. */
  index: number
  /** Position in the sequence, the prompt included: this token was predicted by position − 1. */
  position: number
  id: number
  /** Text that became certain with this token; may be empty inside a multi-token character. */
  text: string
  /** Natural log of the model's probability for this id, before penalties, temperature and filters. */
  logprob: number
  /** The most probable ids, before filtering, descending. */
  top: TokenAlternative[]
  /** The uniform number of the draw in [0, 1), null when greedy. */
  random: number | null
  finish: FinishReason | null
  /**
   * True where all text before it was read again: it had outgrown the length up to which the model's positions turn as those of short
   * texts do (LongRoPE, dynamic scaling).
   */
  readAgain?: boolean
}

export type Prompt = string | readonly number[] | readonly ChatMessage[]

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

/** One position of a comparison: both continuations, which may differ in their tokens from the first divergence on. */
export interface ComparedToken {
  /** Null once that side has finished. */
  a: GeneratedToken | null
  b: GeneratedToken | null
  /** KL(b ‖ a) between the two next-token distributions before filters, nats; null once one side has finished. */
  kl: number | null
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

/** A loaded model. The page's `model` and the library's are the same interface. */
export interface Model {
  readonly info: ModelInfo
  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]>
  decode(ids: readonly number[]): Promise<string>
  /** Logits of every position, before any sampling transform: [ids.length, vocab]. */
  logits(ids: readonly number[], options?: ForwardOptions): Promise<TensorData>
  generate(prompt: Prompt, options?: GenerateOptions): AsyncIterable<GeneratedToken>
  /** Full logits [vocab] behind generated token `index` of the last run; `recomputed` when they had left the buffer. */
  tokenLogits(index: number): Promise<{ data: Float32Array; recomputed: boolean }>
  steps(options: { rows: number }): Promise<StepInfo[]>
  trace(
    ids: readonly number[],
    options: { probes: readonly string[] } & ForwardOptions,
  ): Promise<Map<string, TensorData>>
  /**
   * Adds a PEFT LoRA adapter: files, a folder, a folder URL. It acts from the next run on.
   * @throws `bad-file`, `unsupported` (naming what is not implemented), `limit`; the adapters loaded before stay as they are.
   */
  addAdapter(
    source: ModelSource,
    options?: { name?: string | undefined; scale?: number | undefined },
  ): Promise<{ id: string; report: AdapterReport }>
  /** Compiles the kernels adapters need, so that the first one loads at once; worth calling while nothing else happens. */
  prepareAdapters(): Promise<void>
  /** Negative scales work; 0 is off. Uploads no weights and compiles nothing. */
  setAdapterScale(id: string, scale: number): Promise<void>
  removeAdapter(id: string): Promise<void>
  listAdapters(): Promise<readonly LoadedAdapterInfo[]>
  /**
   * Folds a mix into the f32 or f16 weights, in place of running it beside them; until {@link unmergeAdapters} every run is
   * under it, and comparing is off. @throws `unsupported` for quantised weights.
   */
  mergeAdapters(mix: readonly AdapterScale[]): Promise<void>
  /** Puts the weights back bit for bit. */
  unmergeAdapters(): Promise<void>
  /** A mix as one PEFT adapter (ranks concatenated), or folded into a whole checkpoint with its configuration and tokenizer: files by name. */
  exportAdapter(
    mix: readonly AdapterScale[],
    options?: { format?: 'peft' | 'merged' | undefined; dtype?: 'F32' | 'F16' | undefined },
  ): Promise<Map<string, Uint8Array>>
  /** Size and shape of an adapter's update, module by module. */
  analyseAdapter(id: string): Promise<AdapterAnalysis>
  adapterDirections(id: string, step: string, k: number): Promise<DirectionTokens>
  adapterSimilarity(first: string, second: string): Promise<{ step: string; cosine: number | null }[]>
  /**
   * Same prompt, seed and settings under two mixes, as two rows of one batch.
   * `a` and `b` are lists of scales; [] is the base.
   */
  compare(
    prompt: Prompt,
    options: { a: readonly AdapterScale[]; b: readonly AdapterScale[] } & Omit<GenerateOptions, 'adapters'>,
  ): AsyncIterable<ComparedToken>
  /**
   * Runs the tokens once, every fine step observed, and keeps the outputs on the GPU until `close`. Live sequences are not touched.
   * @throws `bad-argument` for bad ids, `limit` or `out-of-memory` when not even one step fits.
   */
  inspect(ids: readonly number[], options?: InspectOptions): Promise<Inspection>
  /** What the residual stream after every layer would predict, through the final norm and the head (logit lens). */
  lens(ids: readonly number[], options?: LensOptions): Promise<Lens>
  /** Direct logit attribution: what each part of the model adds to one logit, the final norm's scale held at its actual value. */
  attribution(ids: readonly number[], options: AttributionOptions): Promise<Attribution>
  /**
   * Puts another token at a position of a text: computes that one row over the text's own pages of keys and values (whatever of
   * them is no longer cached is read again). The branch stays in the cache: generating from its ids goes on at once.
   * @throws `bad-argument` for ids or a position that are none, `context-full` behind the last position.
   */
  fork(ids: readonly number[], position: number, token: number, options?: BranchOptions): Promise<Fork>
  /** The `count` (1 to 8) most probable next tokens of a text, each with the prediction behind it, as rows of one batch. */
  expand(ids: readonly number[], count: number, options?: BranchOptions): Promise<readonly Child[]>
  /** Scores a given text in chunks, in order; the tokens of a chunk arrive together. */
  score(ids: readonly number[], options?: ScoreOptions): AsyncIterable<readonly ScoredToken[]>
  /**
   * Speculative decoding: a guide proposes tokens, the model reads them in one forward and keeps those it agrees with. Greedy
   * output is that of `generate`; sampled output follows the same distribution (Leviathan et al. 2023, arXiv:2211.17192).
   */
  speculate(prompt: Prompt, options: SpeculateOptions): AsyncIterable<SpeculatedRound>
  /** The cache of keys and values: sequences, pages, who shares them. */
  cache(): Promise<CacheReport>
  /** The run over these tokens with its probed tensors as one file, which {@link openTrace} reads without a GPU. */
  saveTrace(ids: readonly number[], options?: SaveTraceOptions): Promise<Uint8Array>
  memory(): Promise<MemoryReport>
  counters(): Promise<Counters>
  dispose(): Promise<void>
}
