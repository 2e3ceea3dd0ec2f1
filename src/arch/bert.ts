import { architecture } from './architecture.ts'
import { BERT_NAMES, parseBert, recordBert } from './bertBody.ts'

/** BERT (Devlin et al. 2019), with its masked-LM head. All tokens are of type 0. */
export const bert = architecture({
  tensors: {
    prefixes: ['bert.'],
    probe: 'embeddings.word_embeddings.weight',
    heads: ['cls.predictions.decoder.weight'],
    lmHeadBiases: ['cls.predictions.bias', 'cls.predictions.decoder.bias'],
    outside: ['cls.'],
    buffers: /\.position_ids$|^cls\.predictions\.(decoder\.)?bias$/,
  },
  parse: (config) => parseBert(config),
  record: (p, s) => recordBert(p, s, BERT_NAMES),
})
