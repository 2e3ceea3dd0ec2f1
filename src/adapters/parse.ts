import { invariant } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import type { DecoderSpec, NamedWeight } from '../model/spec.ts'
import { AdapterTensors, type AdapterTensor } from './adapterTensors.ts'
import { CONFIG_FILE, type AdapterConfig } from './config.ts'
import { moduleTree, type ModelModule, type ModuleTree } from './modules.ts'
import { makeReport } from './report.ts'
import { isSaved, selectTargets, unmatchedEntries, valueFor } from './targets.ts'
import type { LoraModule, ParsedAdapter, Replacement } from './types.ts'

export interface ParseOptions {
  /** Shown to people; a folder or file name. */
  name: string
  /** Names the loaded model goes by (hub name, folder, id); compared with the one the adapter was trained on. */
  baseNames?: readonly string[]
  /** The weights file, for messages. */
  file?: string
}

/**
 * An adapter in terms of the decoder's steps. Every tensor must have its place and its exact shape.
 *
 * @param tensors The weights file, names as stored.
 * @throws `bad-file` naming the first tensor or field that does not fit the model or the config.
 */
export function parseAdapter(
  config: AdapterConfig,
  tensors: ReadonlyMap<string, AdapterTensor>,
  spec: DecoderSpec,
  options: ParseOptions,
): ParsedAdapter {
  const table = new AdapterTensors(tensors, options.file ?? 'adapter_model.safetensors')
  const tree = moduleTree(spec, table.names)
  const targets = selectTargets(tree.modules, config, spec.tiedHead)
  const modules = targets.flatMap((module) => takeLora(table, module, config))
  const replacements = takeReplacements(table, tree, targets, config, spec)
  table.finish((name) => reasonFor(name, tree, targets, config))
  const unmatched = unmatchedEntries(config, tree.modules, targets, spec.layers)
  const report = makeReport(config, tensors, options, { modules, replacements, unmatched })
  return { name: options.name, modules, replacements, report }
}

/** Both factors (and the magnitude) of one module, split into the steps that share it. */
function takeLora(table: AdapterTensors, module: ModelModule, config: AdapterConfig): LoraModule[] {
  const { name, kind, out } = module
  const rank = valueFor(name, config.rankPattern, config.rank)
  const alpha = valueFor(name, config.alphaPattern, config.alpha)
  const [keyA, keyB] =
    kind === 'embedding' ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight']
  const why = `rank ${rank} by ${CONFIG_FILE}, ${module.in} inputs and ${out} outputs in the model`
  const a = table.take(`${name}.${keyA}`, [rank, module.in], why)
  const b = table.take(`${name}.${keyB}`, [out, rank], why)
  const magnitude = config.dora ? takeMagnitude(table, module) : null
  return module.parts.map(({ step, rows }) => ({
    step,
    kind,
    source: name,
    rows,
    in: module.in,
    out: rows[1] - rows[0],
    rank,
    alpha,
    scaling: alpha / (config.rslora ? Math.sqrt(rank) : rank),
    a,
    b: b.subarray(rows[0] * rank, rows[1] * rank),
    magnitude: magnitude?.subarray(rows[0], rows[1]) ?? null,
  }))
}

/** Written with `.weight` by some releases of PEFT. */
function takeMagnitude(table: AdapterTensors, { name, out }: ModelModule): Float32Array {
  const key = `${name}.lora_magnitude_vector`
  return table.take(table.has(`${key}.weight`) ? `${key}.weight` : key, [out], 'use_dora: one per output')
}

/** What a plain parameter of the file replaces, or null when the config does not account for it. */
function originOf(
  parameter: string,
  wrapped: boolean,
  isTargeted: boolean,
  { bias, ...config }: AdapterConfig,
  tied: string | null,
): Replacement['origin'] | null {
  const saved = isSaved(parameter, { bias, ...config })
  if (!wrapped && (saved || (tied !== null && isSaved(tied, { bias, ...config })))) return 'module'
  if (parameter.endsWith('.bias')) {
    const trained = bias === 'all' || (bias === 'lora_only' && isTargeted)
    return trained && wrapped === isTargeted ? 'bias' : null
  }
  // Saved with an adapted or resized embedding; loading it overwrites the base's.
  return isTargeted === wrapped ? 'base' : null
}

