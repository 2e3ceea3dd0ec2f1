import { attentionInput, fusedAttention } from './fuseAttention.ts'
import { activatedProduct, addedNorm, addedProduct, gatedProduct, normedProduct } from './fuseProducts.ts'
import { Graph } from './graph.ts'
import type { Program, Step } from './step.ts'

export interface FuseOptions {
  /** Names or patterns of fine steps whose own output is wanted: no fused kernel may swallow them. */
  readonly observed: readonly string[]
  /** False for a matrix that lies in several buffers: kernels that read two of its parts at once cannot be used. */
  readonly isSingleBuffer: (matrix: string) => boolean
  /** Rows up to which a product can fold what surrounds it: see `ops/linear.ts`. */
  readonly foldRows: number
}

/** What a rule sees: the recorded steps, and which of them earlier rules have taken. */
export interface Fusing {
  readonly graph: Graph
  readonly options: FuseOptions
  readonly isFree: (step: Step) => boolean
}

/** A kernel that takes the place of the step `at`. */
export interface FusedStep {
  readonly step: Step
  readonly at: string
}

/** What a rule makes of some steps: they go, these come. */
export interface Fusion {
  readonly covers: readonly Step[]
  readonly makes: readonly FusedStep[]
  /** A covered step whose value is the output of another kernel than the one that computes it. */
  readonly moved?: { readonly from: string; readonly to: string }
}

/** A pattern of ops and data flow around its last step; null where it does not fit. No rule looks at a name. */
export type FusionRule = (last: Step, fusing: Fusing) => Fusion | null

/** In the order they are tried, behind those of the program. */
const RULES: readonly FusionRule[] = [
  attentionInput,
  fusedAttention,
  gatedProduct,
  activatedProduct,
  addedProduct,
  addedNorm,
  normedProduct,
]

/**
 * Replaces runs of fine steps by fused kernels, unless an inner step is observed. Pure: the same program and options give the same
 * steps. Every fine step is either there itself or named in exactly one `covers`.
 */
export function fuse(program: Program, options: FuseOptions): Program {
  const graph = new Graph(program, options.observed)
  const fusedSteps = new Map<string, Step[]>()
  const taken = new Map<string, string>()
  const fusing: Fusing = { graph, options, isFree: ({ name }) => !taken.has(name) }
  for (const rule of [...(program.rules ?? []), ...RULES]) {
    for (const step of program.steps) {
      const fusion = taken.has(step.name) ? null : rule(step, fusing)
      if (!fusion || fusion.covers.some(({ name }) => taken.has(name))) continue
      for (const { name } of fusion.covers) taken.set(name, coveredBy(name, fusion))
      for (const { step: fused, at } of fusion.makes)
        fusedSteps.set(at, [...(fusedSteps.get(at) ?? []), fused])
    }
  }
  const renamed = (step: Step): Step => ({
    ...step,
    inputs: step.inputs.map((name) => taken.get(name) ?? name),
  })
  const steps = program.steps.flatMap((step) => {
    const kept = taken.has(step.name) ? [] : [step]
    return [...(fusedSteps.get(step.name) ?? []), ...kept].map(renamed)
  })
  return { ...program, steps }
}

/** The kernel whose output stands for a covered step's. */
function coveredBy(name: string, { makes, moved }: Fusion): string {
  if (moved?.from === name) return moved.to
  const covering = makes.find(({ step }) => step.covers.includes(name))
  return covering?.step.name ?? name
}
