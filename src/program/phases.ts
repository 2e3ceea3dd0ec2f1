import { isOp, type Program, type Step } from './step.ts'

/** A part of a forward, behind which the keys and values of one more layer are in their pages. */
export interface Phase {
  readonly steps: readonly Step[]
  /** Steps of earlier phases whose outputs it reads. */
  readonly takes: readonly Step[]
}

/**
 * A forward cut behind every write of keys and values. Where rows see later ones, each phase has to run over all rows before the
 * next begins; chunk by chunk, if they are many.
 */
export function phasesOf({ steps }: Program): readonly Phase[] {
  const ends = steps.flatMap((step, i) => (isOp(step, 'cache', 'rope_cache') ? [i + 1] : []))
  return [...ends, steps.length].map((end, n) => {
    const begin = ends[n - 1] ?? 0
    const phaseSteps = steps.slice(begin, end)
    const read = new Set(phaseSteps.flatMap(({ inputs }) => inputs))
    // What the cache keeps is read from its pages.
    const takes = steps.slice(0, begin).filter((step) => read.has(step.name) && !isOp(step, 'cache'))
    return { steps: phaseSteps, takes }
  })
}
