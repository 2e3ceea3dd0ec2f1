import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { parseDecoder, parseLayerTypes, parseOptional, windowBy } from './common.ts'
import { LLAMA_TENSORS, recordLlama } from './llama.ts'
import { parseRope } from './rope.ts'

/** Which layers turn: `no_rope_layers` holds 1 for those, or every so many do not. */
function turningLayers(config: ConfigReader, layers: number): boolean[] {
  if (config.get('no_rope_layers') === undefined) {
    const interval = config.count('no_rope_layer_interval', { fallback: 4 })
    return Array.from({ length: layers }, (_, n) => (n + 1) % interval !== 0)
  }
  const list = config.numbers('no_rope_layers')
  if (list.length < layers) throw config.fail('no_rope_layers', `0 or 1 for each of ${layers} layers`)
  return list.map((turns) => turns !== 0)
}

/** SmolLM3 (Bakouch et al. 2025): Llama in which every fourth layer sees no positions. */
export const smollm3 = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const layers = config.count('num_hidden_layers')
    const turns = turningLayers(config, layers)
    const decoder = parseDecoder(config, {
      positions: 32_768,
      bos: [128_000],
      eos: [128_001],
      tied: true,
      kvHeads: { fallback: 4 },
      rope: (headDim, trained) => {
        const table = parseRope(config, headDim, trained, { theta: 2_000_000 })
        return (layer) => (turns[layer] === true ? table : null)
      },
    })
    const attention = config.flag('attention_bias', false)
    const window = config.flag('use_sliding_window', false)
      ? parseOptional(config, 'sliding_window', null)
      : null
    const isSliding = parseLayerTypes(config, layers, (n) => turns[n] !== true)
    return {
      ...decoder,
      bias: { qkv: attention, o: attention, mlp: config.flag('mlp_bias', false) },
      window: windowBy(isSliding, window),
    }
  },
  record: recordLlama,
})
