import { createHash } from 'node:crypto'
import type { Synthetic } from './fakeHub.ts'

/** Sizes of a Llama, for a model that is only as large as one. */
export interface Sizes {
  hidden: number
  layers: number
  heads: number
  kvHeads: number
  intermediate: number
  vocab: number
}

export const ONE_BILLION: Sizes = {
  hidden: 2048,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  intermediate: 8192,
  vocab: 65_536,
}

export function configOf(sizes: Sizes, positions = 8192): string {
  return JSON.stringify({
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: sizes.hidden,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    intermediate_size: sizes.intermediate,
    vocab_size: sizes.vocab,
    max_position_embeddings: positions,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: 1,
    eos_token_id: 2,
  })
}

function shapesOf({ hidden, layers, heads, kvHeads, intermediate, vocab }: Sizes): [string, number[]][] {
  const kv = (hidden / heads) * kvHeads
  const layer = (n: number): [string, number[]][] => {
    const at = `model.layers.${n}.`
    return [
      [`${at}input_layernorm.weight`, [hidden]],
      [`${at}mlp.down_proj.weight`, [hidden, intermediate]],
      [`${at}mlp.gate_proj.weight`, [intermediate, hidden]],
      [`${at}mlp.up_proj.weight`, [intermediate, hidden]],
      [`${at}post_attention_layernorm.weight`, [hidden]],
      [`${at}self_attn.k_proj.weight`, [kv, hidden]],
      [`${at}self_attn.o_proj.weight`, [hidden, hidden]],
      [`${at}self_attn.q_proj.weight`, [hidden, hidden]],
      [`${at}self_attn.v_proj.weight`, [kv, hidden]],
    ]
  }
  return [
    ['model.embed_tokens.weight', [vocab, hidden]],
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
    ['model.norm.weight', [hidden]],
  ]
}

export const elementsOf = (sizes: Sizes): number =>
  shapesOf(sizes).reduce((sum, [, shape]) => sum + shape.reduce((product, size) => product * size, 1), 0)

/** The header of a safetensors file of bf16, and how long the file is. */
function headerOf(sizes: Sizes): { header: Uint8Array; size: number } {
  let at = 0
  const entries = shapesOf(sizes).map(([name, shape]) => {
    const begin = at
    at += shape.reduce((product, length) => product * length, 2)
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, at] }] as const
  })
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const header = new Uint8Array(8 + text.length)
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true)
  header.set(text, 8)
  return { header, size: header.length + at }
}

/** Small numbers of bf16 that differ from place to place: byte `i` of the file. */
const byteAt = (i: number): number => (i % 2 === 1 ? 0x3c : (Math.imul(i, 2654435761) >>> 24) & 0xff)

/** Weights of these sizes, made where they are read. `hashed`: with their true SHA-256, which takes a pass over all. */
export function syntheticWeights(sizes: Sizes, { hashed = false } = {}): Synthetic {
  const { header, size } = headerOf(sizes)
  const read = (begin: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - begin)
    for (let i = begin; i < end; i++) bytes[i - begin] = header[i] ?? byteAt(i)
    return bytes
  }
  return { size, sha256: hashed ? sha256Of(size, read) : 'f'.repeat(64), read }
}

export function sha256Of(size: number, read: (begin: number, end: number) => Uint8Array): string {
  const hash = createHash('sha256')
  const piece = 1 << 20
  for (let at = 0; at < size; at += piece) hash.update(read(at, Math.min(size, at + piece)))
  return hash.digest('hex')
}
