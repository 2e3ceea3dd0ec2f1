import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import type { AttentionOptions } from './blocks.ts'
import { always, parseDecoder, parseOptional } from './common.ts'
import { LLAMA_TENSORS, recordLlama, type LlamaSpec } from './llama.ts'
import { parseRope } from './rope.ts'

/** Queries are multiplied by 1 + β·ln(1 + ⌊position / context⌋). */
function growth(config: ConfigReader): AttentionOptions['positionScale'] {
  const rope = config.section('rope_parameters') ?? config.section('rope_scaling')
  const beta = rope?.get('llama_4_scaling_beta')
  if (!rope || beta === undefined || beta === 0) return null
  return {
    beta: rope.positive('llama_4_scaling_beta'),
    context: rope.count('original_max_position_embeddings'),
  }
}

/** Ministral 3 (Mistral AI 2025): Mistral with YaRN and queries that grow with each further context. */
export const ministral3 = architecture({
  tensors: LLAMA_TENSORS,
  parse(config): LlamaSpec {
    const rope = config.section('rope_parameters') ?? config.section('rope_scaling')
    if (!rope) throw config.fail('rope_parameters', 'the values of its rotation')
    const decoder = parseDecoder(config, {
      positions: 262_144,
      bos: [1],
      eos: [2],
      headDim: 128,
      norm: { eps: 1e-5 },
      kvHeads: { fallback: 8 },
      rope: (headDim, trained) => always(parseRope(config, headDim, trained)),
    })
    const window = parseOptional(config, 'sliding_window', null)
    return { ...decoder, window: () => window, positionScale: growth(config) }
  },
  record: recordLlama,
})
