import type { ModelDescription } from '../arch/spec.ts'
import { badFile } from '../formats/badFile.ts'
import type { AdapterTensors } from './adapterTensors.ts'
import { CONFIG_FILE, type AdapterConfig } from './config.ts'
import { valueFor } from './targets.ts'
import type { ExpertLora } from './types.ts'

type ExpertMatrix = 'gate' | 'up' | 'down'

/** A parameter of all experts of a layer, and the products it is of. */
interface ExpertParameter {
  readonly name: string
  readonly parts: readonly ExpertMatrix[]
}

const GATE_UP: ExpertParameter = { name: 'gate_up_proj', parts: ['gate', 'up'] }
const DOWN: ExpertParameter = { name: 'down_proj', parts: ['down'] }

/** Model types whose classes keep gate and up of an expert in turns, whatever the checkpoint does. */
const IN_TURNS: readonly string[] = ['gpt_oss']

/** A's of a wrapped module of a layer. A wrapper of a second parameter stands around that of the first. */
const FACTOR = /^((?:.*\.)?layers\.(\d+)\..*?)(?:\.base_layer)*\.lora_A\.weight$/

/** Sizes of the experts of a layer; null where it has none. */
interface ExpertSizes {
  readonly prefix: string
  readonly experts: number
  readonly hidden: number
  readonly width: number
}

function sizesOf(model: ModelDescription, layer: string): ExpertSizes | null {
  const prefix = `layers.${layer}.mlp.`
  const gate = model.params.find(({ name }) => name === `${prefix}gate`)
  if (gate?.experts === undefined) return null
  const [rows = 0, hidden = 0] = gate.shape
  return { prefix, experts: gate.experts, hidden, width: rows / gate.experts }
}

/** Of B `[out · parts, rank, experts]` the outputs of one part: `[experts, out, rank]`. */
function partOfB(
  b: Float32Array,
  { experts, rank, out }: { experts: number; rank: number; out: number },
  outputAt: (n: number) => number,
): Float32Array {
  const values = new Float32Array(experts * out * rank)
  for (let at = 0; at < values.length; at++) {
    const [e, n, r] = [Math.floor(at / (out * rank)), Math.floor(at / rank) % out, at % rank]
    values[at] = b[(outputAt(n) * rank + r) * experts + e] ?? 0
  }
  return values
}

/** A pair of factors in the file, on a parameter of the experts of a layer. */
export interface FoundExperts {
  readonly nameA: string
  readonly parameter: ExpertParameter
  readonly source: string
  readonly sizes: ExpertSizes
  /** Inputs of A, outputs of B. */
  readonly inner: number
  readonly outs: number
}

const nameOfB = (nameA: string): string => nameA.replace('.lora_A.', '.lora_B.')

/** Which parameter factors are on. Wrappers of two are nested in an order that is the class's own, so shapes say which is which. */
function findPair(
  nameA: string,
  { table, config, model }: { table: AdapterTensors; config: AdapterConfig; model: ModelDescription },
  isModule: (name: string) => boolean,
): FoundExperts | null {
  const [, path, layer] = FACTOR.exec(nameA) ?? []
  const sizes = layer === undefined ? null : sizesOf(model, layer)
  if (path === undefined || sizes === null || isModule(path)) return null
  const [outs, inner] = [table.shapeOf(nameOfB(nameA))?.[0], table.shapeOf(nameA)?.[1]]
  if (outs === undefined || inner === undefined) return null
  const { hidden, width } = sizes
  const parameter = [GATE_UP, DOWN].find(({ parts }) =>
    parts.length === 2 ? inner === hidden && outs === 2 * width : inner === width && outs === hidden,
  )
  if (!parameter) return null
  // As the patterns of PEFT see it.
  const source = `${path}.${parameter.name}`
  const isTargeted = config.parameters.some((entry) => isTail(source, entry))
  return isTargeted ? { nameA, parameter, source, sizes, inner, outs } : null
}

function takePair(
  table: AdapterTensors,
  config: AdapterConfig,
  { nameA, parameter: { parts }, source, sizes: { experts, prefix }, inner, outs }: FoundExperts,
  isInTurns: boolean,
): ExpertLora[] {
  const rank = valueFor(source, config.rankPattern, config.rank)
  const alpha = valueFor(source, config.alphaPattern, config.alpha)
  const scaling = alpha / (config.rslora ? Math.sqrt(rank) : rank)
  const why = `rank ${rank} by ${CONFIG_FILE} for each of ${experts} experts`
  const a = table.claim(nameA, [experts * rank, inner], why)
  const b = table.claim(nameOfB(nameA), [outs, experts * rank], why)
  const out = outs / parts.length
  return parts.map((part, i): ExpertLora => {
    const outputAt = (n: number): number => (isInTurns ? n * parts.length + i : i * out + n)
    const partB = partOfB(b, { experts, rank, out }, outputAt)
    return { step: prefix + part, source, experts, in: inner, out, rank, alpha, scaling, a, b: partB }
  })
}

/**
 * Low ranks on the parameters of experts, which PEFT calls `target_parameters`: of every expert e Wₑ + scaling·Bₑ·Aₑ.
 * @throws `bad-file` where an entry of the config has none
 */
export function findExperts(
  table: AdapterTensors,
  config: AdapterConfig,
  model: ModelDescription,
  isModule: (name: string) => boolean,
): FoundExperts[] {
  const pairs = [...table.names].flatMap((name) => findPair(name, { table, config, model }, isModule) ?? [])
  const missing = config.parameters.find((entry) => !pairs.some(({ source }) => isTail(source, entry)))
  if (missing === undefined) return pairs
  const expected = 'parameters of experts of this model, with low ranks in the file'
  throw badFile(CONFIG_FILE, 'target_parameters', JSON.stringify(missing.slice(0, 100)), expected)
}

/** Takes what was found, once the patterns of the config were matched. @throws `bad-file` for a wrong shape */
export function takeExperts(
  table: AdapterTensors,
  config: AdapterConfig,
  model: ModelDescription,
  pairs: readonly FoundExperts[],
): ExpertLora[] {
  const isInTurns = IN_TURNS.includes(model.modelType)
  return pairs.flatMap((pair) => takePair(table, config, pair, isInTurns))
}

const isTail = (name: string, entry: string): boolean => name === entry || name.endsWith(`.${entry}`)
