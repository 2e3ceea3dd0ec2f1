import { architecture } from './architecture.ts'
import { parseBert, recordBert, type BertSpec } from './bertBody.ts'

/** Names that the config has for fields of BERT's. */
const FIELDS = {
  hidden_size: 'dim',
  num_attention_heads: 'n_heads',
  num_hidden_layers: 'n_layers',
  intermediate_size: 'hidden_dim',
}

/** Epsilon of its norms, whatever its config says. */
const EPS = 1e-12

/** DistilBERT (Sanh et al. 2019): BERT without token types, under names of its own. */
export const distilBert = architecture({
  tensors: {
    prefixes: ['distilbert.'],
    probe: 'embeddings.word_embeddings.weight',
    heads: ['vocab_projector.weight'],
    outside: ['vocab_'],
    buffers: /\.position_ids$/,
  },

  parse(config): BertSpec {
    const spec = parseBert(config.renamed(FIELDS), 'activation')
    return { ...spec, norm: { ...spec.norm, eps: EPS }, tokenTypes: 0 }
  },

  record: (p, s) =>
    recordBert(p, s, {
      layers: 'transformer.layer',
      projections: { q: 'attention.q_lin', k: 'attention.k_lin', v: 'attention.v_lin' },
      output: 'attention.out_lin',
      attentionNorm: 'sa_layer_norm',
      up: 'ffn.lin1',
      down: 'ffn.lin2',
      mlpNorm: 'output_layer_norm',
      lmHead: { dense: 'vocab_transform', norm: 'vocab_layer_norm' },
    }),
})
