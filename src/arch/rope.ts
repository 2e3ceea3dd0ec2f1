import type { ConfigReader } from '../formats/configReader.ts'
import type { RopeScaling, RopeTable } from '../program/attrs.ts'

/** What a rotation is read with besides its own section of the config. */
interface RopeContext {
  readonly headDim: number
  /** Positions that the config says the model takes. */
  readonly trained: number
  readonly theta: number
  /** Part of each head that turns where the config says nothing; absent in families that turn whole heads. */
  readonly partial?: number | undefined
  /** Names that a family gives kinds of scaling; the published ones otherwise. */
  readonly kinds?: Readonly<Record<string, string>> | undefined
  /** Layers are of two kinds with values of their own. */
  readonly byLayerType?: boolean
}

const KINDS = 'default, dynamic, linear, llama3, longrope or yarn'

/** Transformers takes a value beside the section over one inside it. */
function originalContext(config: ConfigReader, rope: ConfigReader, trained: number): number {
  const field = 'original_max_position_embeddings'
  return (config.get(field) === undefined ? rope : config).positive(field, trained)
}

function llama3(rope: ConfigReader, original: number): RopeScaling {
  const lowFreqFactor = rope.positive('low_freq_factor')
  const highFreqFactor = rope.positive('high_freq_factor')
  if (highFreqFactor <= lowFreqFactor)
    throw rope.fail('high_freq_factor', `more than low_freq_factor (${lowFreqFactor})`)
  const factor = rope.positive('factor')
  return { kind: 'llama3', factor, lowFreqFactor, highFreqFactor, originalContext: original }
}

/** Factor on cosine and sine (Peng et al. 2023, eq. 22), or the ratio of two of them. */
function yarnMagnitude(rope: ConfigReader, factor: number): number {
  const grown = (weight: number): number => (factor > 1 ? 0.1 * weight * Math.log(factor) + 1 : 1)
  if (rope.get('attention_factor') !== undefined) return rope.positive('attention_factor')
  const weights = ['mscale', 'mscale_all_dim'].map((field) => rope.number(field, 0))
  const [mscale = 0, all = 0] = weights
  return mscale !== 0 && all !== 0 ? grown(mscale) / grown(all) : grown(1)
}

function yarn(
  rope: ConfigReader,
  original: number,
  { trained, theta, byLayerType = false }: RopeContext,
  rotary: number,
): RopeScaling {
  const factor = rope.positive('factor', trained / original)
  const base = rope.positive('rope_theta', theta)
  /** The pair that makes so many turns over the original context. */
  const pairOf = (turns: number): number =>
    (rotary * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base))
  const turns = (field: string, fallback: number): number => rope.number(field, 0) || fallback
  const [low, high] = [pairOf(turns('beta_fast', 32)), pairOf(turns('beta_slow', 1))]
  // Of values by kind of layer, Transformers looks for it beside the kinds, where no file has it.
  const rounds = byLayerType || rope.flag('truncate', true)
  return {
    kind: 'yarn',
    factor,
    first: Math.max(rounds ? Math.floor(low) : low, 0),
    last: Math.min(rounds ? Math.ceil(high) : high, rotary - 1),
    magnitude: yarnMagnitude(rope, factor),
  }
}

function longrope(rope: ConfigReader, original: number, trained: number, rotary: number): RopeScaling {
  const divisors = (field: string): number[] => {
    const list = rope.numbers(field)
    if (list.length === rotary / 2 && list.every((value) => value > 0)) return list
    throw rope.fail(field, `${rotary / 2} numbers above 0, one for each pair that turns`)
  }
  const ratio = rope.positive('factor', trained / original)
  const grown = ratio > 1 ? Math.sqrt(1 + Math.log(ratio) / Math.log(original)) : 1
  return {
    kind: 'longrope',
    short: divisors('short_factor'),
    long: divisors('long_factor'),
    originalContext: original,
    magnitude: rope.positive('attention_factor', grown),
  }
}

