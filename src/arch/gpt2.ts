import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { ANY_ACTIVATION, architectureName, parseActivation, parseSpecialIds, parseTied } from './common.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

const END_OF_TEXT = 50_256

interface Gpt2Spec extends DecoderSpec {
  /** Scores of layer n are divided by n + 1. */
  readonly scalesByLayer: boolean
}

function parseGpt2(config: ConfigReader): Gpt2Spec {
  const warnings: string[] = []
  if (config.flag('add_cross_attention', false))
    throw config.fail('add_cross_attention', 'false', 'unsupported')
  const hidden = config.count('n_embd', { fallback: 768, max: LIMITS.width })
  const heads = config.count('n_head', { fallback: 12, max: LIMITS.heads })
  if (hidden % heads !== 0) throw config.fail('n_head', `a divisor of n_embd (${hidden})`)
  const headDim = hidden / heads
  const vocab = config.count('vocab_size', { fallback: 50_257, max: LIMITS.vocab })
  return {
    architecture: architectureName(config),
    modelType: 'gpt2',
    layers: config.count('n_layer', { fallback: 12, max: LIMITS.layers }),
    hidden,
    heads,
    kvHeads: heads,
    headDim,
    intermediate: config.count('n_inner', { fallback: 4 * hidden, max: 4 * LIMITS.width }),
    vocab,
    maxPositions: config.count('n_positions', { fallback: 1024, max: LIMITS.vocab }),
    norm: { kind: 'layer_norm', eps: config.positive('layer_norm_epsilon', 1e-5), offset: 0, biased: true },
    activation: parseActivation(config, 'activation_function', 'gelu_new', ANY_ACTIVATION),
    attentionScale: config.flag('scale_attn_weights', true) ? 1 / Math.sqrt(headDim) : 1,
    scalesByLayer: config.flag('scale_attn_by_inverse_layer_idx', false),
    rope: () => null,
    window: () => null,
    bias: { qkv: true, o: true, mlp: true },
    tied: parseTied(config, true),
    ...parseSpecialIds(config, vocab, { bos: [END_OF_TEXT], eos: [END_OF_TEXT] }, warnings),
    warnings,
  }
}

/** GPT-2 (Radford et al. 2019): LayerNorm, learned positions, q, k and v in one Conv1D (stored `[in, out]`), a plain GELU MLP. */
function recordGpt2(p: ModelRecorder, s: Gpt2Spec): void {
  const { hidden, heads, headDim, intermediate } = s
  const conv = { bias: true, layout: 'in_out' } as const
  const embed = p.embed('wte.weight', [s.vocab, hidden], {
    positions: { tensor: 'wpe.weight', count: s.maxPositions },
  })
  let x = embed
  for (const n of p.layers(s.layers, 'h')) {
    const h = p.norm('attn_norm', x, 'ln_1', s.norm)
    const [q, k, v] = (['q', 'k', 'v'] as const).map((name, i) =>
      p.linear(`attn.${name}`, h, 'attn.c_attn', hidden, {
        ...conv,
        heads,
        part: { begin: i * hidden, of: 3 * hidden },
      }),
    ) as [typeof h, typeof h, typeof h]
    const scale = s.attentionScale / (s.scalesByLayer ? n + 1 : 1)
    const attrs = { heads, kvHeads: heads, headDim, scale, softcap: null, window: null }
    x = p.add('resid_attn', x, p.linear('attn.o', p.attend(q, k, v, attrs), 'attn.c_proj', hidden, conv))
    const up = p.linear('mlp.up', p.norm('mlp_norm', x, 'ln_2', s.norm), 'mlp.c_fc', intermediate, conv)
    x = p.add(
      'resid',
      x,
      p.linear('mlp.down', p.activation('mlp.act', up, s.activation), 'mlp.c_proj', hidden, conv),
    )
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'ln_f', s.norm))
}

export const gpt2 = architecture({
  tensors: { prefixes: ['transformer.', ''], probe: 'ln_f.weight' },
  parse: parseGpt2,
  record: recordGpt2,
})
