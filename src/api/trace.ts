import type { ForwardOptions } from './forward.ts'
import type { GeneratedToken } from './generate.ts'

export interface SaveTraceOptions extends ForwardOptions {
  /** Patterns of the steps whose tensors are kept; default: logits, residuals, attention patterns. */
  probes?: readonly string[] | undefined
  /** Generated tokens with what was captured of them, to be shown beside. */
  tokens?: readonly GeneratedToken[] | undefined
  /** Length of the prompt within the ids; default all. */
  promptLength?: number | undefined
  settings?: Readonly<Record<string, number>> | undefined
}
