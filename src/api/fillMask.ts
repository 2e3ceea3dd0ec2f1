import type { AdapterScale } from './adapters.ts'
import type { TokenAlternative } from './generate.ts'

export interface FillMaskOptions {
  /** Candidates of each mask, 1 to 256; default 5. */
  top?: number | undefined
  /** Omitted: all added adapters at their set scales; []: the base. */
  adapters?: readonly AdapterScale[] | undefined
}

/** What may stand at a mask. */
export interface FilledMask {
  /** Position of the mask among the ids of the text, special tokens included. */
  position: number
  /** Most probable first; texts by themselves, logprobs in nats. */
  top: readonly TokenAlternative[]
}
