/** Element types a checkpoint may hold. Names are those of safetensors. */
export type DType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL'

/** Block types a checkpoint may hold, under GGUF's names. */
export const BLOCK_TYPES = [
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q8_0',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K',
  'IQ4_NL',
  'IQ4_XS',
  'MXFP4',
] as const
export type BlockType = (typeof BLOCK_TYPES)[number]

export function isBlockType(type: TensorType): type is BlockType {
  return BLOCK_TYPES.some((block) => block === type)
}

/** Types whose scales are tensors of their own: floats of eight and of four bits, and four-bit weights of bitsandbytes, GPTQ and AWQ. */
export const GROUPED_TYPES = ['F8_E4M3', 'F8_E5M2', 'FP4', 'NF4', 'INT4'] as const
export type GroupedType = (typeof GROUPED_TYPES)[number]

export function isGroupedType(type: TensorType): type is GroupedType {
  return GROUPED_TYPES.some((grouped) => grouped === type)
}

export type TensorType = DType | BlockType | GroupedType

/** One named tensor of a checkpoint: where its bytes are, not the bytes themselves. */
export interface TensorInfo {
  name: string
  dtype: TensorType
  /** Row-major, outermost first; [] is a scalar. */
  shape: readonly number[]
  /** The file it lives in and its byte range there, end exclusive. */
  file: string
  begin: number
  end: number
  /** The bytes are not yet what the shape says. */
  quirk?: TensorQuirk | undefined
  /** Of a grouped type. */
  groups?: ScaleGroups | undefined
}

/** The scales of a tensor that lie beside it, and how its bytes are packed. */
export interface ScaleGroups {
  /** Columns that share a scale: a power of two, or Infinity where a row has one. */
  readonly columns: number
  /** `rows`: row after row. `gptq`, `awq`: along the inputs (shaders/load/relay_columns.wgsl). */
  readonly packing: 'rows' | 'gptq' | 'awq'
  /** Names of the tensors that hold them. They are delivered with the tensor, in any order. */
  readonly companions: readonly string[]
  /**
   * The words of the plane of scales, [rows, ⌈cols / columns⌉], from the companions' bytes. Throws `bad-file`, `unsupported`.
   */
  scales(bytes: ReadonlyMap<string, Uint8Array>): Uint32Array
}

/**
 * What a file does with a tensor's bytes. `interleaved`: rows of heads of `headRows`, the rotary pair (2i, 2i + 1) of which is the
 * pair (i, i + headRows / 2) here. `plus-one`: 1 is added to every value. `turned`: the other way round than `shape`.
 */
export type TensorQuirk =
  { readonly kind: 'interleaved'; readonly headRows: number } | { readonly kind: 'plus-one' | 'turned' }

/**
 * A set of files that can be read by name: a folder URL, dropped files, a Map, a folder on disk.
 * Implementations refuse names that leave the folder.
 */
export interface FileSource {
  /** Shown to people: a URL without query, a folder name. */
  readonly label: string
  /** The one file that was asked for, where an address or a path names it. */
  readonly file?: string | undefined
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
  /** The browser is to keep its files before the weights are read. */
  readonly keeps?: boolean | undefined
  /** Lasting remarks on how it is read. */
  readonly remarks?: readonly string[] | undefined
  /** What names this content among others of the same name, such as an entity tag; null when nothing does. */
  version?(name: string): Promise<string | null>
  /** Which of several files that hold the same model is meant, where the source knows better than to ask. */
  pick?(names: readonly string[]): Promise<string | null>
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
