import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp, type AttentionOptions } from './blocks.ts'
import { parseDecoder, parseLayerTypes, parseOptional, windowBy, type DecoderDefaults } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

export interface GemmaSpec extends DecoderSpec {
  /** c of c·tanh(s / c) on attention scores and on logits. */
  readonly softcaps: { readonly scores: number | null; readonly logits: number | null }
}

/** What the configs of Gemma 2 and 3 share. Norms store w − 1; queries are scaled by a number of their own. */
export function parseGemma(
  config: ConfigReader,
  defaults: Pick<DecoderDefaults, 'positions' | 'rope'> & { scores: number | null; logits: number | null },
): GemmaSpec {
  const field = config.get('hidden_activation') === undefined ? 'hidden_act' : 'hidden_activation'
  const decoder = parseDecoder(config, {
    ...defaults,
    bos: [2],
    eos: [1],
    tied: true,
    headDim: 256,
    activation: { field, fallback: 'gelu_pytorch_tanh', allowed: ['gelu_tanh', 'gelu', 'silu'] },
  })
  const bias = config.flag('attention_bias', false)
  return {
    ...decoder,
    norm: { ...decoder.norm, offset: 1 },
    attentionScale: 1 / Math.sqrt(config.positive('query_pre_attn_scalar', 256)),
    bias: { qkv: bias, o: bias, mlp: false },
    softcaps: {
      scores: parseOptional(config, 'attn_logit_softcapping', defaults.scores),
      logits: parseOptional(config, 'final_logit_softcapping', defaults.logits),
    },
  }
}

/** Gemma 2 (Gemma Team 2024): a norm before and behind each block, scores and logits softly capped, embeddings scaled by √hidden. */
export function recordGemma(p: ModelRecorder, s: GemmaSpec, options: AttentionOptions = {}): void {
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden], { scale: Math.sqrt(s.hidden) })
  let x = embed
  for (const _ of p.layers(s.layers, 'layers')) {
    const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
    const attended = attention(p, s, h, { ...options, softcap: s.softcaps.scores })
    x = p.add('resid_attn', x, p.norm('attn_post_norm', attended, 'post_attention_layernorm', s.norm))
    const mlp = gatedMlp(p, s, p.norm('mlp_norm', x, 'pre_feedforward_layernorm', s.norm))
    x = p.add('resid', x, p.norm('mlp_post_norm', mlp, 'post_feedforward_layernorm', s.norm))
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm), { softcap: s.softcaps.logits })
}

export const gemma2 = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const gemma = parseGemma(config, { positions: 8192, scores: 50, logits: 30 })
    const isSliding = parseLayerTypes(config, gemma.layers, (n) => n % 2 === 0)
    return { ...gemma, window: windowBy(isSliding, parseOptional(config, 'sliding_window', 4096)) }
  },
  record: recordGemma,
})
