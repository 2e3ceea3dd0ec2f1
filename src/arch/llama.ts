import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp, type AttentionOptions } from './blocks.ts'
import { parseDecoder, parseLayerTypes, windowBy } from './common.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

/** Where the tensors of the Llama family are. */
export const LLAMA_TENSORS = { prefixes: ['model.', ''], probe: 'norm.weight' } as const

export interface LlamaSpec extends DecoderSpec {
  readonly positionScale?: AttentionOptions['positionScale'] | undefined
}

/** Llama (Touvron et al. 2023): RMSNorm, rotary positions, grouped heads and a SiLU-gated MLP. */
export function recordLlama(p: ModelRecorder, s: LlamaSpec): void {
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
  let x = embed
  for (const _ of p.layers(s.layers, 'layers')) {
    const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
    x = p.add('resid_attn', x, attention(p, s, h, { positionScale: s.positionScale }))
    x = p.add('resid', x, gatedMlp(p, s, p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)))
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
}

function parseLlama(config: ConfigReader): DecoderSpec {
  const attention = config.flag('attention_bias', false)
  return {
    ...parseDecoder(config, { positions: 2048, bos: [1], eos: [2] }),
    bias: { qkv: attention, o: attention, mlp: config.flag('mlp_bias', false) },
  }
}

function parseMistral(config: ConfigReader): DecoderSpec {
  // Null turns the window off; only an absent field takes the class default.
  const windowless = config.has('sliding_window') && config.get('sliding_window') === undefined
  const window = windowless ? null : config.count('sliding_window', { fallback: 4096 })
  return { ...parseDecoder(config, { positions: 131_072, bos: [1], eos: [2] }), window: () => window }
}

/** Qwen2 and Qwen2.5: biases on q, k and v; a window on the upper layers where the config turns it on. */
function parseQwen2(config: ConfigReader): DecoderSpec {
  const decoder = parseDecoder(config, { positions: 32_768, bos: [], eos: [] })
  const uses = config.flag('use_sliding_window', false)
  const window = uses ? config.count('sliding_window', { fallback: 4096 }) : null
  const first = config.count('max_window_layers', { fallback: 28, min: 0 })
  const isSliding = parseLayerTypes(config, decoder.layers, (n) => n >= first)
  return { ...decoder, bias: { qkv: true, o: false, mlp: false }, window: windowBy(isSliding, window) }
}

/** Llama 1 to 3, SmolLM and SmolLM2, TinyLlama and every other model of this type. */
export const llama = architecture({
  tensors: LLAMA_TENSORS,
  parse: parseLlama,
  record: recordLlama,
})

export const mistral = architecture({
  tensors: LLAMA_TENSORS,
  parse: parseMistral,
  record: recordLlama,
})

export const qwen2 = architecture({
  tensors: LLAMA_TENSORS,
  parse: parseQwen2,
  record: recordLlama,
})
