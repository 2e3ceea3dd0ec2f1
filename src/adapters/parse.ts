import { invariant } from '../errors.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { outputAt, outputCount, takeOutputs } from '../program/outputs.ts'
import type { ParamRef } from '../program/step.ts'
import { AdapterTensors, type AdapterTensor } from './adapterTensors.ts'
import { CONFIG_FILE, type AdapterConfig } from './config.ts'
import type { findExperts, takeExperts } from './expertLora.ts'
import { moduleTree, type ModelModule, type ModuleTree } from './modules.ts'
import { makeReport } from './report.ts'
import { isSaved, matchConfig, selectTargets, unmatchedEntries, valueFor } from './targets.ts'
import type { LoraModule, ParsedAdapter, Replacement } from './types.ts'

export interface ParseOptions {
  /** Shown to people; a folder or file name. */
  name: string
  /** Names the loaded model goes by (hub name, folder, id); compared with the one the adapter was trained on. */
  baseNames?: readonly string[]
  /** The weights file, for messages. */
  file?: string
  /** What was passed over while the files were read, for the report. */
  remarks?: readonly string[]
  /** What reads low ranks on parameters of experts; there where the config has them. */
  onExperts?: { findExperts: typeof findExperts; takeExperts: typeof takeExperts } | undefined
}

/**
 * An adapter in terms of the decoder's steps. Every tensor must have its place and its exact shape.
 *
 * @param tensors The weights file, names as stored.
 * @throws `bad-file` naming the first tensor or field that does not fit the model or the config.
 */
export async function parseAdapter(
  config: AdapterConfig,
  tensors: ReadonlyMap<string, AdapterTensor>,
  model: ModelDescription,
  options: ParseOptions,
): Promise<ParsedAdapter> {
  const table = new AdapterTensors(tensors, options.file ?? 'adapter_model.safetensors', config.baseModel)
  const tree = moduleTree(model, table.names)
  const { onExperts } = options
  const isModule = (name: string): boolean => tree.modules.some((module) => module.name === name)
  const expertPairs = onExperts?.findExperts(table, config, model, isModule) ?? []
  const wrapped = expertPairs.map(({ source }) => ({ name: source }))
  await matchConfig(config, [...tree.modules, ...wrapped])
  const none = config.targets.kind === 'names' && config.targets.names.length === 0
  const targets = none ? [] : selectTargets(tree.modules, config, model.tiedLmHead)
  const experts = onExperts?.takeExperts(table, config, model, expertPairs)
  const reason = (name: string): string => reasonFor(name, tree, targets, config)
  // Names first: a file for another model then says so, instead of what it lacks.
  table.refuseUnknown((name) => table.isTaken(name) || isKnown(name, tree), reason)
  const modules = targets.flatMap((module) => takeLora(table, module, config))
  const replacements = takeReplacements(table, tree, targets, config, model)
  table.finish(reason)
  const unmatched = unmatchedEntries(config, tree, [...targets, ...wrapped], model.layers)
  const parts = { modules, replacements, ...(experts && { experts }) }
  const report = makeReport(config, tensors, options, { ...parts, unmatched })
  return { name: options.name, ...parts, report }
}

/** Both factors (and the magnitude) of one module, split into the steps that share it. */
function takeLora(table: AdapterTensors, module: ModelModule, config: AdapterConfig): LoraModule[] {
  const { name, kind, out } = module
  const rank = valueFor(name, config.rankPattern, config.rank)
  const alpha = valueFor(name, config.alphaPattern, config.alpha)
  const [keyA, keyB] =
    kind === 'embedding' ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight']
  const why = `rank ${rank} by ${CONFIG_FILE}, ${module.in} inputs and ${out} outputs in the model`
  const a = table.claim(`${name}.${keyA}`, [rank, module.in], why)
  const b = table.claim(`${name}.${keyB}`, [out, rank], why)
  const magnitude = config.dora ? takeMagnitude(table, module) : null
  return module.parts.map((part) => ({
    ...part,
    kind,
    source: name,
    in: module.in,
    out: outputCount(part, out),
    rank,
    alpha,
    scaling: alpha / (config.rslora ? Math.sqrt(rank) : rank),
    a,
    b: takeOutputs(part, b, rank),
    magnitude: magnitude && takeOutputs(part, magnitude, 1),
  }))
}

/** Written with `.weight` by some releases of PEFT. */
function takeMagnitude(table: AdapterTensors, { name, out }: ModelModule): Float32Array {
  const key = `${name}.lora_magnitude_vector`
  return table.claim(table.has(`${key}.weight`) ? `${key}.weight` : key, [out], 'use_dora: one per output')
}

