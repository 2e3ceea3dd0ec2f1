import type { ForwardOptions } from './forward.ts'
import type { TokenAlternative } from './generate.ts'

export interface ScoreOptions extends ForwardOptions {
  /** Alternatives per token, at most 256; default 5. */
  topLogprobs?: number | undefined
  signal?: AbortSignal | undefined
}

/** How well one token of a given text was predicted by those before it (teacher forcing), before any filter. */
export interface ScoredToken {
  /** Of the token scored, from 1: nothing predicts the first. */
  position: number
  id: number
  /** Natural log of its probability; −logprob is its surprisal in nats, its share of the loss. */
  logprob: number
  /** Tokens that were more probable; ties count by lower id. */
  rank: number
  /** Of the distribution it was predicted by, nats. */
  entropy: number
  top: readonly TokenAlternative[]
}
