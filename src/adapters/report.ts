import { dtypeBytes } from '../formats/safetensors.ts'
import type { AdapterTensor } from './adapterTensors.ts'
import type { AdapterConfig } from './config.ts'
import type {
  AdapterFeature,
  AdapterReport,
  ExpertLora,
  LoraModule,
  MatchedModule,
  ParsedAdapter,
  Replacement,
} from './types.ts'

interface ReportOptions {
  name: string
  baseNames?: readonly string[]
  remarks?: readonly string[]
}

type MatchedTensors = Pick<ParsedAdapter, 'modules' | 'replacements' | 'experts'> & {
  unmatched: readonly string[]
}

/** The part of the report that follows from the files alone; `effect` is measured later. */
export function makeReport(
  config: AdapterConfig,
  tensors: ReadonlyMap<string, AdapterTensor>,
  { name, baseNames = [], remarks = [] }: ReportOptions,
  { modules, replacements, experts = [], unmatched }: MatchedTensors,
): AdapterReport {
  const baseModel = compareBase(config.baseModel, baseNames)
  const list = [...tensors.values()]
  const elements = ({ shape }: AdapterTensor): number => shape.reduce((product, size) => product * size, 1)
  return {
    name,
    matched: [...modules.map(describeModule), ...experts.map(describeExperts)],
    replaced: replacements.map(({ name, shape, origin }) => ({ name, shape, origin })),
    matchedKeys: tensors.size,
    unmatchedEntries: unmatched,
    baseModel,
    bytes: list.reduce((sum, tensor) => sum + elements(tensor) * dtypeBytes(tensor.dtype), 0),
    parameters: list.reduce((sum, tensor) => sum + elements(tensor), 0),
    features: featuresOf(config, modules, replacements, experts.length > 0),
    warnings: [
      ...(baseModel.matches === false
        ? [
            `Trained on '${baseModel.named}', loaded is '${baseModel.loaded}': the shapes fit, the effect may not.`,
          ]
        : []),
      ...config.remarks,
      ...remarks,
      ...unmatched.map((entry) => `The config's ${entry} names nothing in this model.`),
      ...(isWithoutEffect([...modules, ...experts], replacements)
        ? ['The adapter changes nothing: every update is zero, as before training.']
        : []),
    ],
    effect: null,
  }
}

function describeModule({
  step,
  source,
  rank,
  alpha,
  scaling,
  in: inner,
  out,
  magnitude,
}: LoraModule): MatchedModule {
  const shapes = { a: [rank, inner], b: [out, rank] } as const
  return { step, source, rank, alpha, scaling, shapes, dora: magnitude !== null }
}

/** Shapes are those of the file: of all experts side by side. */
function describeExperts({ experts, in: inner, out, ...lora }: ExpertLora): MatchedModule {
  const { step, source, rank, alpha, scaling } = lora
  const ranks = experts * rank
  return { step, source, rank, alpha, scaling, shapes: { a: [ranks, inner], b: [out, ranks] }, dora: false }
}

/** A folder of the hub's cache, which is named after the model: `…/models--owner--name/snapshots/<hash>`. */
const CACHED = /^(?:.*[\\/])?models--(?:[^\\/]*?--)?([^\\/]+?)(?:[\\/].*)?$/
/** Endings that say how the same weights are packed. */
const PACKED = /(?:[-_.](?:unsloth|bnb|[48]bit|gguf|awq|gptq|int[48]|fp8|bf16|mlx|i?q\d(?:_\w+)?))+$/

/** Last part of a name or path, as owners and folders differ from place to place, without how its weights are packed. */
function plainName(name: string): string {
  return name
    .replace(/[\\/]+$/, '')
    .replace(CACHED, '$1')
    .replace(/^.*[\\/]/, '')
    .replace(/@.*$/, '')
    .toLowerCase()
    .replace(PACKED, '')
}

function compareBase(named: string | null, loaded: readonly string[]): AdapterReport['baseModel'] {
  const isNamed = named !== null && named !== '' && loaded.length > 0
  const matches = isNamed ? loaded.some((name) => plainName(name) === plainName(named)) : null
  return { named, loaded: loaded[0] ?? null, matches }
}

function featuresOf(
  config: AdapterConfig,
  modules: readonly LoraModule[],
  replacements: readonly Replacement[],
  onExperts: boolean,
): AdapterFeature[] {
  const used: Record<AdapterFeature, boolean> = {
    lora: modules.length > 0 || onExperts,
    rslora: config.rslora,
    dora: config.dora,
    bias: replacements.some(({ origin }) => origin === 'bias'),
    modules_to_save: replacements.some(({ origin }) => origin === 'module'),
    embedding: modules.some(({ kind }) => kind === 'embedding'),
    head: modules.some(({ step }) => step === 'logits'),
    rank_pattern: config.rankPattern.length > 0,
    alpha_pattern: config.alphaPattern.length > 0,
    layers_to_transform: config.layers !== null,
    ensure_weight_tying: config.ensureWeightTying,
    target_parameters: onExperts,
  }
  return (Object.keys(used) as AdapterFeature[]).filter((feature) => used[feature])
}

/** A freshly initialised adapter has one factor all zero. DoRA and replaced parameters may act even so. */
function isWithoutEffect(
  modules: readonly (LoraModule | ExpertLora)[],
  replacements: readonly Replacement[],
): boolean {
  const isZero = (values: Float32Array): boolean => values.every((value) => value === 0)
  return (
    replacements.every(({ origin }) => origin === 'base') &&
    modules.every(
      ({ a, b, scaling, ...module }) =>
        (!('magnitude' in module) || module.magnitude === null) && (scaling === 0 || isZero(b) || isZero(a)),
    )
  )
}
