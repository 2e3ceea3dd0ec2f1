import type { HubOptions, KvFormatName, LoadFormat, LoadOptions, WeightFormat } from './load.ts'

/** A file that a model source holds. */
export interface SourceFile {
  readonly name: string
  /** Null where the source does not tell. */
  readonly bytes: number | null
  /** Loading reads it, so keeping the model downloads it. */
  readonly needed: boolean
}

/** How a model could be loaded, and what that takes. */
export interface FitOption {
  readonly weights: LoadFormat | 'auto'
  readonly kvCache: KvFormatName
  readonly contextLength: number
  readonly gpuBytes: number
  readonly fits: boolean
}

/** `fits` as asked; `fits-q4_0` with weights quantised while loading; `shorter-context`; `unsupported`: it does not run here at any size. */
export type FitVerdict = 'fits' | 'fits-q4_0' | 'shorter-context' | 'does-not-fit' | 'unsupported'

/** Whether a model will run here, judged before any weight is read. */
export interface Fit {
  /** What loading as asked takes on the GPU: weights, keys and values of the context, activations. Close to `info.gpuBytes`. */
  readonly gpuBytes: number
  /** What a tab may be expected to have here; no browser tells it exactly. */
  readonly limitBytes: number
  /** True when loading as asked stays within the limits. */
  readonly fits: boolean
  /** The verdict as a sentence with its numbers. */
  readonly why: string
  readonly verdict: FitVerdict
  /** The best way to load it that fits, null when none does. */
  readonly load: FitOption | null
  /** Every way that was weighed. */
  readonly options: readonly FitOption[]
}

/** What a source holds and what running it takes. */
export interface SourceReport {
  /** As `ModelInfo.id` will have it. */
  readonly id: string
  /** What `loadModel` takes for exactly this file or commit; null for files and folders that have no spelling. */
  readonly source: string | null
  /** An adapter is loaded onto its base, not by itself. */
  readonly kind: 'model' | 'adapter'
  /** Commit of the hub. */
  readonly commit: string | null
  /** Its files are given to those who have accepted its terms. */
  readonly gated: boolean
  readonly files: readonly SourceFile[]
  /** The GGUF file that is read, chosen among several where none was named; null for other layouts. */
  readonly file: string | null
  /** All GGUF files that could be chosen. */
  readonly choices: readonly string[]
  /** Of the files that loading reads. */
  readonly bytes: number
  readonly modelType: string
  readonly architecture: string
  readonly parameters: number
  readonly license: string | null
  readonly baseModels: readonly string[]
  /** What most weights are stored as. */
  readonly weights: WeightFormat
  /** Positions that the model allows. */
  readonly context: number
  readonly fit: Fit
}

/** What is known of the machine. */
export interface MachineLimits {
  /** Of the adapter. */
  readonly maxBufferSize?: number | undefined
  readonly maxStorageBufferBindingSize?: number | undefined
  /** Bytes that the GPU may be expected to have for a tab, where the caller knows better. */
  readonly memoryBytes?: number | undefined
}

export interface InspectSourceOptions {
  hub?: HubOptions | undefined
  /** As for loading; the fit is judged for it. Default 'auto'. */
  weights?: LoadFormat | 'auto' | undefined
  /** As for loading. Default 'f32'. */
  kvCache?: KvFormatName | undefined
  /** Default the model's, at most 4096. */
  contextLength?: number | undefined
  /** What is known better than from the browser's high-performance adapter. */
  limits?: MachineLimits | undefined
  signal?: AbortSignal | undefined
}

/** A model that the browser keeps, or the part of one. */
export interface StoredModel {
  /** Names it to `verify` and `remove`. */
  readonly key: string
  /** What `loadModel` takes. */
  readonly source: string
  readonly label: string
  readonly file: string | null
  readonly endpoint: string
  readonly commit: string
  readonly license: string | null
  readonly bytes: number
  /** Less than `bytes`: a download that was left. */
  readonly bytesDone: number
  /** Milliseconds since 1970; null of a part. */
  readonly keptAt: number | null
  readonly usedAt: number | null
}

/** One find of a search on the hub. */
export interface HubFind {
  readonly id: string
  readonly gated: boolean
  readonly license: string | null
  readonly downloads: number | null
  readonly tags: readonly string[]
}

interface CallOptions {
  hub?: HubOptions | undefined
  signal?: AbortSignal | undefined
}

/** What the engine does with models before one is loaded; the page calls it by name. */
export interface ModelCalls {
  inspect(source: string, options?: InspectSourceOptions): Promise<SourceReport>
  /** Models of the hub by name, or with all of these tags. */
  search(words: string, options?: CallOptions & { filter?: readonly string[] }): Promise<readonly HubFind[]>
  /** Downloads a model of the hub, or goes on with it. */
  keep(source: string, options?: CallOptions & Pick<LoadOptions, 'onProgress'>): Promise<void>
  stored(): Promise<readonly StoredModel[]>
  /** Resolves to how many blocks of a MiB were damaged; they have been fetched again. */
  verify(
    key: string,
    options?: CallOptions & { onBytes?: (done: number, total: number) => void },
  ): Promise<number>
  remove(key: string): Promise<void>
}

/** Calls one of {@link ModelCalls}. */
export type CallModels = <K extends keyof ModelCalls>(
  name: K,
  ...args: Parameters<ModelCalls[K]>
) => ReturnType<ModelCalls[K]>
