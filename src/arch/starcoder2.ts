import { architecture } from './architecture.ts'
import { attention, plainMlp } from './blocks.ts'
import { ANY_ACTIVATION, parseDecoder, parseOptional } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'

/** StarCoder 2 (Lozhkov et al. 2024): LayerNorm, biases, a plain MLP and a window over rotated, grouped heads. */
export const starcoder2 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 4096,
      bos: [50_256],
      eos: [50_256],
      tied: true,
      norm: { kind: 'layer_norm', field: 'norm_epsilon', eps: 1e-5 },
      activation: { field: 'hidden_act', fallback: 'gelu_pytorch_tanh', allowed: ANY_ACTIVATION },
      kvHeads: { fallback: 2 },
    })
    const bias = config.flag('use_bias', true)
    const window = parseOptional(config, 'sliding_window', null)
    return { ...decoder, bias: { qkv: bias, o: bias, mlp: bias }, window: () => window }
  },

  record(p, s) {
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      x = p.add('resid_attn', x, attention(p, s, p.norm('attn_norm', x, 'input_layernorm', s.norm)))
      const h = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
      x = p.add('resid', x, plainMlp(p, s, h, { up: 'mlp.c_fc', down: 'mlp.c_proj' }))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
  },
})
