import type { TokenscopeError, ErrorCode } from '../errors.ts'
import { parseStrictJson } from '../formats/strictJson.ts'
import { ConfigReader } from '../formats/configReader.ts'
import { ModulePattern } from './pattern.ts'

export const CONFIG_FILE = 'adapter_config.json'

/** A rule for names. */
export interface NameRule {
  matches: (name: string) => boolean
}

/** A value that holds for the modules whose whole name, or a dotted tail of it, matches. The first in the order of the file counts. */
export interface PatternValue extends NameRule {
  key: string
  value: number
}

/** Modules by name (whole, or a dotted tail) or by a pattern for the whole name. */
export type ModuleChoice =
  { kind: 'names'; names: readonly string[] } | { kind: 'pattern'; pattern: ModulePattern }

/** `adapter_config.json`, reduced to what inference needs. */
export interface AdapterConfig {
  rank: number
  alpha: number
  targets: ModuleChoice | { kind: 'all-linear' }
  /** Parameters of experts, by name or dotted tail. */
  parameters: readonly string[]
  exclude: ModuleChoice | null
  /** Layers that listed names are limited to, null for all. */
  layers: readonly number[] | null
  /** Names of the layer list; none means any. */
  layersPatterns: readonly NameRule[]
  rankPattern: readonly PatternValue[]
  alphaPattern: readonly PatternValue[]
  rslora: boolean
  dora: boolean
  bias: 'none' | 'all' | 'lora_only'
  /** A module is meant when its name ends in an entry. */
  modulesToSave: readonly string[]
  /** Whole names of `modulesToSave` and of everything inside them: never targets. PEFT uses the entry as a pattern here. */
  savedNames: readonly NameRule[]
  ensureWeightTying: boolean
  /** All of the above that are regular expressions: to be matched before any of them is asked. */
  patterns: readonly ModulePattern[]
  baseModel: string | null
  /** What of the file was passed over. */
  remarks: readonly string[]
}

/** Fields read below. */
const READ =
  'peft_type task_type r lora_alpha target_modules exclude_modules layers_to_transform layers_pattern rank_pattern ' +
  'alpha_pattern use_rslora use_dora bias modules_to_save ensure_weight_tying base_model_name_or_path ' +
  'init_lora_weights fan_in_fan_out target_parameters'

/** Fields that only steer training, start-up values or bookkeeping. `qalora_group_size` counts only with `use_qalora`. */
const HARMLESS =
  'auto_mapping revision inference_mode lora_dropout loftq_config eva_config corda_config lora_ga_config ' +
  'megatron_core peft_version qalora_group_size runtime_config'

/** Fields of PEFT that change the result and are not implemented. */
const OTHERS =
  'megatron_config trainable_token_indices velora_config alora_invocation_tokens use_qalora monteclora_config ' +
  'layer_replication lora_bias use_bdlora arrow_config kasa_config'

const KNOWN: ReadonlySet<string> = new Set(`${READ} ${HARMLESS}`.split(' '))
const REFUSED: ReadonlySet<string> = new Set(OTHERS.split(' '))
/** Fields of a later PEFT would be called so; others are notes, which PEFT passes over too. */
const SWITCH = /^(?:use|lora|target|init)_|_(?:config|pattern)$/

/** Ways to start training that do not change the base's weights. The others (PiSSA, OLoRA, LoftQ, …) change them on load. */
const PLAIN_STARTS: readonly unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal']

/** A name as it stands, in which a dot is any character. */
const PLAIN = /^[\w.]+$/

class AdapterConfigReader extends ConfigReader {
  readonly patterns: ModulePattern[] = []

  override fail(
    name: string,
    expected: string,
    code: ErrorCode = 'bad-file',
    hint?: string,
  ): TokenscopeError {
    const usual =
      code === 'unsupported'
        ? 'This kind of adapter cannot be applied here; merge it into its base with PEFT and load the result.'
        : 'The file is damaged or was not written by PEFT; fetch the adapter again.'
    return super.fail(name, expected, code, hint ?? usual)
  }

  names(name: string): string[] {
    const value = this.get(name) ?? []
    const list: unknown[] = Array.isArray(value) ? value : [value]
    return list.map((entry) => {
      if (typeof entry === 'string' && entry !== '') return entry
      throw this.fail(name, 'a list of names')
    })
  }

  choice(name: string): ModuleChoice {
    const value = this.get(name)
    if (typeof value === 'string') return { kind: 'pattern', pattern: this.pattern(name, value) }
    return { kind: 'names', names: this.names(name) }
  }

  pattern(name: string, text: string): ModulePattern {
    const pattern = new ModulePattern(text, `${this.file}: ${name}`)
    this.patterns.push(pattern)
    return pattern
  }

  /** Rules built around entries of a list; entries of letters and dots need no regular expression. */
  rules(
    name: string,
    plain: (module: string, entry: string) => boolean,
    pattern: (entry: string) => string,
  ): NameRule[] {
    return this.names(name).map((entry) =>
      PLAIN.test(entry) ? { matches: (module) => plain(module, entry) } : this.pattern(name, pattern(entry)),
    )
  }

  layers(name: string): number[] | null {
    const value = this.get(name)
    if (value === undefined) return null
    const list: unknown[] = Array.isArray(value) ? value : [value]
    if (list.length === 0) return null
    return list.map((entry) => {
      if (typeof entry === 'number' && Number.isInteger(entry) && entry >= 0) return entry
      throw this.fail(name, 'layer numbers')
    })
  }

