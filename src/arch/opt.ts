import { LIMITS } from '../formats/configReader.ts'
import type { Step } from '../program/step.ts'
import { architecture } from './architecture.ts'
import { attention, plainMlp } from './blocks.ts'
import { always, ANY_ACTIVATION, parseDecoder } from './common.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

interface OptSpec extends DecoderSpec {
  /** Width of the embedding, which the smallest but one narrows. */
  readonly narrow: number
  readonly normsBefore: boolean
  readonly normsLast: boolean
}

/** Positions begin at row 2 of their table. */
const FIRST = 2

/** The tokens' embedding, widened where it is narrow, plus positions; the table first. */
function recordEmbedding(p: ModelRecorder, s: OptSpec): { table: Step; x: Step } {
  const positions = { tensor: 'embed_positions.weight', count: s.maxPositions, first: FIRST }
  if (s.narrow === s.hidden) {
    const x = p.embed('embed_tokens.weight', [s.vocab, s.hidden], { positions })
    return { table: x, x }
  }
  const table = p.embed('embed_tokens.weight', [s.vocab, s.narrow], { name: 'embed_tokens' })
  return { table, x: p.positions('embed', p.linear('project_in', table, 'project_in', s.hidden), positions) }
}

/** OPT (Zhang et al. 2022): learned positions, LayerNorm before the blocks, or, of one size, over their sums. */
export const opt = architecture({
  tensors: { prefixes: ['model.decoder.', 'decoder.', ''], probe: 'embed_positions.weight' },

  parse(config): OptSpec {
    if (!config.flag('layer_norm_elementwise_affine', true))
      throw config.fail('layer_norm_elementwise_affine', 'true', 'unsupported')
    const decoder = parseDecoder(config, {
      positions: 2048,
      bos: [2],
      eos: [2],
      tied: true,
      norm: { kind: 'layer_norm', field: 'layer_norm_eps', eps: 1e-5 },
      activation: { field: 'activation_function', fallback: 'relu', allowed: ANY_ACTIVATION },
      intermediate: { field: 'ffn_dim', fallback: 3072 },
      kvHeads: { fixed: 'heads' },
      rope: () => always(null),
    })
    const bias = config.flag('enable_bias', true)
    const normsBefore = config.flag('do_layer_norm_before', true)
    return {
      ...decoder,
      bias: { qkv: bias, o: bias, mlp: bias },
      narrow: config.count('word_embed_proj_dim', { fallback: decoder.hidden, max: LIMITS.width }),
      normsBefore,
      normsLast: normsBefore && !config.flag('_remove_final_layer_norm', false),
    }
  },

  record(p, s) {
    const { table, x: embed } = recordEmbedding(p, s)
    const mlp = (h: Step): Step => plainMlp(p, s, h, { up: 'fc1', down: 'fc2' })
    let x = embed
    for (const _ of p.layers(s.layers, 'layers')) {
      const first = (h: Step, name: string): Step => p.norm(name, h, 'self_attn_layer_norm', s.norm)
      const second = (h: Step, name: string): Step => p.norm(name, h, 'final_layer_norm', s.norm)
      const h = s.normsBefore ? first(x, 'attn_norm') : x
      x = p.add('resid_attn', x, attention(p, s, h, { output: 'self_attn.out_proj' }))
      if (!s.normsBefore) x = first(x, 'attn_post_norm')
      x = p.add('resid', x, mlp(s.normsBefore ? second(x, 'mlp_norm') : x))
      if (!s.normsBefore) x = second(x, 'mlp_post_norm')
    }
    p.logits(table, s.vocab, () => {
      const last = s.normsLast ? p.norm('final_norm', x, 'final_layer_norm', s.norm) : x
      return s.narrow === s.hidden ? last : p.linear('project_out', last, 'project_out', s.narrow)
    })
  },
})
