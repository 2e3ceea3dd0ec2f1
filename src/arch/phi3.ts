import { architecture } from './architecture.ts'
import { attention, gatedMlp, stackedQkv } from './blocks.ts'
import { always, parseDecoder, parseOptional } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRope } from './rope.ts'

/** Phi-3, Phi-3.5 and Phi-4-mini (Abdin et al. 2024): Llama with q, k and v in one matrix, gate and up in another, and LongRoPE. */
export const phi3 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 4096,
      bos: [1],
      eos: [32_000],
      norm: { eps: 1e-5 },
      // The first files called it `su`, and some `yarn`.
      rope: (headDim, trained) =>
        always(
          parseRope(config, headDim, trained, { partial: 1, kinds: { su: 'longrope', yarn: 'longrope' } }),
        ),
    })
    const window = parseOptional(config, 'sliding_window', null)
    return { ...decoder, window: () => window }
  },

  record(p, s) {
    const projections = stackedQkv('self_attn.qkv_proj', s)
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { projections }))
      const g = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
      x = p.add('resid', x, gatedMlp(p, s, g, { fused: 'mlp.gate_up_proj' }))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
  },
})
