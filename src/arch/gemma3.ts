import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { parseLayerTypes, parseOptional, windowBy } from './common.ts'
import { parseGemma, recordGemma } from './gemma2.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRopeByLayerType } from './rope.ts'

const LAYERS = 'num_hidden_layers'

/** Five windows to one full layer, where a config does not list its layers. */
function slidingLayers(config: ConfigReader): boolean[] {
  const field =
    config.get('_sliding_window_pattern') === undefined ? 'sliding_window_pattern' : '_sliding_window_pattern'
  const pattern = config.count(field, { fallback: 6 })
  return parseLayerTypes(config, config.count(LAYERS), (n) => (n + 1) % pattern !== 0)
}

/** Gemma 3 (Gemma Team 2025), text: Gemma 2 with normed queries and keys instead of soft caps, and a rotation by kind of layer. */
export const gemma3 = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const isSliding = slidingLayers(config)
    const gemma = parseGemma(config, {
      positions: 131_072,
      scores: null,
      logits: null,
      rope: (headDim, trained) => {
        const { local, global } = parseRopeByLayerType(
          config,
          { headDim, trained },
          {
            local: config.positive('rope_local_base_freq', 10_000),
            global: config.positive('rope_theta', 1_000_000),
          },
        )
        return (layer) => (isSliding[layer] === true ? local : global)
      },
    })
    return { ...gemma, window: windowBy(isSliding, parseOptional(config, 'sliding_window', 4096)) }
  },
  record: (p, s) => recordGemma(p, s, { qkNorm: { norm: s.norm } }),
})
