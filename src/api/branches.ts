import type { ForwardOptions } from './forward.ts'
import type { TokenAlternative } from './generate.ts'

/** A prediction of the token behind a text, before any filter. */
export interface NextTokens {
  /** The most probable, descending. */
  top: readonly TokenAlternative[]
  /** Of the whole distribution, nats. */
  entropy: number
}

/** A text that left another one at a position. */
export interface Fork {
  /** The parent's tokens before the position, then the new one. */
  ids: readonly number[]
  next: NextTokens
  /** Positions whose keys and values were taken over from the parent's pages. */
  reused: number
}

/** One child of a text: a token that may follow, and what would be predicted behind it. */
export interface Child {
  token: TokenAlternative
  next: NextTokens
  /** True where all text before it was read again, since with it the text outgrew the rotation of short ones; absent otherwise. */
  readAgain?: boolean
}

export interface BranchOptions extends ForwardOptions {
  /** Alternatives of a prediction, at most 256; default 10. */
  topLogprobs?: number | undefined
}
