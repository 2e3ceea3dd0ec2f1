import { architecture } from './architecture.ts'
import { attention, gatedMlp } from './blocks.ts'
import { parseDecoder, parseLayerTypes, windowBy } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'

/** Qwen3 (Yang et al. 2025): the Llama body with a norm over each query and key head before they turn. */
export const qwen3 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const decoder = parseDecoder(config, { positions: 32_768, bos: [], eos: [], headDim: 128 })
    const bias = config.flag('attention_bias', false)
    const uses = config.flag('use_sliding_window', false)
    const window = uses ? config.count('sliding_window', { fallback: 4096 }) : null
    const first = config.count('max_window_layers', { fallback: 28, min: 0 })
    const isSliding = parseLayerTypes(config, decoder.layers, (n) => n >= first)
    return { ...decoder, bias: { qkv: bias, o: bias, mlp: false }, window: windowBy(isSliding, window) }
  },

  record(p, s) {
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { qkNorm: { norm: s.norm } }))
      x = p.add('resid', x, gatedMlp(p, s, p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
  },
})
