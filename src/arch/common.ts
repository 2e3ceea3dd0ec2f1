import type { TensorInfo } from '../formats/tensors.ts'
import type { DecoderSpec, RopePositions, RopeScaling, WeightRef } from './spec.ts'
import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import type { TensorTable } from './tensorTable.ts'

/** One family of models: the `model_type`s it reads and how a config and its tensors become a spec. */
export interface Architecture {
  readonly modelTypes: readonly string[]
  parse(config: ConfigReader, tensors: ReadonlyMap<string, TensorInfo>): DecoderSpec
}

/** What an architecture learns from the tensors. */
export type WeightFields = Pick<DecoderSpec, 'weights' | 'tiedHead' | 'storedAs' | 'parameters'>

const ACTIVATIONS = new Map<string, DecoderSpec['activation']>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_fast', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
])

/** The activation named in `field`, one of `allowed`. */
export function parseActivation<T extends DecoderSpec['activation']>(
  config: ConfigReader,
  field: string,
  fallback: string,
  allowed: readonly T[],
): T {
  const activation = ACTIVATIONS.get(config.text(field, fallback))
  const found = allowed.find((name) => name === activation)
  if (found) return found
  const names = [...ACTIVATIONS]
    .filter(([, kind]) => allowed.some((name) => name === kind))
    .map(([name]) => name)
  throw config.fail(field, names.join(', '), 'unsupported')
}

/** The class name of the config, checked to be one that predicts the next token. */
export function architectureName(config: ConfigReader): string {
  const stated = config.get('architectures')
  if (stated === undefined) return config.text('model_type')
  const names: unknown[] = Array.isArray(stated) ? stated : [stated]
  const name = names.find(
    (entry) => typeof entry === 'string' && /(ForCausalLM|LMHeadModel|Model)$/.test(entry),
  )
  if (typeof name === 'string') return name
  if (names.length === 0) return config.text('model_type')
  throw config.fail('architectures', 'a causal language model (…ForCausalLM, …LMHeadModel)', 'unsupported')
}

/** Head counts and sizes, checked against each other. `headDim` defaults to hidden / heads. */
export function parseHeads(
  config: ConfigReader,
  hidden: number,
): { heads: number; kvHeads: number; headDim: number } {
  const heads = config.count('num_attention_heads', { max: LIMITS.heads })
  if (hidden % heads !== 0) throw config.fail('num_attention_heads', `a divisor of hidden_size (${hidden})`)
  const kvHeads = config.count('num_key_value_heads', { fallback: heads, max: LIMITS.heads })
  if (heads % kvHeads !== 0)
    throw config.fail('num_key_value_heads', `a divisor of num_attention_heads (${heads})`)
  const stated = config.get('head_dim') !== undefined
  const headDim = stated ? config.count('head_dim', { max: LIMITS.width }) : hidden / heads
  if (headDim % 2 !== 0) {
    throw config.fail(stated ? 'head_dim' : 'num_attention_heads', 'an even head size, for rotary positions')
  }
  return { heads, kvHeads, headDim }
}

function parseScaling(config: ConfigReader, rope: ConfigReader, trained: number): RopeScaling {
  const field = rope.get('rope_type') === undefined ? 'type' : 'rope_type'
  switch (rope.text(field, 'default')) {
    case 'default':
    // NTK scaling by the running length changes nothing up to max_position_embeddings, and contexts end there.
    case 'dynamic':
      return { kind: 'none' }
    case 'linear':
      return { kind: 'linear', factor: rope.positive('factor') }
    case 'llama3': {
      // A value beside the section wins over one inside it, as in Transformers.
      const original = config.get('original_max_position_embeddings') === undefined ? rope : config
      const originalContext = original.positive('original_max_position_embeddings', trained)
      const lowFreqFactor = rope.positive('low_freq_factor')
      const highFreqFactor = rope.positive('high_freq_factor')
      if (highFreqFactor <= lowFreqFactor)
        throw rope.fail('high_freq_factor', `more than low_freq_factor (${lowFreqFactor})`)
      return {
        kind: 'llama3',
        factor: rope.positive('factor'),
        lowFreqFactor,
        highFreqFactor,
        originalContext,
      }
    }
    default:
      throw rope.fail(field, 'default, dynamic, linear or llama3', 'unsupported')
  }
}

/** Rotary positions of a model trained on `trained` positions, as Transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`) write them. */
export function parseRope(config: ConfigReader, headDim: number, trained: number): RopePositions {
  const rope = config.section('rope_scaling') ?? config.section('rope_parameters')
  for (const nested of ['full_attention', 'sliding_attention']) {
    if (rope?.get(nested) !== undefined)
      throw rope.fail(nested, 'one set of values for all layers', 'unsupported')
  }
  const top = config.positive('rope_theta', 10_000)
  const theta = rope ? rope.positive('rope_theta', top) : top
  for (const section of rope ? [rope, config] : [config]) {
    if ((section.get('partial_rotary_factor') ?? 1) !== 1)
      throw section.fail('partial_rotary_factor', '1', 'unsupported')
  }
  const scaling: RopeScaling = rope ? parseScaling(config, rope, trained) : { kind: 'none' }
  return { kind: 'rope', layout: 'half', theta, scaling, rotaryDim: headDim }
}

/** BOS and EOS ids; those outside the vocabulary are dropped with a remark. */
export function parseSpecialIds(
  config: ConfigReader,
  vocab: number,
  defaults: { bos: readonly number[]; eos: readonly number[] },
  warnings: string[],
): { bosId: number | null; eosIds: readonly number[] } {
  const within = (field: string, fallback: readonly number[]): number[] =>
    config.ids(field, fallback).filter((id) => {
      const ok = id >= 0 && id < vocab
      if (!ok && config.has(field)) {
        warnings.push(`${config.file}: ${field} ${id} is outside the vocabulary of ${vocab} and is ignored.`)
      }
      return ok
    })
  return {
    bosId: within('bos_token_id', defaults.bos)[0] ?? null,
    eosIds: within('eos_token_id', defaults.eos),
  }
}

/**
 * Embedding and head. A tied pair is one tensor under either name; both present although the config ties them are kept
 * apart, which is right whether or not they are equal. A config that is silent ties when no head is stored.
 */
export function parseEmbedAndHead(
  config: ConfigReader,
  table: TensorTable,
  options: {
    embed: string
    shape: readonly [vocab: number, hidden: number]
    tiedByDefault: boolean
  },
  warnings: string[],
): { embed: WeightRef; head: WeightRef; tiedHead: boolean } {
  const { shape } = options
  const tied = config.flag('tie_word_embeddings', options.tiedByDefault)
  const stored = table.hasTop('lm_head.weight')
  if (stored && tied && !table.has(options.embed)) {
    const shared = table.topMatrix('lm_head.weight', shape)
    return { embed: shared, head: shared, tiedHead: true }
  }
  const embed = table.matrix(options.embed, shape)
  const silent = config.get('tie_word_embeddings') === undefined
  if (!stored && (tied || silent)) {
    if (!tied) warnings.push('The checkpoint has no lm_head.weight; the embedding is used as the head.')
    return { embed, head: embed, tiedHead: true }
  }
  return { embed, head: table.topMatrix('lm_head.weight', shape), tiedHead: false }
}
