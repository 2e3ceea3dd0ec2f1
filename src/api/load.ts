import type { SamplingOptions } from './generate.ts'

/** What floats of a checkpoint may become while they are loaded. */
export type LoadFormat = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0'

/**
 * How matrices may be stored on the GPU, under ggml's names in lower case where it has one; `int4` are the integers of GPTQ and AWQ,
 * `nf4` the levels of bitsandbytes, `fp4` the floats of gpt-oss. Norms and biases are always f32.
 */
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
  | 'f8_e4m3'
  | 'f8_e5m2'
  | 'fp4'
  | 'nf4'
  | 'int4'

/** How keys and values are kept in the cache, under ggml's names. */
export const KV_FORMATS = ['f32', 'f16', 'q8_0'] as const
export type KvFormatName = (typeof KV_FORMATS)[number]

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

/** An engine elsewhere, and what it was seen to offer. */
export interface RemoteEngine {
  /** Its root, without key. */
  readonly url: string
  /** Its name and version as far as it says them. */
  readonly engine: string
  /** Ids of all models it lists. */
  readonly models: readonly string[]
  /** By method or feature: true, or why not and what would offer it. */
  readonly capabilities: Readonly<Record<string, true | string>>
}

export interface ModelInfo {
  id: string
  architecture: string
  /** `model_type` of the config. */
  modelType: string
  /** What the model was trained to do; an encoder fills masks and cannot generate. */
  tasks: readonly ('generate' | 'fill-mask')[]
  layers: number
  heads: number
  kvHeads: number
  headDim: number
  hidden: number
  vocab: number
  /** Positions a sequence may hold here: min(what the checkpoint allows, what was asked for). */
  context: number
  /** Positions that the checkpoint allows; absent of an engine elsewhere. */
  maxContext?: number
  parameters: number
  /** Taken when it was loaded; texts add to it: `memory()` says how much is taken now. */
  gpuBytes: number
  /** Storage of most of the matrices; `exceptions` names those kept otherwise than was asked for, and why. */
  weights: WeightFormat
  exceptions: readonly string[]
  /** How keys and values are kept. */
  kvCache: KvFormatName
  /** Adapter description, e.g. `google swiftshader`. */
  backend: string
  variant: Variant
  /** True when a tokenizer was found; without one only ids work. */
  hasTokenizer: boolean
  hasChatTemplate: boolean
  /** The mask token as it is typed; null of a tokenizer without. */
  maskToken: string | null
  /** How the model's author would have it sampled (generation_config.json); null when that is not said. */
  sampling: Omit<SamplingOptions, 'seed'> | null
  bosId: number | null
  eosIds: readonly number[]
  /** Lasting remarks from loading: NaN weights, kernel fallback, missing tokenizer. */
  warnings: readonly string[]
  /** Of a model that an engine elsewhere runs: see `connectModel`. */
  remote?: RemoteEngine | undefined
}

export type LoadStage = 'download' | 'config' | 'tokenizer' | 'weights' | 'compile' | 'self-test' | 'ready'

export interface LoadProgress {
  stage: LoadStage
  /** Bytes of the weights read and expected, of a download those that are there and all; 0 when unknown. */
  bytesDone: number
  bytesTotal: number
}

export interface FileSystemDirectoryHandleLike {
  readonly kind: 'directory'
  readonly name: string
}

/**
 * Where a model comes from: an id from `public/models.json`, a folder URL, an address relative to the page (it begins with `./` or
 * ends in `/`), `owner/name[@revision][/file.gguf]` on the hub, files, a directory handle, a map of file name to content, or in Node
 * a path.
 */
export type ModelSource =
  string | readonly File[] | FileSystemDirectoryHandleLike | ReadonlyMap<string, Blob | Uint8Array>

/** Where models named `owner/name` come from. */
export interface HubOptions {
  /** Its address; default Hugging Face's. */
  endpoint?: string | undefined
  /** For gated and private models. Held in memory only; sent to the endpoint alone. */
  token?: string | undefined
  /** False: the files are read where they lie and not kept by the browser. Default true where the browser can keep them. */
  keep?: boolean | undefined
}

export interface LoadOptions {
  device?: GPUDevice | undefined
  /** Default 'auto': every matrix as the file has it. Matrices that a file holds in blocks stay so whatever is asked for. */
  weights?: LoadFormat | 'auto' | undefined
  /** Default 'f32'. 'f16' takes half the bytes a position, 'q8_0' about a quarter; docs/decisions/keys-and-values.md has what they cost. */
  kvCache?: KvFormatName | undefined
  contextLength?: number | undefined
  hub?: HubOptions | undefined
  /** Forces a kernel variant by name (see docs/variants.md); default chosen by adapter class. */
  variant?: string | undefined
  onProgress?: ((progress: LoadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}
