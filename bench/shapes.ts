import { llama } from '../src/arch/llama.ts'
import type { ModelDescription } from '../src/arch/spec.ts'
import { ConfigReader } from '../src/formats/configReader.ts'
import type { TensorInfo } from '../src/formats/tensors.ts'

/** Sizes of a published model; its weights are random here. */
export interface Shape {
  readonly name: string
  readonly hidden: number
  readonly intermediate: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly layers: number
}

export const SHAPES: readonly Shape[] = [
  { name: 'SmolLM2-135M', hidden: 576, intermediate: 1536, heads: 9, kvHeads: 3, headDim: 64, layers: 30 },
  { name: 'Llama-3.2-1B', hidden: 2048, intermediate: 8192, heads: 32, kvHeads: 8, headDim: 64, layers: 16 },
  { name: 'Qwen3-0.6B', hidden: 1024, intermediate: 3072, heads: 16, kvHeads: 8, headDim: 128, layers: 28 },
]

export function shapeNamed(name: string): Shape {
  const shape = SHAPES.find((candidate) => candidate.name === name)
  if (!shape) throw new Error(`no shape is named ${name}: ${SHAPES.map((s) => s.name).join(', ')}`)
  return shape
}

/** Tensors of a Llama checkpoint of a shape, its head tied: `[out, in]`. */
export function tensorShapes(shape: Shape, layers: number, vocab: number): Record<string, readonly number[]> {
  const { hidden, intermediate, heads, kvHeads, headDim } = shape
  const layer: Record<string, readonly number[]> = {
    input_layernorm: [hidden],
    'self_attn.q_proj': [heads * headDim, hidden],
    'self_attn.k_proj': [kvHeads * headDim, hidden],
    'self_attn.v_proj': [kvHeads * headDim, hidden],
    'self_attn.o_proj': [hidden, heads * headDim],
    post_attention_layernorm: [hidden],
    'mlp.gate_proj': [intermediate, hidden],
    'mlp.up_proj': [intermediate, hidden],
    'mlp.down_proj': [hidden, intermediate],
  }
  const inLayers = Array.from({ length: layers }, (_, n) =>
    Object.entries(layer).map(([name, size]) => [`model.layers.${n}.${name}.weight`, size] as const),
  )
  return Object.fromEntries([
    ['model.embed_tokens.weight', [vocab, hidden]],
    ['model.norm.weight', [hidden]],
    ...inLayers.flat(),
  ])
}

/** A Llama decoder of a shape with so many layers and a head over `vocab` tokens; nothing lies behind its tensors. */
export function llamaOf(shape: Shape, layers: number, vocab: number, context: number): ModelDescription {
  const tensors = Object.entries(tensorShapes(shape, layers, vocab)).map(
    ([name, size]): [string, TensorInfo] => [
      name,
      { name, dtype: 'F32', shape: size, file: 'random', begin: 0, end: 0 },
    ],
  )
  const config = configOf(shape, layers, vocab, context)
  return llama.open(new ConfigReader(config, shape.name), new Map(tensors))
}

/** The config.json of such a checkpoint. */
export function configOf(shape: Shape, layers: number, vocab: number, context: number) {
  return {
    model_type: 'llama',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: vocab,
    max_position_embeddings: context,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  }
}
