import { outputAt } from '../program/outputs.ts'
import { TokenscopeError } from '../errors.ts'
import { WRAPPER } from './adapterTensors.ts'
import { CONFIG_FILE } from './config.ts'
import { WEIGHTS_FILE } from './load.ts'
import type { LoraModule, ParsedAdapter } from './types.ts'
import { writeSafetensors, type OutputTensor } from './writeSafetensors.ts'

export interface ScaledAdapter {
  adapter: ParsedAdapter
  /** The user's scale; negative ones work. */
  scale: number
}

/** One source module with the ranks of all adapters side by side, and what its config says of them. */
export interface CombinedSource {
  source: string
  kind: LoraModule['kind']
  in: number
  out: number
  rank: number
  alpha: number
  /** What B·A is multiplied by on loading. */
  scaling: number
  a: Float32Array // [rank, in]
  b: Float32Array // [out, rank]
}

/**
 * One adapter at scale 1 as it is held: its own A and B, ranks and alphas. Others are folded into one that needs no scaling.
 *
 * Scaled adapters as one: Σ sᵢ·scalingᵢ·BᵢAᵢ = [s₁·scaling₁·B₁ …][A₁; …], PEFT's "cat" combination. Exact but for rounding B to f32.
 *
 * @returns files by name, as PEFT's `save_pretrained` writes them.
 * @throws `unsupported` when a part is more than plain low-rank updates, `bad-argument` where every scale is 0.
 */
export function combineAdapters(
  parts: readonly ScaledAdapter[],
  options: { baseModel: string | null; dtype?: OutputTensor['dtype'] },
): Map<string, Uint8Array> {
  const sources = combinedPairs(parts)
  const dtype = options.dtype ?? 'F32'
  const tensors = sources.flatMap(({ source, kind, rank, a, b, ...sizes }) => {
    const [keyA, keyB] =
      kind === 'embedding' ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight']
    const name = `${WRAPPER}${source}.`
    return [
      { name: name + keyA, dtype, shape: [rank, sizes.in], values: a },
      { name: name + keyB, dtype, shape: [sizes.out, rank], values: b },
    ]
  })
  const config = new TextEncoder().encode(
    `${JSON.stringify(combinedConfig(sources, options.baseModel), null, 2)}\n`,
  )
  return new Map([
    [CONFIG_FILE, config],
    [WEIGHTS_FILE, writeSafetensors(tensors)],
  ])
}

/** The modules of scaled adapters as one. One adapter at scale 1 keeps its own A and B, its alpha and its scaling. */
export function combinedPairs(parts: readonly ScaledAdapter[]): CombinedSource[] {
  const used = combinable(parts)
  return combineSources(used, used.length === 1 && used[0]?.scale === 1)
}

/** Those that act. Throws where there is none, or one that is more than low-rank updates. */
function combinable(parts: readonly ScaledAdapter[]): ScaledAdapter[] {
  const used = parts.filter(({ scale }) => scale !== 0)
  if (used.length === 0) {
    throw new TokenscopeError('bad-argument', 'Nothing to combine: every adapter has scale 0.', {
      hint: 'Set at least one scale.',
    })
  }
  for (const { adapter } of used) refuseUncombinable(adapter)
  return used
}

/** A stored copy of the base's matrix that equals the loaded one is to be dropped from `replacements` before. */
function refuseUncombinable({ name, modules, replacements, experts }: ParsedAdapter): void {
  const replaced = replacements[0]
  const dora = modules.find(({ magnitude }) => magnitude !== null)
  const what = replaced ? `replaces ${replaced.name}` : dora ? `uses DoRA at ${dora.step}` : null
  if (experts !== undefined) throw onExperts(name)
  if (what === null) return
  throw new TokenscopeError('unsupported', `${name} ${what}, which no sum of ranks can express.`, {
    hint: 'Export the merged model instead, or combine plain LoRA adapters.',
    details: { adapter: name, module: replaced?.name ?? dora?.step, expected: 'plain LoRA' },
  })
}

