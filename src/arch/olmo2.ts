import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp, type AttentionOptions } from './blocks.ts'
import { parseDecoder, parseLayerTypes, parseOptional, windowBy, type DecoderDefaults } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { ModelRecorder } from './recorder.ts'
import { parseRopeByLayerType } from './rope.ts'
import type { DecoderSpec } from './spec.ts'

function parseOlmo(config: ConfigReader, rope?: DecoderDefaults['rope']): DecoderSpec {
  const defaults = { positions: 2048, bos: [], eos: [50_279], norm: { eps: 1e-5 } }
  const decoder = parseDecoder(config, rope ? { ...defaults, rope } : defaults)
  const bias = config.flag('attention_bias', false)
  return { ...decoder, bias: { qkv: bias, o: bias, mlp: false } }
}

/** What a block gives is normed before it joins the stream, what it takes is not (OLMo Team 2024). */
export function recordPostNormed(p: ModelRecorder, s: DecoderSpec, options: AttentionOptions): void {
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
  let x = embed
  for (const _ of p.layers(s.layers, 'layers')) {
    const attended = attention(p, s, x, options)
    x = p.add('resid_attn', x, p.norm('attn_post_norm', attended, 'post_attention_layernorm', s.norm))
    const mlp = gatedMlp(p, s, x)
    x = p.add('resid', x, p.norm('mlp_post_norm', mlp, 'post_feedforward_layernorm', s.norm))
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
}

/** Queries and keys are normed over their whole width, before they are cut into heads. */
const recordOlmo = (p: ModelRecorder, s: DecoderSpec): void =>
  recordPostNormed(p, s, { qkNorm: { norm: s.norm, over: 'row' } })

/** OLMo 2 (OLMo Team 2024). */
export const olmo2 = architecture({
  tensors: LLAMA_TENSORS,
  parse: (config) => parseOlmo(config),
  record: recordOlmo,
})

/** OLMo 3 (OLMo Team 2025): three layers with a window to each that sees all, the only one whose rotation is scaled. */
export const olmo3 = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const isSliding = parseLayerTypes(config, config.count('num_hidden_layers'), (n) => (n + 1) % 4 !== 0)
    const olmo = parseOlmo(config, (headDim, trained) => {
      const theta = config.positive('rope_theta', 500_000)
      const { local, global } = parseRopeByLayerType(
        config,
        { headDim, trained },
        { local: theta, global: theta },
      )
      return (layer) => (isSliding[layer] === true ? local : global)
    })
    return { ...olmo, window: windowBy(isSliding, parseOptional(config, 'sliding_window', 4096)) }
  },
  record: recordOlmo,
})
