import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GgufField } from '../src/formats/gguf/fields.ts'
import { ggmlBytes, type GgmlTypeName } from '../src/formats/gguf/ggmlTypes.ts'
import { NameMap } from '../src/formats/gguf/names.ts'
import { writeGguf } from '../src/formats/gguf/write.ts'
import { configOf, tensorShapes, type Shape } from './shapes.ts'

/** Layers and tokens of each shape: whole, or as much as a file of a gigabyte holds. */
export const SIZES: Readonly<Record<string, { layers: number; vocab: number }>> = {
  'SmolLM2-135M': { layers: 30, vocab: 49_152 },
  'Llama-3.2-1B': { layers: 3, vocab: 32_768 },
}
const BLOCK = 256

/** Bytes of any weights: halves of ordinary size wherever a format has halves on even bytes. */
function bytesOf(count: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(count / 4))
  let state = seed + 12_345
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = (state & 0x83ff_83ff) | 0x2800_2800
  }
  return new Uint8Array(words.buffer, 0, count)
}

/** The same with ordinary powers of two as the scales of blocks of 17 bytes: any byte would be too large for most. */
function withPowers(data: Uint8Array): Uint8Array {
  for (let at = 0; at < data.length; at += 17) data[at] = 116 + ((data[at] ?? 0) & 7)
  return data
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Narrow rows are kept in Q5_0 or F16, as converters keep them. */
function typeFor(type: GgmlTypeName, shape: readonly number[]): GgmlTypeName {
  if (shape.length === 1) return 'F32'
  const cols = shape.at(-1) ?? 0
  return /_K$|_XS$/.test(type) && cols % BLOCK !== 0 ? 'Q5_0' : type
}

/** A GGUF file of a shape, its matrices of one type. */
export function ggufBytes(shape: Shape, type: GgmlTypeName): Uint8Array {
  const { layers, vocab } = SIZES[shape.name] ?? { layers: 1, vocab: 1024 }
  const names = new NameMap('llama')
  const u32 = (value: number): GgufField => ({ type: 'uint32', value })
  const fields = new Map<string, GgufField>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['llama.block_count', u32(layers)],
    ['llama.context_length', u32(2048)],
    ['llama.embedding_length', u32(shape.hidden)],
    ['llama.feed_forward_length', u32(shape.intermediate)],
    ['llama.attention.head_count', u32(shape.heads)],
    ['llama.attention.head_count_kv', u32(shape.kvHeads)],
    ['llama.attention.key_length', u32(shape.headDim)],
    ['llama.attention.value_length', u32(shape.headDim)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
  ])
  const tensors = Object.entries(tensorShapes(shape, layers, vocab)).map(([name, size], i) => {
    const own = typeFor(type, size)
    const module = name.replace(/\.weight$/, '')
    const gguf = `${names.fileName(module)?.gguf ?? module}.weight`
    const data = bytesOf(ggmlBytes(own, elements(size)), i)
    return { name: gguf, type: own, shape: size, data: own === 'MXFP4' ? withPowers(data) : data }
  })
  return writeGguf(fields, tensors)
}

/** A checkpoint of floats under its folder, whose file measures so many bytes. */
export function writeFolder(folder: string, shape: Shape, type: GgmlTypeName): number {
  const { layers, vocab } = SIZES[shape.name] ?? { layers: 1, vocab: 1024 }
  const each = type === 'F32' ? 4 : 2
  let at = 0
  const entries = Object.entries(tensorShapes(shape, layers, vocab)).map(([name, size]) => {
    const begin = at
    at += elements(size) * each
    return [name, { dtype: type, shape: size, data_offsets: [begin, at] }]
  })
  const json = JSON.stringify(Object.fromEntries(entries))
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([length, text, bytesOf(at, 1)]))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape, layers, vocab, 2048)))
  return 8 + text.length + at
}
