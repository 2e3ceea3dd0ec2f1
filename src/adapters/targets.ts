import type { AdapterConfig, ModuleChoice, NameRule, PatternValue } from './config.ts'
import { CONFIG_FILE } from './config.ts'
import { badFile } from '../formats/badFile.ts'
import type { ModelModule, ModuleTree } from './modules.ts'
import { matchPatterns } from './pattern.ts'

/** Asks the regular expressions of a config about every name in a model. @throws `bad-file` */
export function matchConfig(
  { patterns }: AdapterConfig,
  modules: readonly Pick<ModelModule, 'name'>[],
  limit?: number,
): Promise<void> {
  const inside = modules.flatMap(({ name }) =>
    name.split('.').map((_, n, all) => all.slice(0, n + 1).join('.')),
  )
  return matchPatterns(patterns, [...new Set(inside)], limit)
}

/** `name` is `entry` or ends in `.entry`. */
function isNamed(name: string, entry: string): boolean {
  return name === entry || name.endsWith(`.${entry}`)
}

function isChosen(name: string, choice: ModuleChoice): boolean {
  return choice.kind === 'pattern'
    ? choice.pattern.matches(name)
    : choice.names.some((entry) => isNamed(name, entry))
}

/** The layer number in a module's name, as PEFT finds it: the first number behind the layer list's name. */
function layerOf(name: string, patterns: readonly NameRule[]): number | null {
  if (patterns.length === 0) {
    const digits = /^.*?\.[^.]*\.(\d+)\./.exec(name)?.[1]
    return digits === undefined ? null : Number(digits)
  }
  const segments = name.split('.')
  for (const pattern of patterns) {
    for (let n = 1; n < segments.length - 1; n++) {
      const list = segments.slice(0, n).join('.')
      if (/^\d+$/.test(segments[n] ?? '') && pattern.matches(list)) return Number(segments[n])
    }
  }
  return null
}

function isTarget(module: ModelModule, config: AdapterConfig): boolean {
  const { targets, layers } = config
  if (targets.kind === 'all-linear') return module.kind === 'linear' && !module.isLmHead
  if (targets.kind === 'pattern') return targets.pattern.matches(module.name)
  if (targets.names.includes(module.name)) return true
  if (!isChosen(module.name, targets)) return false
  if (layers === null) return true
  const layer = layerOf(module.name, config.layersPatterns)
  return layer !== null && layers.includes(layer)
}

/**
 * The modules an adapter applies to, by PEFT's own rules: exclusions first, then names, pattern or all linear layers.
 * @throws `bad-file` when `target_modules` names nothing in this model; entries that match nothing beside others are passed over.
 */
export function selectTargets(
  modules: readonly ModelModule[],
  config: AdapterConfig,
  tiedLmHead: boolean,
): ModelModule[] {
  const excluded = ({ name }: ModelModule): boolean =>
    (config.exclude !== null && isChosen(name, config.exclude)) ||
    config.savedNames.some((pattern) => pattern.matches(name))
  const selected = modules.filter((module) => !excluded(module) && isTarget(module, config))
  // With tying ensured an adapted end of a tied pair brings the other along.
  const tied = tiedLmHead && config.ensureWeightTying && selected.some(isTiedEnd)
  const chosen = tied ? modules.filter((module) => selected.includes(module) || isTiedEnd(module)) : selected
  if (chosen.length > 0) return chosen
  const [unknown] = unknownTargets(modules, config)
  const got =
    unknown === undefined
      ? 'a choice of no module'
      : `${JSON.stringify(unknown.slice(0, 100))}, which matches nothing`
  throw badFile(CONFIG_FILE, 'target_modules', got, knownNames(modules), UNKNOWN_HINT)
}

function isTiedEnd({ isLmHead, parts }: ModelModule): boolean {
  return isLmHead || parts[0]?.step === 'embed'
}

const UNKNOWN_HINT = 'The adapter was trained on another architecture; load the base model it names.'

function knownNames(modules: readonly ModelModule[]): string {
  const names = new Set(modules.map(({ name }) => name.slice(name.lastIndexOf('.') + 1)))
  return `modules of this model: ${[...names].join(', ')}`
}

/** Entries of `target_modules` that match no module of the model. */
function unknownTargets(modules: readonly ModelModule[], { targets }: AdapterConfig): string[] {
  if (targets.kind === 'all-linear') return []
  const entries = targets.kind === 'names' ? targets.names : [targets.pattern.text]
  return entries.filter((entry) => {
    const choice: ModuleChoice = targets.kind === 'names' ? { kind: 'names', names: [entry] } : targets
    return !modules.some(({ name }) => isChosen(name, choice))
  })
}

/** Value for a module: that of the first pattern that matches its name, else `fallback`. */
export function valueFor(name: string, values: readonly PatternValue[], fallback: number): number {
  return values.find(({ matches }) => matches(name))?.value ?? fallback
}

/** True when a parameter belongs to a module of `modules_to_save`: the name of the module, or of one around it, ends in an entry. */
export function isSaved(parameter: string, config: AdapterConfig): boolean {
  const segments = parameter.split('.').slice(0, -1)
  return segments.some((_, n) => {
    const name = segments.slice(0, n + 1).join('.')
    return config.modulesToSave.some((entry) => name.endsWith(entry))
  })
}

/** Entries of the config that name nothing: PEFT passes over them, the report shows them. */
export function unmatchedEntries(
  config: AdapterConfig,
  { modules, parameters }: ModuleTree,
  targets: readonly Pick<ModelModule, 'name'>[],
  layerCount: number,
): string[] {
  const names = targets.map(({ name }) => name)
  const unused = (field: string, values: readonly PatternValue[]): string[] =>
    values.filter(({ matches }) => !names.some((name) => matches(name))).map(({ key }) => `${field}: ${key}`)
  const { exclude } = config
  const excluded = exclude === null ? [] : exclude.kind === 'names' ? exclude.names : [exclude.pattern.text]
  const matchesNone = (entry: string): boolean =>
    !modules.some(({ name }) =>
      exclude?.kind === 'pattern' ? exclude.pattern.matches(name) : isNamed(name, entry),
    )
  const isSavedBy = (entry: string): boolean =>
    [...parameters.keys()].some((name) => isSaved(name, { ...config, modulesToSave: [entry] }))
  return [
    ...unknownTargets(modules, config).map((entry) => `target_modules: ${entry}`),
    ...config.modulesToSave.filter((entry) => !isSavedBy(entry)).map((entry) => `modules_to_save: ${entry}`),
    ...unused('rank_pattern', config.rankPattern),
    ...unused('alpha_pattern', config.alphaPattern),
    ...excluded.filter(matchesNone).map((entry) => `exclude_modules: ${entry}`),
    ...(config.layers ?? []).filter((n) => n >= layerCount).map((n) => `layers_to_transform: ${n}`),
  ]
}