interface PlainParameter {
  name: string
  /** Stored as `….base_layer.…`, which is how PEFT writes parameters of a module it has wrapped. */
  wrapped: boolean
  targeted: boolean
  /** Embedding or head. */
  isEnd: boolean
  /** The other end's parameter, when tying is ensured. */
  tiedTo: string | null
}

/** What a plain parameter of the file replaces, or null when the config does not account for it. */
function originOf(parameter: PlainParameter, config: AdapterConfig): Replacement['origin'] | null {
  const { name, wrapped, targeted, isEnd, tiedTo } = parameter
  const saved = isSaved(name, config) || (tiedTo !== null && isSaved(tiedTo, config))
  if (!wrapped && saved) return 'module'
  if (name.endsWith('.bias')) {
    const trained = config.bias === 'all' || (config.bias === 'lora_only' && targeted)
    return trained && wrapped === targeted ? 'bias' : null
  }
  // Saved beside an adapted or resized embedding; loading it overwrites the base's.
  return (wrapped && targeted) || (isEnd && !wrapped && !targeted) ? 'base' : null
}

function takeReplacements(
  table: AdapterTensors,
  tree: ModuleTree,
  targets: readonly ModelModule[],
  config: AdapterConfig,
  model: ModelDescription,
): Replacement[] {
  const taken = new Map<string, Replacement>()
  const ends = tree.modules.filter(({ isLmHead, parts }) => isLmHead || parts[0]?.step === 'embed')
  for (const [name, weights] of tree.parameters) {
    const module = name.slice(0, name.lastIndexOf('.'))
    const wrappedName = `${module}.base_layer${name.slice(module.length)}`
    const wrapped = table.has(wrappedName)
    const isEnd = ends.some((end) => end.name === module)
    const other = config.ensureWeightTying && isEnd ? ends.find((end) => end.name !== module) : undefined
    const tiedTo = model.tiedLmHead && other ? `${other.name}.weight` : null
    const targeted = targets.some((target) => target.name === module)
    const origin = originOf({ name, wrapped, targeted, isEnd, tiedTo }, config)
    if (origin === null) continue
    const stored = wrapped ? wrappedName : name
    if (!table.has(stored) && !(origin === 'module' && isSaved(name, config))) continue
    for (const part of takeParameter(table, stored, weights, origin)) taken.set(part.name, part)
  }
  if (model.tiedLmHead) copyTiedBase(taken)
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

/** A whole parameter of the checkpoint's layout, in the decoder's: turned to `[out, in]` and split where it is fused. */
function takeParameter(
  table: AdapterTensors,
  stored: string,
  params: readonly ParamRef[],
  origin: Replacement['origin'],
): Replacement[] {
  const first = params[0]
  invariant(first, 'every parameter has a weight')
  const outs = Math.max(...params.map((param) => outputAt(param, (param.shape[0] ?? 1) - 1) + 1))
  const inner = first.shape[1]
  const turned = first.layout === 'in_out' && inner !== undefined
  const shape = inner === undefined ? [outs] : turned ? [inner, outs] : [outs, inner]
  const raw = table.claim(stored, shape, 'as in the model')
  const values = turned ? transpose(raw, inner, outs) : raw
  return params.map((param) => {
    const { name, shape: fullShape } = param
    return { name, shape: fullShape, values: takeOutputs(param, values, inner ?? 1), origin }
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

function moduleOf(name: string): string {
  return name.replace(/\.(lora_|base_layer\.|weight$|bias$).*$/, '')
}

/** False for a LoRA tensor of a module that this model does not have. */
function isKnown(name: string, { modules }: ModuleTree): boolean {
  return !name.includes('.lora_') || modules.some((module) => module.name === moduleOf(name))
}

/** Why a tensor was left over, as what was expected instead. */
function reasonFor(
  name: string,
  tree: ModuleTree,
  targets: readonly ModelModule[],
  config: AdapterConfig,
): string {
  const module = moduleOf(name)
  if (name.includes('.lora_magnitude_vector') && !config.dora) return `none of its kind, as use_dora is false`
  if (name.includes('.lora_')) {
    if (!isKnown(name, tree)) return `a module of this model; it has no ${module}`
    if (!targets.some((target) => target.name === module)) return `a module that target_modules names`
    return 'lora_A and lora_B of a target'
  }
  if (name.endsWith('.bias')) return `a bias of this model, and bias to be 'all' (got '${config.bias}')`
  return 'a parameter of this model that modules_to_save names'
}
