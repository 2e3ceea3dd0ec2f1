import { architecture } from './architecture.ts'
import { attention, gatedMlp } from './blocks.ts'
import { parseDecoder, parseLayerTypes, parseOptional, windowBy } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRope } from './rope.ts'

/** Command R7B and Tiny Aya (Cohere 2024): blocks side by side over one LayerNorm without bias; only layers with a window turn, in pairs of neighbours. */
export const cohere2 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const every = config.count('sliding_window_pattern', { fallback: 4 })
    const layers = config.count('num_hidden_layers')
    const isSliding = parseLayerTypes(config, layers, (n) => (n + 1) % every !== 0)
    const window = parseOptional(config, 'sliding_window', 4096)
    const decoder = parseDecoder(config, {
      positions: 8192,
      bos: [5],
      eos: [255_001],
      tied: true,
      norm: { kind: 'layer_norm', eps: 1e-5 },
      rope: (headDim, trained) => {
        const table = parseRope(config, headDim, trained)
        return (layer) => (window !== null && isSliding[layer] === true ? table : null)
      },
    })
    const bias = config.flag('attention_bias', false)
    return {
      ...decoder,
      norm: { ...decoder.norm, biased: false },
      bias: { qkv: bias, o: bias, mlp: false },
      window: windowBy(isSliding, window),
      logitScale: config.positive('logit_scale', 0.0625),
    }
  },

  record(p, s) {
    const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const h = p.norm('attn_norm', x, 'input_layernorm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { layout: 'interleaved' }))
      x = p.add('resid', x, gatedMlp(p, s, h))
    }
    const last = (): typeof x => p.norm('final_norm', x, 'norm', s.norm)
    p.logits(embed, s.vocab, last, { scale: s.logitScale })
  },
})
