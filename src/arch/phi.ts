import { architecture } from './architecture.ts'
import { attention, plainMlp } from './blocks.ts'
import { always, ANY_ACTIVATION, parseDecoder } from './common.ts'
import { parseRope } from './rope.ts'

const QK_NORMS = { q: 'self_attn.q_layernorm', k: 'self_attn.k_layernorm' }

/** Phi-1, 1.5 and 2 (Li et al. 2023): attention and MLP side by side over one norm, biases everywhere. */
export const phi = architecture({
  tensors: { prefixes: ['model.', ''], probe: 'final_layernorm.weight' },

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 2048,
      bos: [1],
      eos: [2],
      norm: { kind: 'layer_norm', eps: 1e-5 },
      activation: { field: 'hidden_act', fallback: 'gelu_new', allowed: ANY_ACTIVATION },
      rope: (headDim, trained) => always(parseRope(config, headDim, trained, { partial: 0.5 })),
    })
    const bias = { qkv: true, o: true, mlp: true }
    return { ...decoder, bias, normsQk: config.flag('qk_layernorm', false) }
  },

  record(p, s) {
    const qkNorm = s.normsQk ? { norm: s.norm, tensors: QK_NORMS } : null
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { qkNorm, output: 'self_attn.dense' }))
      x = p.add('resid', x, plainMlp(p, s, h, { up: 'mlp.fc1', down: 'mlp.fc2' }))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'final_layernorm', s.norm), { bias: true })
  },
})
