import { architecture } from './architecture.ts'
import { attention, groupedQkv, plainMlp } from './blocks.ts'
import { always, ANY_ACTIVATION, parseDecoder } from './common.ts'
import { parseRope } from './rope.ts'

/** GPT-NeoX (Black et al. 2022) and Pythia: q, k and v of a head side by side, blocks that both read the layer's input. */
export const gptNeox = architecture({
  tensors: {
    prefixes: ['gpt_neox.', ''],
    probe: 'final_layer_norm.weight',
    heads: ['embed_out.weight', 'lm_head.weight'],
  },

  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 2048,
      bos: [0],
      eos: [2],
      norm: { kind: 'layer_norm', eps: 1e-5 },
      kvHeads: { fixed: 'heads' },
      activation: { field: 'hidden_act', fallback: 'gelu', allowed: ANY_ACTIVATION },
      rope: (headDim, trained) =>
        always(
          parseRope(config, headDim, trained, {
            theta: config.positive('rotary_emb_base', 10_000),
            partial: config.positive('rotary_pct', 0.25),
          }),
        ),
    })
    const bias = config.flag('attention_bias', true)
    return {
      ...decoder,
      bias: { qkv: bias, o: bias, mlp: true },
      isParallel: config.flag('use_parallel_residual', true),
    }
  },

  record(p, s) {
    const projections = groupedQkv('attention.query_key_value', s)
    const embed = p.embed('embed_in.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const input = x
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { projections, output: 'attention.dense' }))
      const g = p.norm('mlp_norm', s.isParallel ? input : x, 'post_attention_layernorm', s.norm)
      x = p.add('resid', x, plainMlp(p, s, g, { up: 'mlp.dense_h_to_4h', down: 'mlp.dense_4h_to_h' }))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'final_layer_norm', s.norm))
  },
})
