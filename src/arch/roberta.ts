import { architecture } from './architecture.ts'
import { BERT_NAMES, parseBert, recordBert, type BertSpec } from './bertBody.ts'

/** RoBERTa (Liu et al. 2019) and what took over its forward: positions count from the row behind the padding's own. */
export const roberta = architecture({
  tensors: {
    prefixes: ['roberta.'],
    probe: 'embeddings.word_embeddings.weight',
    heads: ['lm_head.decoder.weight'],
    lmHeadBiases: ['lm_head.bias', 'lm_head.decoder.bias'],
    outside: ['lm_head.'],
    buffers: /\.position_ids$|^lm_head\.(decoder\.)?bias$/,
  },

  parse(config): BertSpec {
    const spec = parseBert(config)
    const padding = config.count('pad_token_id', { fallback: 1, min: 0, max: spec.vocab - 1 })
    const maxPositions = spec.maxPositions - padding - 1
    if (maxPositions < 1) throw config.fail('max_position_embeddings', `more than pad_token_id + 1`)
    return { ...spec, maxPositions, unplacedId: padding, firstPosition: padding + 1 }
  },

  record: (p, s) =>
    recordBert(p, s, {
      ...BERT_NAMES,
      lmHead: { dense: 'lm_head.dense', norm: 'lm_head.layer_norm', activation: 'gelu' },
    }),
})
