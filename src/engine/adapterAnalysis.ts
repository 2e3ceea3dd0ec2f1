import { adapterCost, deltaCosine, deltaSpectrum, direction } from '../adapters/analysis.ts'
import type { LoraModule, ParsedAdapter } from '../adapters/types.ts'
import { invariant, TokenscopeError } from '../errors.ts'
import { isOp, type ParamRef } from '../program/step.ts'
import type { AdapterAnalysis, DirectionTokens, ModuleAnalysis } from '../api/model.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'

const TOP_TOKENS = 12

/** The parameter that an adapter's module changes: a step's matrix or the learned positions; a tied head's is the embedding. */
function parameterOf({ model }: Runner, step: string): ParamRef {
  const namedParam = model.params.find(({ name }) => name === step)
  const param = namedParam ?? model.params.find(({ name }) => name === 'embed')
  invariant(param, `${step} has a parameter`)
  return param
}

/** ‖W‖_F of the matrices adapters sit on, read back once per model. */
export class WeightNorms {
  private readonly norms = new Map<string, Promise<number>>()
  private readonly runner: Runner

  constructor(runner: Runner) {
    this.runner = runner
  }

  get(step: string): Promise<number> {
    const cached = this.norms.get(step)
    if (cached) return cached
    const norm = this.measure(step)
    this.norms.set(step, norm)
    return norm
  }

  private async measure(step: string): Promise<number> {
    const reader = new WeightReader(this.runner)
    const values = await reader.parameter(parameterOf(this.runner, step))
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  }
}

/** How large each module's update is beside its weights, and how many directions carry it. DoRA's rescaling is not counted. */
export async function analyseAdapter(parsed: ParsedAdapter, norms: WeightNorms): Promise<AdapterAnalysis> {
  const modules: ModuleAnalysis[] = []
  for (const module of parsed.modules) {
    const { values, norm, energy, effectiveRank } = deltaSpectrum(module)
    const weightNorm = await norms.get(module.step)
    modules.push({
      step: module.step,
      rank: module.rank,
      deltaNorm: norm,
      weightNorm,
      ratio: norm / weightNorm,
      singularValues: Array.from(values),
      energy: Array.from(energy),
      effectiveRank,
    })
  }
  return { modules, cost: adapterCost(parsed.modules, 4) }
}

function findModule(parsed: ParsedAdapter, step: string): LoraModule {
  const module = parsed.modules.find((candidate) => candidate.step === step)
  if (module) return module
  throw new TokenscopeError(
    'bad-argument',
    `The adapter "${parsed.name}" has no low-rank update on ${step}.`,
    {
      details: { step, steps: parsed.modules.map((candidate) => candidate.step) },
    },
  )
}

/** Whether a step reads rows of the residual stream, normed or not, and whether what it makes joins the stream. */
function relationOf({ model }: Runner, name: string): { reads: boolean; writes: boolean } {
  const { steps } = model.record({ rows: 1, logitRows: 1, positions: 1 })
  const step = steps.find((candidate) => candidate.name === name)
  const producer = steps.find((candidate) => candidate.name === step?.inputs[0])
  const normed = isOp(producer, 'rms_norm', 'layer_norm') && producer.stream === 'reads'
  const readers = steps.filter(({ inputs }) => inputs.includes(name))
  const joins = readers.some((reader) => isOp(reader, 'rms_norm', 'layer_norm') && reader.stream === 'writes')
  return { reads: step?.stream === 'reads' || normed, writes: step?.stream === 'writes' || joins }
}

/** Tokens whose row of a [vocab, hidden] table lies most along a direction, by cosine; both signs. */
function alignedTokens(table: Float32Array, along: Float64Array): { id: number; score: number }[] {
  const width = along.length
  const scores: { id: number; score: number }[] = []
  for (let id = 0; id < table.length / width; id++) {
    let dot = 0
    let square = 0
    for (let i = 0; i < width; i++) {
      const value = table[id * width + i] ?? 0
      dot += value * (along[i] ?? 0)
      square += value * value
    }
    scores.push({ id, score: square === 0 ? 0 : dot / Math.sqrt(square) })
  }
  return scores.sort((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, TOP_TOKENS)
}

/**
 * The tokens that singular direction `k` of a module's update reads (through the embedding) and writes (through the head): the
 * cosine of their rows with the direction. Null where a side does not lie in the residual stream.
 */
export async function directionTokens(
  runner: Runner,
  parsed: ParsedAdapter,
  step: string,
  k: number,
): Promise<DirectionTokens> {
  const module = findModule(parsed, step)
  const { left, right, values } = deltaSpectrum(module)
  if (!Number.isInteger(k) || k < 0 || k >= values.length) {
    throw new TokenscopeError(
      'bad-argument',
      `Direction ${k} does not exist; ${step} has ${values.length}.`,
      {
        details: { field: 'k', got: k, expected: `0 to ${values.length - 1}` },
      },
    )
  }
  const reader = new WeightReader(runner)
  const table = (name: string): Promise<Float32Array> => reader.parameter(parameterOf(runner, name))
  const relation = relationOf(runner, step)
  return {
    step,
    k,
    singularValue: values[k] ?? 0,
    reads: relation.reads ? alignedTokens(await table('embed'), direction(right, k)) : null,
    writes: relation.writes ? alignedTokens(await table('logits'), direction(left, k)) : null,
  }
}

/** Cosine between the updates of two adapters, for every module both change. */
export function adapterSimilarity(
  first: ParsedAdapter,
  second: ParsedAdapter,
): { step: string; cosine: number | null }[] {
  return first.modules.flatMap((module) => {
    const other = second.modules.find(({ step }) => step === module.step)
    return other ? [{ step: module.step, cosine: deltaCosine(module, other) }] : []
  })
}