/** Low ranks on experts are applied as they run, and merged; no file is made of them alone. */
function onExperts(adapter: string): TokenscopeError {
  return new TokenscopeError(
    'unsupported',
    `${adapter} adapts the parameters of experts, which are not exported here.`,
    {
      hint: 'Use the files it came in, or export the merged model.',
      details: { adapter, field: 'target_parameters' },
    },
  )
}

/** Keyed by step: two files may call the same module by different names. */
function combineSources(parts: readonly ScaledAdapter[], isHeld: boolean): CombinedSource[] {
  const byStep = new Map<string, ScaledModule[][]>()
  for (const { adapter, scale } of parts) {
    for (const modules of groupBySource(adapter.modules)) {
      const step = modules[0]?.step ?? ''
      byStep.set(step, [...(byStep.get(step) ?? []), modules.map((module) => ({ module, scale }))])
    }
  }
  return [...byStep.values()].map((groups) => combineSource(groups, isHeld))
}

interface ScaledModule {
  module: LoraModule
  scale: number
}

/** Steps of one source together, in the order of its outputs. */
function groupBySource(modules: readonly LoraModule[]): LoraModule[][] {
  const groups = new Map<string, LoraModule[]>()
  for (const module of modules) groups.set(module.source, [...(groups.get(module.source) ?? []), module])
  return [...groups.values()]
}

/** @param groups per adapter, the steps that share the source. */
function combineSource(groups: readonly (readonly ScaledModule[])[], isHeld: boolean): CombinedSource {
  const firsts = groups.flatMap((group) => group.slice(0, 1).map(({ module }) => module))
  const rank = firsts.reduce((sum, module) => sum + module.rank, 0)
  const inner = firsts[0]?.in ?? 0
  const out = Math.max(...(groups[0] ?? []).map(({ module }) => outputAt(module, module.out - 1) + 1))
  const a = new Float32Array(rank * inner)
  const b = new Float32Array(out * rank)
  let offset = 0
  for (const group of groups) {
    a.set(group[0]?.module.a ?? [], offset * inner)
    for (const { module, scale } of group) {
      const folded = isHeld ? 1 : scale * module.scaling
      module.b.forEach((value, n) => {
        const row = outputAt(module, Math.floor(n / module.rank))
        b[row * rank + offset + (n % module.rank)] = folded * value
      })
    }
    offset += group[0]?.module.rank ?? 0
  }
  const [first] = firsts
  const { source = '', kind = 'linear' as const } = first ?? {}
  const { alpha, scaling } = (isHeld ? first : undefined) ?? { alpha: rank, scaling: 1 }
  return { source, kind, in: inner, out, rank, alpha, scaling, a, b }
}

/** Of folded adapters alpha equals the rank everywhere, so that nothing is scaled again on loading. */
function combinedConfig(
  sources: readonly CombinedSource[],
  baseModel: string | null,
): Record<string, unknown> {
  const rank = Math.max(...sources.map((source) => source.rank))
  const alpha = sources.find((source) => source.rank === rank)?.alpha ?? rank
  const pattern = (field: 'rank' | 'alpha', usual: number): Record<string, number> =>
    Object.fromEntries(
      sources.filter((source) => source[field] !== usual).map((source) => [source.source, source[field]]),
    )
  // rsLoRA multiplies B·A by α / √r rather than α / r, which says the same of rank 1.
  const rankStabilised = sources.some((source) => source.scaling !== source.alpha / source.rank)
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    rank_pattern: pattern('rank', rank),
    alpha_pattern: pattern('alpha', alpha),
    target_modules: sources.map(({ source }) => source),
    bias: 'none',
    fan_in_fan_out: false,
    lora_dropout: 0,
    use_dora: false,
    use_rslora: rankStabilised,
    modules_to_save: null,
  }
}
