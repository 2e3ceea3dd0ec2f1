import type { ConfigReader } from '../formats/configReader.ts'
import type { Activation } from '../program/attrs.ts'
import { attention, maskedLmHead, plainMlp } from './blocks.ts'
import { always, ANY_ACTIVATION, parseDecoder } from './common.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

export interface BertSpec extends DecoderSpec {
  /** Rows of the table of token types; 0 for none. */
  readonly tokenTypes: number
  /** Rows of the table of positions before that of the first token. */
  readonly firstPosition: number
}

/** Where the tensors of a layer and of the head are. */
export interface BertNames {
  readonly layers: string
  readonly projections: Readonly<Record<'q' | 'k' | 'v', string>>
  readonly output: string
  readonly attentionNorm: string
  readonly up: string
  readonly down: string
  readonly mlpNorm: string
  readonly lmHead: { readonly dense: string; readonly norm: string; readonly activation?: Activation }
}

/** BERT's own. */
export const BERT_NAMES: BertNames = {
  layers: 'encoder.layer',
  projections: { q: 'attention.self.query', k: 'attention.self.key', v: 'attention.self.value' },
  output: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  mlpNorm: 'output.LayerNorm',
  lmHead: { dense: 'cls.predictions.transform.dense', norm: 'cls.predictions.transform.LayerNorm' },
}

/** Fields of BERT and what follows it, under its names. */
export function parseBert(config: ConfigReader, activation = 'hidden_act'): BertSpec {
  for (const field of ['is_decoder', 'add_cross_attention'])
    if (config.flag(field, false)) throw config.fail(field, 'false', 'unsupported')
  if (config.text('position_embedding_type', 'absolute') !== 'absolute')
    throw config.fail('position_embedding_type', 'absolute', 'unsupported')
  const decoder = parseDecoder(config, {
    task: 'fill-mask',
    positions: 512,
    bos: [],
    eos: [],
    tied: true,
    norm: { kind: 'layer_norm', eps: 1e-12 },
    activation: { field: activation, fallback: 'gelu', allowed: ANY_ACTIVATION },
    kvHeads: { fixed: 'heads' },
    rope: () => always(null),
  })
  const tokenTypes = config.count('type_vocab_size', { fallback: 2 })
  return { ...decoder, bias: { qkv: true, o: true, mlp: true }, tokenTypes, firstPosition: 0 }
}

/** Sums of learned embeddings, norms over the sums, then a dense layer and a norm before the tied head. */
export function recordBert(p: ModelRecorder, s: BertSpec, names: BertNames): void {
  const first = s.firstPosition
  const embed = p.embed('embeddings.word_embeddings.weight', [s.vocab, s.hidden], {
    positions: {
      tensor: 'embeddings.position_embeddings.weight',
      count: s.maxPositions,
      first,
      hasRowBefore: s.unplacedId !== undefined,
    },
    types:
      s.tokenTypes === 0
        ? undefined
        : { tensor: 'embeddings.token_type_embeddings.weight', count: s.tokenTypes },
  })
  let x = p.norm('embed_norm', embed, 'embeddings.LayerNorm', s.norm)
  const projections = (name: 'q' | 'k' | 'v'): { tensor: string } => ({ tensor: names.projections[name] })
  for (const _ of p.layers(s.layers, names.layers)) {
    x = p.add('resid_attn', x, attention(p, s, x, { projections, output: names.output }))
    x = p.norm('attn_post_norm', x, names.attentionNorm, s.norm)
    x = p.add('resid', x, plainMlp(p, s, x, names))
    x = p.norm('mlp_post_norm', x, names.mlpNorm, s.norm)
  }
  p.logits(embed, s.vocab, () => maskedLmHead(p, s, x, names.lmHead), { bias: true })
}