  patternValues(name: string, check: (value: unknown) => value is number, expected: string): PatternValue[] {
    const value = this.get(name) ?? {}
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.fail(name, 'an object')
    return Object.entries(value).map(([key, entry]: [string, unknown]) => {
      if (!check(entry)) throw this.fail(name, `${expected} for each name`)
      if (PLAIN.test(key)) return { key, matches: (module) => endsIn(module, key), value: entry }
      // The very expression PEFT builds around the key.
      const pattern = this.pattern(`${name}.${key.slice(0, 60)}`, `(.*\\.)?(${key})$`)
      return { key, matches: (module) => pattern.matches(module), value: entry }
    })
  }
}

/** As the pattern would say for a key of letters and dots, a dot being any character: adapters may have one key per module. */
function endsIn(module: string, key: string): boolean {
  const start = module.length - key.length
  if (start < 0 || (start > 0 && module[start - 1] !== '.')) return false
  for (let n = key.length - 1; n >= 0; n--) {
    if (key[n] !== '.' && key[n] !== module[start + n]) return false
  }
  return true
}

/** As `(^|.*\\.)key($|\\..*)` would say: the module of that name, or one inside it. */
function isWithin(module: string, key: string): boolean {
  const names = module.split('.').map((_, n, all) => all.slice(0, n + 1).join('.'))
  return names.some((name) => endsIn(name, key))
}

function isRank(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_536
}

function isAlpha(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Empty, false and null say that something is not used. */
function isNeutral(value: unknown): boolean {
  if (value === undefined || value === false) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/**
 * Names every field in use that is not implemented: one that may change the result must be unset, a note is passed over.
 * @returns what to say of the notes.
 */
function refuseOthers(config: AdapterConfigReader, fields: readonly string[]): string[] {
  const used = fields.filter((field) => !KNOWN.has(field) && !isNeutral(config.get(field)))
  const refused = used.find((field) => REFUSED.has(field) || SWITCH.test(field))
  if (refused !== undefined) throw config.fail(refused, 'unset: it is not implemented', 'unsupported')
  return used.map(
    (field) =>
      `${config.file} has a field “${field.slice(0, 60)}”, which is no setting of PEFT’s and was passed over.`,
  )
}

function parseBias(config: AdapterConfigReader): AdapterConfig['bias'] {
  const bias = config.text('bias', 'none')
  if (bias === 'none' || bias === 'all' || bias === 'lora_only') return bias
  throw config.fail('bias', 'none, all or lora_only')
}

function parseTargets(config: AdapterConfigReader): AdapterConfig['targets'] {
  const value = config.get('target_modules')
  if (typeof value === 'string' && value.toLowerCase() === 'all-linear') return { kind: 'all-linear' }
  const targets = config.choice('target_modules')
  const isEmpty = targets.kind === 'names' && targets.names.length === 0
  if (isEmpty && config.names('target_parameters').length === 0) {
    throw config.fail('target_modules', 'a list of module names, a pattern or all-linear')
  }
  return targets
}

function refuseKinds(config: AdapterConfigReader): void {
  if (config.text('peft_type') !== 'LORA') throw config.fail('peft_type', 'LORA', 'unsupported')
  const task = config.get('task_type')
  if (task !== undefined && task !== 'CAUSAL_LM')
    throw config.fail('task_type', 'CAUSAL_LM or null', 'unsupported')
  if (!PLAIN_STARTS.includes(config.get('init_lora_weights') ?? true)) {
    const hint =
      'Training changed the base as well; save the adapter with path_initial_model_for_weight_conversion.'
    throw config.fail('init_lora_weights', 'true, false, gaussian, eva or orthogonal', 'unsupported', hint)
  }
}

/**
 * Reads `adapter_config.json`. `fan_in_fan_out` is checked and has no effect: as in PEFT, the layer's own kind decides.
 * @throws `unsupported` for kinds of adapter and fields not implemented, `bad-file` for wrong values; both name the field.
 */
export function parseAdapterConfig(bytes: Uint8Array, file = CONFIG_FILE): AdapterConfig {
  const json = parseStrictJson(bytes, file)
  const config = new AdapterConfigReader(json, file)
  refuseKinds(config)
  const remarks = refuseOthers(config, Object.keys(json as object))
  config.flag('fan_in_fan_out', false)
  if (config.names('target_parameters').length > 0 && config.flag('use_dora', false))
    throw config.fail('use_dora', 'false beside target_parameters', 'unsupported')
  const alpha = config.get('lora_alpha') ?? 8
  if (!isAlpha(alpha)) throw config.fail('lora_alpha', 'a finite number')
  const modulesToSave = config.names('modules_to_save')
  const exclude = config.get('exclude_modules') === undefined ? null : config.choice('exclude_modules')
  return {
    rank: config.count('r', { fallback: 8, max: 65_536 }),
    alpha,
    targets: parseTargets(config),
    parameters: config.names('target_parameters'),
    exclude,
    layers: config.layers('layers_to_transform'),
    layersPatterns: config.rules('layers_pattern', endsIn, (name) => `(?:.*\\.)?(?:${name})`),
    rankPattern: config.patternValues('rank_pattern', isRank, 'a rank of at least 1'),
    alphaPattern: config.patternValues('alpha_pattern', isAlpha, 'a finite number'),
    rslora: config.flag('use_rslora', false),
    dora: config.flag('use_dora', false),
    bias: parseBias(config),
    modulesToSave,
    savedNames: config.rules('modules_to_save', isWithin, (entry) => `(^|.*\\.)${entry}($|\\..*)`),
    ensureWeightTying: config.flag('ensure_weight_tying', false),
    baseModel:
      config.get('base_model_name_or_path') === undefined ? null : config.text('base_model_name_or_path'),
    remarks,
    patterns: config.patterns,
  }
}
