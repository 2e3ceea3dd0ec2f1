import type { ConfigReader } from '../formats/configReader.ts'
import type { Step } from '../program/step.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp } from './blocks.ts'
import { parseDecoder, type DecoderDefaults } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

export interface GraniteSpec extends DecoderSpec {
  /** Factors on embeddings, on what a block adds to the stream, and on logits. */
  readonly multipliers: { readonly embedding: number; readonly residual: number; readonly logits: number }
  /** Norms on what the blocks give (HyperCLOVA X). */
  readonly postNorm: boolean
  /** Tensors of an MLP whose gate and up are one. */
  readonly fusedMlp: { readonly fused: string; readonly down: string } | null
}

/** Fields that Granite and HyperCLOVA X share; a factor on scores replaces 1/√headDim. */
export function parseGranite(config: ConfigReader, defaults: Partial<DecoderDefaults> = {}): GraniteSpec {
  const decoder = parseDecoder(config, { positions: 2048, bos: [1], eos: [2], ...defaults })
  const attention = config.flag('attention_bias', false)
  return {
    ...decoder,
    attentionScale: config.positive('attention_multiplier', 1),
    bias: { qkv: attention, o: attention, mlp: config.flag('mlp_bias', false) },
    multipliers: {
      embedding: config.positive('embedding_multiplier', 1),
      residual: config.positive('residual_multiplier', 1),
      logits: 1 / config.positive('logits_scaling', 1),
    },
    postNorm: false,
    fusedMlp: null,
  }
}

/** Granite (IBM 2024): Llama with factors on embeddings, scores, residual additions and logits. */
export function recordGranite(
  p: ModelRecorder,
  s: GraniteSpec,
  mlp = (h: Step): Step => gatedMlp(p, s, h, s.fusedMlp ?? {}),
): void {
  const { embedding, residual, logits } = s.multipliers
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden], { scale: embedding })
  let x = embed
  const normed = (name: string, block: Step, tensor: string): Step =>
    s.postNorm ? p.norm(name, block, tensor, s.norm) : block
  for (const _ of p.layers(s.layers, 'layers')) {
    const attended = attention(p, s, p.norm('attn_norm', x, 'input_layernorm', s.norm))
    x = p.add('resid_attn', x, normed('attn_post_norm', attended, 'post_norm1'), residual)
    const h = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
    x = p.add('resid', x, normed('mlp_post_norm', mlp(h), 'post_norm2'), residual)
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm), { scale: logits })
}

export const granite = architecture({
  tensors: LLAMA_TENSORS,
  parse: (config) => parseGranite(config),
  record: recordGranite,
})

/** HyperCLOVA X (NAVER 2025): Granite's factors, logits multiplied, norms behind the blocks too. */
export const hyperclovax = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const spec = parseGranite(config)
    return {
      ...spec,
      attentionScale: config.positive('attention_multiplier', 1 / Math.sqrt(spec.headDim)),
      multipliers: { ...spec.multipliers, logits: config.positive('logits_scaling', 1) },
      postNorm: config.flag('use_post_norm', true),
    }
  },
  record: recordGranite,
})
