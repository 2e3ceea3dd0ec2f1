import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import type { Activation, Window } from '../program/attrs.ts'
import { parseRope, ropePositions } from './rope.ts'
import type { DecoderSpec, ModelSpec, NormSpec } from './spec.ts'

const ACTIVATIONS = new Map<string, Activation>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_fast', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['gelu_python', 'gelu'],
  ['quick_gelu', 'gelu_sigmoid'],
  ['relu', 'relu'],
  ['relu2', 'relu_squared'],
])

/** The activation named in `field`, one of `allowed`. */
export function parseActivation<T extends Activation>(
  config: ConfigReader,
  field: string,
  fallback: string,
  allowed: readonly T[],
): T {
  const activation = ACTIVATIONS.get(config.text(field, fallback))
  const match = allowed.find((name) => name === activation)
  if (match) return match
  const names = [...ACTIVATIONS]
    .filter(([, kind]) => allowed.some((name) => name === kind))
    .map(([name]) => name)
  throw config.fail(field, names.join(', '), 'unsupported')
}

/** What a model was trained to do. */
type Task = 'generate' | 'fill-mask'

const CLASSES = {
  generate: {
    name: /(ForCausalLM|LMHeadModel|Model)$/,
    expected: 'a causal language model (…ForCausalLM, …LMHeadModel)',
  },
  'fill-mask': {
    // A body that was tuned for something else may have kept its head: the tensors say whether it has.
    name: /(ForMaskedLM|ForPreTraining|Classification|ForQuestionAnswering|Model)$/,
    expected: 'a masked language model (…ForMaskedLM)',
  },
} as const

/** The class name of the config, checked to be one that predicts the next token, or masked ones. */
export function architectureName(config: ConfigReader, task: Task = 'generate'): string {
  const stated = config.get('architectures')
  if (stated === undefined) return config.text('model_type')
  const names: unknown[] = Array.isArray(stated) ? stated : [stated]
  const name = names.find((entry) => typeof entry === 'string' && CLASSES[task].name.test(entry))
  if (typeof name === 'string') return name
  if (names.length === 0) return config.text('model_type')
  throw config.fail('architectures', CLASSES[task].expected, 'unsupported')
}

/** How many key and value heads a family has: so many, or what a field of its config says, else as many as query heads. */
interface KeyValueHeads {
  readonly fixed?: number | 'heads'
  readonly field?: string
  readonly fallback?: number
}

/** Head counts and sizes, checked against each other. `head_dim` defaults to hidden / heads where a family has no size of its own. */
export function parseHeads(
  config: ConfigReader,
  hidden: number,
  size?: number,
  groups: KeyValueHeads = {},
): { heads: number; kvHeads: number; headDim: number } {
  const heads = config.count('num_attention_heads', { max: LIMITS.heads })
  const stated = config.get('head_dim') !== undefined
  if (!stated && size === undefined && hidden % heads !== 0)
    throw config.fail('num_attention_heads', `a divisor of hidden_size (${hidden})`)
  const { fixed, field = 'num_key_value_heads', fallback = heads } = groups
  const stands = fixed === 'heads' ? heads : fixed
  const kvHeads = stands ?? config.count(field, { fallback, max: LIMITS.heads })
  if (heads % kvHeads !== 0) throw config.fail(field, `a divisor of num_attention_heads (${heads})`)
  const headDim = stated ? config.count('head_dim', { max: LIMITS.width }) : (size ?? hidden / heads)
  return { heads, kvHeads, headDim }
}

/** A finite number above zero; null turns it off, and only an absent field takes the default of the config class. */
export function parseOptional(config: ConfigReader, field: string, fallback: number | null): number | null {
  if (config.has(field)) return config.get(field) === undefined ? null : config.positive(field)
  return fallback
}