function parseScaling(
  config: ConfigReader,
  rope: ConfigReader,
  context: RopeContext,
  rotary: number,
): RopeScaling {
  const field = rope.get('rope_type') === undefined ? 'type' : 'rope_type'
  const { trained, kinds = {} } = context
  const named = rope.text(field, 'default')
  const kind = kinds[named] ?? named
  switch (kind) {
    case 'default':
      return { kind: 'none' }
    case 'linear':
      return { kind: 'linear', factor: rope.positive('factor') }
    case 'dynamic':
      return { kind: 'dynamic', factor: rope.positive('factor'), originalContext: trained }
  }
  const original = originalContext(config, rope, trained)
  if (kind === 'llama3') return llama3(rope, original)
  if (kind === 'yarn') return yarn(rope, original, context, rotary)
  if (kind === 'longrope') return longrope(rope, original, trained, rotary)
  throw rope.fail(field, KINDS, 'unsupported')
}

/** Elements of a head that turn, of families that may turn a part. */
function rotaryOf(
  config: ConfigReader,
  section: ConfigReader | null,
  { headDim, partial }: RopeContext,
): number {
  const field = 'partial_rotary_factor'
  const fields = section?.get(field) === undefined ? config : section
  if (partial === undefined) {
    if ((fields.get(field) ?? 1) !== 1) throw fields.fail(field, '1', 'unsupported')
    if (headDim % 2 === 0) return headDim
    const sized = config.get('head_dim') === undefined ? 'num_attention_heads' : 'head_dim'
    throw config.fail(sized, 'an even head size, for rotary positions')
  }
  const rotary = Math.floor(headDim * fields.positive(field, partial))
  if (rotary >= 2 && rotary <= headDim && rotary % 2 === 0) return rotary
  throw fields.fail(field, `a part of head_dim (${headDim}) that is even`, 'unsupported')
}

/** The angles that a section of a config states; `config` is the file itself, whose own fields are defaults. */
export function parseRopeSection(
  config: ConfigReader,
  section: ConfigReader | null,
  context: RopeContext,
): RopeTable {
  const rotary = rotaryOf(config, section, context)
  return {
    theta: section ? section.positive('rope_theta', context.theta) : context.theta,
    scaling: section ? parseScaling(config, section, context, rotary) : { kind: 'none' },
    rotary,
  }
}

/** Rotary positions of a model trained on `trained` positions, as Transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`) write them. */
export function parseRope(
  config: ConfigReader,
  headDim: number,
  trained: number,
  { theta = 10_000, ...family }: Partial<Pick<RopeContext, 'theta' | 'partial' | 'kinds'>> = {},
): RopeTable {
  const rope = config.section('rope_scaling') ?? config.section('rope_parameters')
  for (const nested of ['full_attention', 'sliding_attention']) {
    if (rope?.get(nested) !== undefined)
      throw rope.fail(nested, 'one set of values for all layers', 'unsupported')
  }
  const stated = config.positive('rope_theta', theta)
  return parseRopeSection(config, rope, { headDim, trained, theta: stated, ...family })
}

/** One rotation for layers with a window and one for those without, as Transformers 4 and 5 write them; scaling is the latter's. */
export function parseRopeByLayerType(
  config: ConfigReader,
  context: Pick<RopeContext, 'headDim' | 'trained'>,
  theta: { readonly local: number; readonly global: number },
): { local: RopeTable; global: RopeTable } {
  const nested = config.section('rope_parameters')
  const section = (type: string): ConfigReader | null => nested?.section(type) ?? null
  return {
    local: parseRopeSection(config, section('sliding_attention'), {
      ...context,
      theta: theta.local,
      byLayerType: true,
    }),
    global: parseRopeSection(config, section('full_attention') ?? config.section('rope_scaling'), {
      ...context,
      theta: theta.global,
      byLayerType: true,
    }),
  }
}

/** Longest text a rotation is meant for. A theta that grows goes as far as its factor says. */
export function ropePositions({ scaling }: RopeTable, trained: number): number {
  return scaling.kind === 'dynamic' ? Math.floor(trained * scaling.factor) : trained
}
