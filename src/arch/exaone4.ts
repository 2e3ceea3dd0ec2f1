import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { parseDecoder, parseLayerTypes, parseOptional, windowBy } from './common.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { recordPostNormed } from './olmo2.ts'
import { parseRope } from './rope.ts'

/** `sliding_window_pattern`: every so many layers one sees all; of letters (`LLLG`), G does. */
function slidingLayers(config: ConfigReader, window: number | null): boolean[] {
  const layers = config.count('num_hidden_layers')
  if (window === null) return parseLayerTypes(config, layers, () => false)
  const pattern = config.get('sliding_window_pattern') ?? 4
  if (typeof pattern === 'string' && pattern !== '')
    return parseLayerTypes(config, layers, (n) => pattern[n % pattern.length] !== 'G')
  const every = config.count('sliding_window_pattern', { fallback: 4 })
  return parseLayerTypes(config, layers, (n) => (n + 1) % every !== 0)
}

/** EXAONE 4 (LG AI Research 2025): norms behind the blocks and over each head; with a window, layers that see all do not rotate. */
export const exaone4 = architecture({
  tensors: LLAMA_TENSORS,

  parse(config) {
    const window = parseOptional(config, 'sliding_window', 4096)
    const isSliding = slidingLayers(config, window)
    const decoder = parseDecoder(config, {
      positions: 2048,
      bos: [0],
      eos: [2],
      norm: { eps: 1e-5 },
      kvHeads: { fallback: 32 },
      rope: (headDim, trained) => {
        const table = parseRope(config, headDim, trained)
        return (layer) => (window === null || isSliding[layer] === true ? table : null)
      },
    })
    return { ...decoder, window: windowBy(isSliding, window) }
  },

  record: (p, s) => recordPostNormed(p, s, { qkNorm: { norm: s.norm } }),
})
