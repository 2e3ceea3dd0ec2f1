import type { MaskedOptions } from './forward.ts'

export interface EditEffectsOptions extends Omit<MaskedOptions, 'edits'> {
  signal?: AbortSignal | undefined
}

/** What one set of edits does to the predictions of a text. */
export interface EditEffect {
  /** Index among the sets that were asked for. */
  set: number
  /** KL(edited ‖ unedited) of the prediction at every position, nats: [ids.length]. */
  kl: readonly number[]
}
