import type { AdapterAnalysis, AdapterReport, AdapterScale, Lens, ModuleNorm } from '../../../../api/model.ts'
import type { ExactCount } from './exact.ts'

/** Length of the update and of its gradient, module by module. */
export interface ModuleNorms {
  /** Name of the adapted step. */
  step: string
  /** ‖ΔW‖_F at scale 1. */
  delta: number
  /** ‖ΔW‖_F / ‖W‖_F. */
  ratio: number
  /** √(‖∂A‖² + ‖∂B‖²) of the last step; null where it was not read. */
  gradient: number | null
}

/** What one layer would say after the sentence looked through. */
export interface LensWord {
  /** −1 is the embedding. */
  layer: number
  text: string
  probability: number
}

/** A run as it stood after so many steps. */
export interface RunCheckpoint {
  steps: number
  /** Null where nothing was kept back to measure with. */
  heldLoss: number | null
  /** Held-out prompts answered word for word; absent until they are counted. */
  exact?: ExactCount
  norms: readonly ModuleNorms[]
  /** What the adapter wrote behind `prompt`. */
  sample: Sample
  lens: readonly LensWord[]
  /** Of its files. */
  bytes: number
}

export interface Sample {
  prompt: string
  text: string
}

/** Most checkpoints of a run; beyond, every other one goes. */
export const MAX_CHECKPOINTS = 24
/** Most bytes of all checkpoints of a run. */
export const MAX_CHECKPOINT_BYTES = 400_000_000

/** Checkpoints that stay: all, or every other one with the first and the last, as often as it takes. */
export function thinned<T extends { bytes: number }>(
  list: readonly T[],
  { most = MAX_CHECKPOINTS, bytes = MAX_CHECKPOINT_BYTES } = {},
): readonly T[] {
  let kept = list
  const isTooMuch = (): boolean => kept.length > most || kept.reduce((sum, one) => sum + one.bytes, 0) > bytes
  while (kept.length > 2 && isTooMuch()) {
    const last = kept.length - 1
    kept = kept.filter((_, at) => at % 2 === 0 || at === last)
  }
  return kept
}

/** Norms by module, from an analysis of the update and the gradients of a step. */
export function normsOf(
  { modules }: Pick<AdapterAnalysis, 'modules'>,
  gradients: readonly ModuleNorm[] | undefined,
): ModuleNorms[] {
  const gradientOf = new Map(gradients?.map(({ step, gradient }) => [step, gradient]))
  return modules.map(({ step, deltaNorm, ratio }) => ({
    step,
    delta: deltaNorm,
    ratio,
    gradient: gradientOf.get(step) ?? null,
  }))
}

/** Parameters of an adapter, up to which every step's gradient is read back. */
const MAX_READ = 4_000_000

/** True where reading the whole gradient with each step costs little. */
export function readsNorms({ matched }: Pick<AdapterReport, 'matched'>): boolean {
  const sizes = matched.map(({ shapes: { a, b } }) => a[0] * a[1] + b[0] * b[1])
  return sizes.reduce((sum, size) => sum + size, 0) <= MAX_READ
}

/** First words of a lens's cells. */
export function lensWords({ cells }: Pick<Lens, 'cells'>, textOf: (id: number) => string): LensWord[] {
  return cells.flatMap(({ layer, top: [first] }) =>
    first ? [{ layer, text: textOf(first.id), probability: first.probability }] : [],
  )
}

/** The scales a run is measured under: its own adapter whole, the others as they are set. */
export function scalesWith(id: string, others: readonly AdapterScale[]): AdapterScale[] {
  return [...others.filter((other) => other.id !== id), { id, scale: 1 }]
}