function takeReplacements(
  table: AdapterTensors,
  tree: ModuleTree,
  targets: readonly ModelModule[],
  config: AdapterConfig,
  spec: DecoderSpec,
): Replacement[] {
  const taken = new Map<string, Replacement>()
  const ends = tree.modules.filter(({ head, parts }) => head || parts[0]?.step === 'embed')
  for (const [parameter, weights] of tree.parameters) {
    const module = parameter.slice(0, parameter.lastIndexOf('.'))
    const wrappedName = `${module}.base_layer${parameter.slice(module.length)}`
    const targeted = targets.some(({ name }) => name === module)
    const isEnd = ends.some(({ name }) => name === module)
    const otherEnd = spec.tiedHead && isEnd ? ends.find(({ name }) => name !== module) : undefined
    const tied = config.ensureWeightTying && otherEnd ? `${otherEnd.name}.weight` : null
    const wrapped = table.has(wrappedName)
    const stored = wrapped ? wrappedName : parameter
    const origin = originOf(parameter, wrapped, targeted, config, tied)
    const required = origin === 'module' && isSaved(parameter, config)
    if (origin === null || (origin === 'base' && !wrapped && !isEnd) || !(required || table.has(stored)))
      continue
    for (const part of takeParameter(table, stored, weights, origin)) taken.set(part.name, part)
  }
  if (spec.tiedHead) copyTiedBase(taken)
  refuseUnknownModules(config, tree)
  return [...taken.values()]
}

/** PEFT writes a stored base matrix into the shared parameter, so both ends of a tied pair take it. */
function copyTiedBase(taken: Map<string, Replacement>): void {
  for (const [from, to] of [
    ['embed', 'logits'],
    ['logits', 'embed'],
  ] as const) {
    const base = taken.get(from)
    if (base?.origin === 'base' && !taken.has(to)) taken.set(to, { ...base, name: to })
  }
}

function refuseUnknownModules(config: AdapterConfig, { parameters }: ModuleTree): void {
  const unknown = config.modulesToSave.find(
    (entry) => ![...parameters.keys()].some((name) => isSaved(name, { ...config, modulesToSave: [entry] })),
  )
  if (unknown === undefined) return
  const hint = 'The adapter was trained on another architecture, or with a head for another task.'
  throw badFile(CONFIG_FILE, 'modules_to_save', JSON.stringify(unknown), 'modules of this model', hint)
}

/** A whole parameter of the checkpoint's layout, in the decoder's: turned to `[out, in]` and split where it is fused. */
function takeParameter(
  table: AdapterTensors,
  stored: string,
  weights: readonly NamedWeight[],
  origin: Replacement['origin'],
): Replacement[] {
  const first = weights[0]
  invariant(first, 'every parameter has a weight')
  const outs = Math.max(...weights.map(({ ref }) => ref.rows?.[1] ?? ref.shape[0] ?? 0))
  const inner = first.ref.shape[1]
  const turned = first.ref.layout === 'in_out' && inner !== undefined
  const shape = inner === undefined ? [outs] : turned ? [inner, outs] : [outs, inner]
  const raw = table.take(stored, shape, 'as in the model')
  const values = turned ? transpose(raw, inner, outs) : raw
  return weights.map(({ name, ref }) => {
    const [begin, end] = ref.rows ?? [0, outs]
    const width = inner ?? 1
    return { name, shape: ref.shape, values: values.subarray(begin * width, end * width), origin }
  })
}

/** `[rows, columns]` → `[columns, rows]`. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column] ?? 0
    }
  }
  return turned
}

/** Why a tensor was left over, as what was expected instead. */
function reasonFor(
  name: string,
  tree: ModuleTree,
  targets: readonly ModelModule[],
  config: AdapterConfig,
): string {
  const module = name.replace(/\.(lora_|base_layer\.|weight$|bias$).*$/, '')
  const known = tree.modules.some((candidate) => candidate.name === module)
  if (name.includes('.lora_magnitude_vector') && !config.dora) return `none of its kind, as use_dora is false`
  if (name.includes('.lora_')) {
    if (!known) return `a module of this model; it has no ${module}`
    if (!targets.some((target) => target.name === module)) return `a module that target_modules names`
    return 'lora_A and lora_B of a target'
  }
  if (name.endsWith('.bias')) return `a bias of this model, and bias to be 'all' (got '${config.bias}')`
  return 'a parameter of this model that modules_to_save names'
}
