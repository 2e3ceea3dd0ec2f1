import type { TensorInfo } from '../formats/tensors.ts'
import type { DecoderSpec, DecoderWeights, LayerWeights, LinearRef } from './spec.ts'
import {
  architectureName,
  parseActivation,
  parseEmbedAndHead,
  parseHeads,
  parseRope,
  parseSpecialIds,
  type Architecture,
  type WeightFields,
} from './common.ts'
import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import { TensorTable } from './tensorTable.ts'

/** Where members of the Llama family differ. Defaults are those of the Transformers config class. */
export interface LlamaTraits {
  bias: { qkv: boolean; o: boolean; mlp: boolean }
  slidingWindow: number | null
  defaults: { positions: number; bos: readonly number[]; eos: readonly number[] }
}

/** Rotary tables that old checkpoints stored beside the parameters. */
const BUFFERS = /\.rotary_emb\.inv_freq$/

type Sizes = Pick<DecoderSpec, 'hidden' | 'heads' | 'kvHeads' | 'headDim' | 'intermediate'>

function layerWeights(table: TensorTable, n: number, sizes: Sizes, bias: LlamaTraits['bias']): LayerWeights {
  const { hidden, heads, kvHeads, headDim, intermediate } = sizes
  const linear = (name: string, out: number, inner: number, hasBias: boolean): LinearRef => ({
    weight: table.matrix(`layers.${n}.${name}.weight`, [out, inner]),
    bias: hasBias ? table.vector(`layers.${n}.${name}.bias`, out) : null,
  })
  const norm = (name: string) => ({ weight: table.vector(`layers.${n}.${name}.weight`, hidden), bias: null })
  return {
    inputNorm: norm('input_layernorm'),
    q: linear('self_attn.q_proj', heads * headDim, hidden, bias.qkv),
    k: linear('self_attn.k_proj', kvHeads * headDim, hidden, bias.qkv),
    v: linear('self_attn.v_proj', kvHeads * headDim, hidden, bias.qkv),
    o: linear('self_attn.o_proj', hidden, heads * headDim, bias.o),
    postNorm: norm('post_attention_layernorm'),
    gate: linear('mlp.gate_proj', intermediate, hidden, bias.mlp),
    up: linear('mlp.up_proj', intermediate, hidden, bias.mlp),
    down: linear('mlp.down_proj', hidden, intermediate, bias.mlp),
  }
}

/** The weight map, and what the tensors alone tell. Remarks are added to `warnings`. */
function takeWeights(
  config: ConfigReader,
  tensors: ReadonlyMap<string, TensorInfo>,
  sizes: Sizes & Pick<DecoderSpec, 'layers' | 'vocab'>,
  bias: LlamaTraits['bias'],
  warnings: string[],
): WeightFields {
  const { hidden, layers, vocab } = sizes
  const table = new TensorTable(tensors, ['model.', ''], 'norm.weight')
  const embedding = { embed: 'embed_tokens.weight', shape: [vocab, hidden], tiedByDefault: false } as const
  const { embed, head, tiedHead } = parseEmbedAndHead(config, table, embedding, warnings)
  const weights: DecoderWeights = {
    embed,
    positions: null,
    layers: Array.from({ length: layers }, (_, n) => layerWeights(table, n, sizes, bias)),
    finalNorm: { weight: table.vector('norm.weight', hidden), bias: null },
    head: { weight: head, bias: null },
  }
  return { weights, tiedHead, ...table.summary(BUFFERS, warnings) }
}

/** RMSNorm, rotary positions, grouped heads and a SiLU-gated MLP: the body that Llama, Mistral and Qwen2 share. */
export function parseLlamaFamily(
  config: ConfigReader,
  tensors: ReadonlyMap<string, TensorInfo>,
  traits: LlamaTraits,
): DecoderSpec {
  const warnings: string[] = []
  const hidden = config.count('hidden_size', { max: LIMITS.width })
  const layers = config.count('num_hidden_layers', { max: LIMITS.layers })
  const vocab = config.count('vocab_size', { max: LIMITS.vocab })
  const intermediate = config.count('intermediate_size', { max: LIMITS.width })
  const sizes: Sizes = { hidden, intermediate, ...parseHeads(config, hidden) }
  const eps = config.positive('rms_norm_eps', 1e-6)
  const activation = parseActivation(config, 'hidden_act', 'silu', ['silu'])
  const ids = parseSpecialIds(config, vocab, traits.defaults, warnings)
  const trained = config.count('max_position_embeddings', { fallback: traits.defaults.positions })
  const positions = parseRope(config, sizes.headDim, trained)
  const window = traits.slidingWindow
  if (window !== null && window < trained) {
    warnings.push(
      `The context is limited to the attention window of ${window} positions (the config allows ${trained}).`,
    )
  }

  return {
    architecture: architectureName(config),
    modelType: config.text('model_type'),
    layers,
    vocab,
    ...sizes,
    maxPositions: Math.min(trained, window ?? trained),
    norm: { kind: 'rms', eps },
    activation,
    gated: true,
    positions,
    attentionScale: 1 / Math.sqrt(sizes.headDim),
    embedScale: 1,
    slidingWindow: window,
    ...ids,
    ...takeWeights(config, tensors, { ...sizes, layers, vocab }, traits.bias, warnings),
    warnings,
  }
}

function parseLlama(config: ConfigReader, tensors: ReadonlyMap<string, TensorInfo>): DecoderSpec {
  const attention = config.flag('attention_bias', false)
  return parseLlamaFamily(config, tensors, {
    bias: { qkv: attention, o: attention, mlp: config.flag('mlp_bias', false) },
    slidingWindow: null,
    defaults: { positions: 2048, bos: [1], eos: [2] },
  })
}

function parseMistral(config: ConfigReader, tensors: ReadonlyMap<string, TensorInfo>): DecoderSpec {
  // Null turns the window off; only an absent field takes the class default.
  const windowless = config.has('sliding_window') && config.get('sliding_window') === undefined
  return parseLlamaFamily(config, tensors, {
    bias: { qkv: false, o: false, mlp: false },
    slidingWindow: windowless ? null : config.count('sliding_window', { fallback: 4096 }),
    defaults: { positions: 131_072, bos: [1], eos: [2] },
  })
}

/** Llama 1 to 3, SmolLM and SmolLM2, TinyLlama and every other model of this type. */
export const llama: Architecture = { modelTypes: ['llama'], parse: parseLlama }

export const mistral: Architecture = { modelTypes: ['mistral'], parse: parseMistral }
