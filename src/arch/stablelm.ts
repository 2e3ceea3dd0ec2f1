import { architecture } from './architecture.ts'
import { attention, gatedMlp, type QkNormOptions } from './blocks.ts'
import { always, parseDecoder } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRope } from './rope.ts'

const QK_NORMS = { q: 'self_attn.q_layernorm', k: 'self_attn.k_layernorm' }

/** StableLM 2 (Bellagente et al. 2024): LayerNorm, a quarter of each head turned; the larger ones norm heads and run blocks side by side. */
export const stablelm = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 4096,
      bos: [0],
      eos: [0],
      norm: { kind: 'layer_norm', eps: 1e-5 },
      kvHeads: { fallback: 32 },
      rope: (headDim, trained) => always(parseRope(config, headDim, trained, { partial: 0.25 })),
    })
    return {
      ...decoder,
      bias: { qkv: config.flag('use_qkv_bias', false), o: false, mlp: false },
      normsQk: config.flag('qk_layernorm', false),
      isParallel: config.flag('use_parallel_residual', false),
    }
  },

  record(p, s) {
    const perHead: QkNormOptions = { norm: { ...s.norm, biased: false }, over: 'own', tensors: QK_NORMS }
    const qkNorm = s.normsQk ? perHead : null
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { qkNorm }))
      const g = s.isParallel ? h : p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
      x = p.add('resid', x, gatedMlp(p, s, g))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
  },
})
