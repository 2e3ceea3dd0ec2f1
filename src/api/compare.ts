import type { AdapterScale } from './adapters.ts'
import type { GeneratedToken, GenerateOptions } from './generate.ts'

export interface CompareOptions extends Omit<GenerateOptions, 'adapters'> {
  /** Scales of either side; [] is the base. Edits act only on `b`. */
  a: readonly AdapterScale[]
  b: readonly AdapterScale[]
}

/** One position of a comparison: both continuations, which may differ in their tokens from the first divergence on. */
export interface ComparedToken {
  /** Null once that side has finished. */
  a: GeneratedToken | null
  b: GeneratedToken | null
  /** KL(b ‖ a) between the two next-token distributions before filters, nats; null once one side has finished. */
  kl: number | null
}
