import type { ConfigReader } from '../formats/configReader.ts'
import type { Activation, RopeTable } from '../program/attrs.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp, maskedLmHead, stackedQkv } from './blocks.ts'
import { ANY_ACTIVATION, parseActivation, parseDecoder, parseLayerTypes, windowBy } from './common.ts'
import { parseRopeSection } from './rope.ts'
import type { DecoderSpec } from './spec.ts'

interface ModernBertSpec extends DecoderSpec {
  readonly lmHead: { readonly activation: Activation; readonly dense: boolean; readonly decoder: boolean }
}

/** Rotations of local and of global layers. `rope_scaling` of the older spelling is for both. */
function ropes(config: ConfigReader, headDim: number, trained: number): (isLocal: boolean) => RopeTable {
  const nested = config.section('rope_parameters')
  const older = config.section('rope_scaling')
  const table = (type: string, field: string, fallback: number): RopeTable =>
    parseRopeSection(config, nested?.section(type) ?? older, {
      headDim,
      trained,
      theta: config.positive(field, fallback),
      byLayerType: true,
    })
  const local = table('sliding_attention', 'local_rope_theta', 10_000)
  const global = table('full_attention', 'global_rope_theta', 160_000)
  return (isLocal) => (isLocal ? local : global)
}

/** ModernBERT (Warner et al. 2024): norms before the blocks, rotation, a gated MLP; local layers see half a window on either side. */
export const modernBert = architecture({
  tensors: {
    prefixes: ['model.'],
    probe: 'embeddings.tok_embeddings.weight',
    heads: ['decoder.weight'],
    outside: ['head.', 'decoder.'],
  },

  parse(config): ModernBertSpec {
    const every = config.count('global_attn_every_n_layers', { fallback: 3 })
    const isLocal = parseLayerTypes(config, config.count('num_hidden_layers'), (n) => n % every !== 0)
    const decoder = parseDecoder(config, {
      task: 'fill-mask',
      positions: 8192,
      bos: [50_281],
      eos: [50_282],
      tied: true,
      norm: { kind: 'layer_norm', field: 'norm_eps', eps: 1e-5 },
      activation: { field: 'hidden_activation', fallback: 'gelu', allowed: ANY_ACTIVATION },
      kvHeads: { fixed: 'heads' },
      rope: (headDim, trained) => {
        const rope = ropes(config, headDim, trained)
        return (layer) => rope(isLocal[layer] === true)
      },
    })
    const bias = config.flag('attention_bias', false)
    const half = Math.floor(config.count('local_attention', { fallback: 128 }) / 2)
    return {
      ...decoder,
      norm: { ...decoder.norm, biased: config.flag('norm_bias', false) },
      bias: { qkv: bias, o: bias, mlp: config.flag('mlp_bias', false) },
      window: windowBy(isLocal, half + 1),
      lmHead: {
        activation: parseActivation(config, 'classifier_activation', 'gelu', ANY_ACTIVATION),
        dense: config.flag('classifier_bias', false),
        decoder: config.flag('decoder_bias', true),
      },
    }
  },

  record(p, s) {
    const projections = stackedQkv('attn.Wqkv', s)
    const embed = p.embed('embeddings.tok_embeddings.weight', [s.vocab, s.hidden])
    let x = p.norm('embed_norm', embed, 'embeddings.norm', s.norm)
    for (const n of p.layers(s.layers, 'layers')) {
      const h = n === 0 ? x : p.norm('attn_norm', x, 'attn_norm', s.norm)
      x = p.add('resid_attn', x, attention(p, s, h, { projections, output: 'attn.Wo' }))
      const g = p.norm('mlp_norm', x, 'mlp_norm', s.norm)
      x = p.add('resid', x, gatedMlp(p, s, g, { fused: 'mlp.Wi', down: 'mlp.Wo' }))
    }
    const { activation, dense, decoder } = s.lmHead
    const last = (): typeof x => {
      const names = { dense: 'head.dense', norm: 'head.norm', bias: dense, activation }
      return maskedLmHead(p, s, p.norm('final_norm', x, 'final_norm', s.norm), names)
    }
    p.logits(embed, s.vocab, last, { bias: decoder })
  },
})