/** Which layers look at a window only: the config's `layer_types` where it has them, else `isSliding`. */
export function parseLayerTypes(
  config: ConfigReader,
  layers: number,
  isSliding: (layer: number) => boolean,
): boolean[] {
  const types = config.get('layer_types')
  if (types === undefined) return Array.from({ length: layers }, (_, n) => isSliding(n))
  const list: unknown[] = Array.isArray(types) ? types : []
  const isSupported = list.every((type) => type === 'full_attention' || type === 'sliding_attention')
  if (!isSupported || list.length < layers) {
    throw config.fail(
      'layer_types',
      `full_attention or sliding_attention for each of ${layers} layers`,
      'unsupported',
    )
  }
  return list.slice(0, layers).map((type) => type === 'sliding_attention')
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

/** What the config says of a head that is the embedding; `fallback` is the default of the config class. */
export function parseTied(config: ConfigReader, fallback: boolean): boolean | 'unsaid' {
  const stated = config.get('tie_word_embeddings') !== undefined
  return stated || fallback ? config.flag('tie_word_embeddings', fallback) : 'unsaid'
}

/** Where the configs of decoders of the Llama family differ. Defaults are those of the Transformers config class. */
export interface DecoderDefaults {
  /** An encoder fills masks, each row seeing all; default generate. */
  task?: Task
  positions: number
  bos: readonly number[]
  eos: readonly number[]
  tied?: boolean
  /** The rotation; default one for all layers, as {@link parseRope} reads it. */
  rope?: (headDim: number, trained: number) => DecoderSpec['rope']
  /** Size of a head that the config leaves unsaid; default hidden / heads. */
  headDim?: number
  activation?: { field: string; fallback: string; allowed: readonly Activation[] }
  /** The norm; default RMSNorm with `rms_norm_eps`, 1e-6 where a config leaves it unsaid. */
  norm?: { kind?: NormSpec['kind']; field?: string; eps: number }
  intermediate?: { field: string; fallback?: number }
  kvHeads?: KeyValueHeads
}

/** The same for every layer. */
export const always =
  <T>(value: T): (() => T) =>
  () =>
    value

/** Every activation there is. */
export const ANY_ACTIVATION = [...new Set(ACTIVATIONS.values())]

const SILU = { field: 'hidden_act', fallback: 'silu', allowed: ANY_ACTIVATION } as const

function parseNorm(
  config: ConfigReader,
  { kind = 'rms_norm', field, eps }: NonNullable<DecoderDefaults['norm']>,
): NormSpec {
  const named = field ?? (kind === 'rms_norm' ? 'rms_norm_eps' : 'layer_norm_eps')
  return { kind, eps: config.positive(named, eps), offset: 0, biased: kind === 'layer_norm' }
}

/** The fields that decoders of the Llama family share; no biases, plain RMSNorm, full attention and one rotation for all layers. */
export function parseDecoder(config: ConfigReader, defaults: DecoderDefaults): DecoderSpec {
  const warnings: string[] = []
  const hidden = config.count('hidden_size', { max: LIMITS.width })
  const sizes: Pick<ModelSpec, 'heads' | 'kvHeads' | 'headDim'> = parseHeads(
    config,
    hidden,
    defaults.headDim,
    defaults.kvHeads,
  )
  const layers = config.count('num_hidden_layers', { max: LIMITS.layers })
  const vocab = config.count('vocab_size', { max: LIMITS.vocab })
  const { field: width, ...rest } = defaults.intermediate ?? { field: 'intermediate_size' }
  const intermediate = config.count(width, { ...rest, max: LIMITS.width })
  const norm = parseNorm(config, defaults.norm ?? { eps: 1e-6 })
  const { field, fallback, allowed } = defaults.activation ?? SILU
  const activation = parseActivation(config, field, fallback, allowed)
  const ids = parseSpecialIds(config, vocab, defaults, warnings)
  const trained = config.count('max_position_embeddings', { fallback: defaults.positions })
  const ropeOf = defaults.rope ?? ((headDim, positions) => always(parseRope(config, headDim, positions)))
  const rope = ropeOf(sizes.headDim, trained)
  const tables = Array.from({ length: layers }, (_, n) => rope(n)).filter((table) => table !== null)
  return {
    architecture: architectureName(config, defaults.task),
    modelType: config.text('model_type'),
    layers,
    hidden,
    ...sizes,
    intermediate,
    vocab,
    maxPositions: Math.min(
      ...tables.map((table) => ropePositions(table, trained)),
      tables.length > 0 ? Infinity : trained,
    ),
    norm,
    activation,
    attentionScale: 1 / Math.sqrt(sizes.headDim),
    rope,
    window: () => null,
    ...(defaults.task === 'fill-mask' ? { mask: 'bidirectional' as const } : {}),
    bias: { qkv: false, o: false, mlp: false },
    tied: parseTied(config, defaults.tied ?? false),
    ...ids,
    warnings,
  }
}

/** A window on the layers for which `isSliding` says so. */
export function windowBy(isSliding: readonly boolean[], window: number | null): (layer: number) => Window {
  return (layer) => (isSliding[layer] === true ? window : null)
}
