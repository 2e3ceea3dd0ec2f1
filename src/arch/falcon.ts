import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { attention, groupedQkv, plainMlp } from './blocks.ts'
import { ANY_ACTIVATION, parseDecoder, type DecoderDefaults } from './common.ts'
import type { DecoderSpec } from './spec.ts'

interface FalconSpec extends DecoderSpec {
  /** Norms before the blocks: one each side by side, one for both, or one after the other. */
  readonly norms: 'two' | 'one' | 'serial'
}

/** The new decoder has groups; the old one key for all heads, or one each. */
function groups(config: ConfigReader): NonNullable<DecoderDefaults['kvHeads']> {
  if (config.flag('new_decoder_architecture', false)) return { field: 'num_kv_heads' }
  return { fixed: config.flag('multi_query', true) ? 1 : 'heads' }
}

function normsOf(config: ConfigReader): FalconSpec['norms'] {
  const isNew = config.flag('new_decoder_architecture', false)
  if (!isNew && !config.flag('parallel_attn', true)) return 'serial'
  return isNew && config.count('num_ln_in_parallel_attn', { fallback: 2 }) === 2 ? 'two' : 'one'
}

/** Falcon (Almazrouei et al. 2023): q, k and v of a group in one matrix, blocks side by side in the larger models. */
export const falcon = architecture({
  tensors: { prefixes: ['transformer.', ''], probe: 'ln_f.weight' },

  parse(config): FalconSpec {
    if (config.flag('alibi', false)) throw config.fail('alibi', 'false', 'unsupported')
    const hidden = config.count('hidden_size')
    const decoder = parseDecoder(config, {
      positions: 2048,
      bos: [11],
      eos: [11],
      tied: true,
      norm: { kind: 'layer_norm', field: 'layer_norm_epsilon', eps: 1e-5 },
      activation: { field: 'activation', fallback: 'gelu', allowed: ANY_ACTIVATION },
      intermediate: { field: 'ffn_hidden_size', fallback: 4 * hidden },
      kvHeads: groups(config),
    })
    const bias = config.flag('bias', false)
    return { ...decoder, bias: { qkv: bias, o: bias, mlp: bias }, norms: normsOf(config) }
  },

  record(p, s) {
    const projections = groupedQkv('self_attention.query_key_value', s)
    const embed = p.embed('word_embeddings.weight', [s.vocab, s.hidden])
    let x = embed
    for (const _ of p.layers(s.layers, 'h')) {
      const input = x
      const first = s.norms === 'two' ? 'ln_attn' : 'input_layernorm'
      const h = p.norm('attn_norm', x, first, s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { projections, output: 'self_attention.dense' }))
      const mlpNorms = { two: ['ln_mlp', input], serial: ['post_attention_layernorm', x], one: null } as const
      const [tensor, read] = mlpNorms[s.norms] ?? []
      const g = tensor && read ? p.norm('mlp_norm', read, tensor, s.norm) : h
      x = p.add('resid', x, plainMlp(p, s, g, { up: 'mlp.dense_h_to_4h', down: 'mlp.dense_4h_to_h' }))
    }
    p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'ln_f', s.norm))
  },
})
