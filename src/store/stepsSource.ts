import type { Inspection, Model } from '../types.ts'

/** What the stepper reads: one forward over the tokens, every step of it. */
export type StepsSource = Pick<Inspection, 'ids' | 'steps' | 'read' | 'stats' | 'time' | 'close'>

/** Opens a forward over the tokens; everything it holds is freed by `close`. */
export async function openSteps(model: Model, ids: readonly number[]): Promise<StepsSource> {
  if (typeof model.inspect === 'function') return model.inspect(ids)
  const steps = await model.steps({ rows: ids.length })
  const tensors = await model.trace(ids, {
    probes: ['*', '*.*', '*.*.*', '*.*.*.*'].filter((p) =>
      steps.some((s) => s.name.split('.').length === p.split('.').length),
    ),
  })
  return {
    ids,
    steps: steps.map((s) => ({ ...s, retained: true })),
    read: (step) => Promise.resolve(tensors.get(step)!),
    stats: () => Promise.reject(new Error('none')),
    time: () => Promise.reject(new Error('none')),
    close: () => Promise.resolve(),
  }
}
