import { architecture } from './architecture.ts'
import { attention, gatedMlp } from './blocks.ts'
import { always, parseDecoder } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRope } from './rope.ts'

/** GLM-4-0414 (GLM Team 2025): norms before and behind each block, half of each head turned in pairs of neighbours. */
export const glm4 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 131_072,
      bos: [],
      eos: [151_329, 151_336, 151_338],
      headDim: 128,
      norm: { eps: 1.5625e-7 },
      kvHeads: { fallback: 2 },
      rope: (headDim, trained) => always(parseRope(config, headDim, trained, { partial: 0.5 })),
    })
    return { ...decoder, bias: { qkv: config.flag('attention_bias', true), o: false, mlp: false } }
  },

  record(p, s) {
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      const attended = attention(p, s, h, { layout: 'interleaved' })
      x = p.add('resid_attn', x, p.norm('attn_post_norm', attended, 'post_self_attn_layernorm', s.norm))
      const g = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
      const mlp = gatedMlp(p, s, g, { fused: 'mlp.gate_up_proj' })
      x = p.add('resid', x, p.norm('mlp_post_norm', mlp, 'post_mlp_layernorm', s.norm))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
  },
})
