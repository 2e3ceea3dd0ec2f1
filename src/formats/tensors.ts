/** Element types a checkpoint may hold. Names are those of safetensors. */
export type DType =
  'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL'

/** One named tensor of a checkpoint: where its bytes are, not the bytes themselves. */
export interface TensorInfo {
  name: string
  dtype: DType
  /** Row-major, outermost first; [] is a scalar. */
  shape: readonly number[]
  /** The file it lives in and its byte range there, end exclusive. */
  file: string
  begin: number
  end: number
}

/**
 * A set of files that can be read by name: a folder URL, dropped files, a Map, a folder on disk.
 * Implementations refuse names that leave the folder.
 */
export interface FileSource {
  /** Shown to people: a URL without query, a folder name. */
  readonly label: string
  /** True when the file exists. */
  has(name: string): Promise<boolean>
  /** Whole small file (JSON, tokenizer). Throws `bad-file` when larger than `maxBytes`, `network` when unreachable. */
  read(name: string, options: { maxBytes: number; signal?: AbortSignal | undefined }): Promise<Uint8Array>
  /** Size in bytes, or null when it cannot be known before reading. */
  size(name: string): Promise<number | null>
  /** Bytes `[begin, end)` as a stream of chunks, so a large file is never whole in memory. */
  stream(name: string, begin: number, end: number | null, signal?: AbortSignal): ReadableStream<Uint8Array>
  /** Names, when they can be listed (dropped files, folders on disk); null for a URL. */
  list(): Promise<readonly string[] | null>
}

/** An opened checkpoint: its tensors by name, and a way to read them in file order. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly totalBytes: number
  /**
   * Streams the bytes of the wanted tensors in file order, each in chunks of at most a few MiB. Chunk offsets are relative
   * to the tensor's own first byte and always fall on whole elements.
   */
  read(
    wanted: (name: string) => boolean,
    sink: (tensor: TensorInfo, offset: number, chunk: Uint8Array) => void | Promise<void>,
    options?: {
      signal?: AbortSignal | undefined
      onBytes?: ((done: number, total: number) => void) | undefined
    },
  ): Promise<void>
}
