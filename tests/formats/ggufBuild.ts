import type { GgufField, GgufNumberType } from '../../src/formats/gguf/fields.ts'
import { ggmlBytes, type GgmlTypeName } from '../../src/formats/gguf/ggmlTypes.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'

/** Bytes one after the other. */
export function join(...parts: (Uint8Array | readonly Uint8Array[])[]): Uint8Array {
  const flat = parts.flatMap((part): readonly Uint8Array[] => (part instanceof Uint8Array ? [part] : part))
  return Uint8Array.from(flat.flatMap((part) => [...part]))
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export function u64(value: number | bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer)
}

/** A length and UTF-8; `length` states another. */
export function str(text: string | Uint8Array, length?: number | bigint): Uint8Array {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return join(u64(length ?? bytes.length), bytes)
}

/** A key with a value of type id `type`. */
export function pair(key: string, type: number, value: Uint8Array): Uint8Array {
  return join(str(key), u32(type), value)
}

/** The record of one tensor; `ne` is innermost first, as files list it. */
export function record({
  name = 'a',
  dimensions,
  ne = [4],
  type = 0,
  offset = 0,
}: {
  name?: string
  dimensions?: number
  ne?: (number | bigint)[]
  type?: number
  offset?: number | bigint
} = {}): Uint8Array {
  return join(str(name), u32(dimensions ?? ne.length), ne.map(u64), u32(type), u64(offset))
}

/** A file from its parts, each of which may be wrong. `data` bytes follow the header on a multiple of 32. */
export function rawGguf({
  magic = 'GGUF',
  version = 3,
  tensorCount,
  pairCount,
  pairs = [],
  tensors = [],
  data = 0,
}: {
  magic?: string
  version?: number
  tensorCount?: number | bigint
  pairCount?: number | bigint
  pairs?: Uint8Array[]
  tensors?: Uint8Array[]
  data?: number
} = {}): Uint8Array {
  const counts = [u64(tensorCount ?? tensors.length), u64(pairCount ?? pairs.length)]
  const header = join(new TextEncoder().encode(magic), u32(version), counts, pairs, tensors)
  const padding = data === 0 ? 0 : (32 - (header.length % 32)) % 32
  return join(header, new Uint8Array(padding + data))
}

export const text = (value: string): GgufField => ({ type: 'string', value })
export const flag = (value: boolean): GgufField => ({ type: 'bool', value })
export const texts = (value: readonly string[]): GgufField => ({ type: 'array', of: 'string', value })
export const number = (type: GgufNumberType, value: number | bigint): GgufField => ({ type, value })
export const u32Field = (value: number): GgufField => number('uint32', value)

/** Data of a tensor: byte i is i mod 61, so that no half or float of it is NaN. */
export function tensor(name: string, type: GgmlTypeName, shape: readonly number[]): GgufOutput {
  const elements = shape.reduce((product, size) => product * size, 1)
  const data = Uint8Array.from({ length: ggmlBytes(type, elements) }, (_, i) => i % 61)
  return { name, type, shape, data }
}

export interface TinyOptions {
  architecture?: string
  layers?: number
  fields?: Record<string, GgufField | null>
  tensors?: readonly GgufOutput[]
}

/** Metadata of a tiny model: width 64, 2 heads of 32, 1 of them for keys, 8 tokens. A null field is left out. */
export function tinyFields({ architecture = 'llama', layers = 1, fields = {} }: TinyOptions = {}): Map<
  string,
  GgufField
> {
  const own: Record<string, GgufField> = {
    block_count: u32Field(layers),
    context_length: u32Field(128),
    embedding_length: u32Field(64),
    feed_forward_length: u32Field(96),
    'attention.head_count': u32Field(2),
    'attention.head_count_kv': u32Field(1),
    'attention.layer_norm_rms_epsilon': number('float32', 1e-5),
    'rope.freq_base': number('float32', 10_000),
  }
  const all: [string, GgufField | null][] = [
    ['general.architecture', text(architecture)],
    ...Object.entries(own).map(([key, field]): [string, GgufField] => [`${architecture}.${key}`, field]),
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text('smollm')],
    ['tokenizer.ggml.tokens', texts(['a', 'b', 'c', 'd', 'ab', 'cd', 'abcd', '<end>'])],
    [
      'tokenizer.ggml.token_type',
      { type: 'array', of: 'int32', value: Int32Array.of(1, 1, 1, 1, 1, 1, 1, 3) },
    ],
    ['tokenizer.ggml.merges', texts(['a b', 'c d', 'ab cd'])],
    ['tokenizer.ggml.eos_token_id', u32Field(7)],
  ]
  const merged = new Map([...all, ...Object.entries(fields)])
  return new Map([...merged].filter((entry): entry is [string, GgufField] => entry[1] !== null))
}

/** Tensors of a tiny Llama, tied. */
export function tinyTensors(layers = 1): GgufOutput[] {
  const blocks = Array.from({ length: layers }, (_, n) => [
    tensor(`blk.${n}.attn_norm.weight`, 'F32', [64]),
    tensor(`blk.${n}.attn_q.weight`, 'Q8_0', [64, 64]),
    tensor(`blk.${n}.attn_k.weight`, 'Q8_0', [32, 64]),
    tensor(`blk.${n}.attn_v.weight`, 'Q4_1', [32, 64]),
    tensor(`blk.${n}.attn_output.weight`, 'F16', [64, 64]),
    tensor(`blk.${n}.ffn_norm.weight`, 'F32', [64]),
    tensor(`blk.${n}.ffn_gate.weight`, 'Q8_0', [96, 64]),
    tensor(`blk.${n}.ffn_up.weight`, 'Q8_0', [96, 64]),
    tensor(`blk.${n}.ffn_down.weight`, 'Q5_0', [64, 96]),
  ])
  const embedding = tensor('token_embd.weight', 'F16', [8, 64])
  return [embedding, ...blocks.flat(), tensor('output_norm.weight', 'F32', [64])]
}

export function tinyGguf(options: TinyOptions = {}): Uint8Array {
  return writeGguf(tinyFields(options), options.tensors ?? tinyTensors(options.layers))
}
