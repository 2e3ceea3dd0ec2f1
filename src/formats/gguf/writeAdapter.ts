import { invariant } from '../../errors.ts'
import { narrowToHalves } from '../floats.ts'
import { namesFor, transposed, unknownModule, type AdapterMatrix } from './adapter.ts'
import type { GgufField } from './fields.ts'
import type { NameMap } from './names.ts'
import { rowsOfFile } from './quirks.ts'
import { writeGguf, type GgufOutput } from './write.ts'

/** One pair to be written. */
export interface AdapterPair {
  /** Hugging Face's module, `model.layers.0.self_attn.q_proj`. */
  module: string
  rank: number
  in: number
  out: number
  /** By what BA is multiplied: alpha / rank, with rsLoRA alpha / √rank. */
  scaling: number
  a: Float32Array // [rank, in]
  b: Float32Array // [out, rank]
}

export interface AdapterFile {
  architecture: string
  /** Rows of a head of the model. */
  headDim: number
  name?: string
  dtype?: 'F32' | 'F16'
}

/**
 * A LoRA as llama.cpp loads it. The file has one alpha: pairs that another scale applies to have it put into B.
 * @throws `unsupported` for a module the architecture's files have no tensor for.
 */
export function writeGgufAdapter(
  pairs: readonly AdapterPair[],
  { architecture, headDim, name, dtype = 'F32' }: AdapterFile,
): Uint8Array {
  const [first] = pairs
  invariant(first, 'an adapter has a pair')
  const names = namesFor(architecture, 'the adapter')
  const alpha = Math.fround(first.scaling * first.rank)
  const metadata = new Map<string, GgufField>([
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.type', { type: 'string', value: 'adapter' }],
    ...(name === undefined ? [] : ([['general.name', { type: 'string', value: name }]] as const)),
    ['adapter.type', { type: 'string', value: 'lora' }],
    ['adapter.lora.alpha', { type: 'float32', value: alpha }],
  ])
  return writeGguf(
    metadata,
    pairs.flatMap((pair) => outputsOf(pair, names, { architecture, headDim, alpha, dtype })),
  )
}

function outputsOf(
  pair: AdapterPair,
  names: NameMap,
  { architecture, headDim, alpha, dtype = 'F32' }: AdapterFile & { alpha: number },
): GgufOutput[] {
  const { module, rank, in: inner, out } = pair
  const place = names.fileName(module)
  if (!place) throw unknownModule('the adapter', module, architecture)
  const rows = place.quirk === 'interleavedRows' ? rowsOfFile(pair.b, out, headDim) : pair.b
  // A file of alpha 0 would be read as one of scale 1.
  const factor = alpha === 0 ? pair.scaling : (pair.scaling * rank) / alpha
  const b = factor === 1 ? rows : rows.map((value) => value * factor)
  const matrix: AdapterMatrix = { dtype: 'F32', shape: [rank, inner], values: pair.a }
  const a = place.gguf === 'token_embd' ? transposed(matrix) : matrix
  return [
    { name: `${place.gguf}.weight.lora_a`, type: dtype, shape: a.shape, data: bytesOf(a.values, dtype) },
    { name: `${place.gguf}.weight.lora_b`, type: dtype, shape: [out, rank], data: bytesOf(b, dtype) },
  ]
}

function bytesOf(values: Float32Array, dtype: 'F32' | 'F16'): Uint8Array {
  if (dtype === 'F16') {
    const halves = new Uint16Array(values.length)
    narrowToHalves(values, halves, 0)
    return new Uint8Array(halves.buffer)
  }
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
