import type { Inspection, Model } from '../types.ts'

/** What the stepper reads: one forward over the tokens, every step of it, kept where the model is. */
export type StepsSource = Inspection

/** Opens a forward over the tokens; everything it holds is freed by `close`. */
export function openSteps(model: Model, ids: readonly number[]): Promise<StepsSource> {
  return model.inspect(ids)
}
