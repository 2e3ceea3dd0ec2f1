import type { GeneratedToken, GenerateOptions } from './generate.ts'
import type { LoadProgress } from './load.ts'

/** What proposes tokens ahead of the model. */
export type DraftModel =
  /** What followed the last tokens when they stood in the text before: of `length` (1 to 16, default 3), else of fewer. */
  | { kind: 'prompt-lookup'; length?: number | undefined }
  /** The same model with its matrices in q4_0; made and kept on first use. */
  | { kind: 'q4_0' }
  /** The model's own first layers, then its final norm and head. */
  | { kind: 'first-layers'; layers: number }

export interface SpeculateOptions extends Omit<GenerateOptions, 'repetitionPenalty'> {
  draft: DraftModel
  /** Tokens proposed a round, 1 to 7; default 4. */
  ahead?: number | undefined
  /** Called while a draft model is made, on its first use: bytes are those of the matrices it copies. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** One proposed token and what the model made of it. */
export interface Proposal {
  id: number
  text: string
  /**
   * The draft's probability for it (1 for prompt lookup), and the model's, both after temperature and filters: what the test
   * compares. Greedy, where these leave one token, both are before them. The model's is null for an unread proposal.
   */
  draftProbability: number
  modelProbability: number | null
  /** Uniform number of the acceptance test; null when greedy or unread. */
  random: number | null
  outcome: 'accepted' | 'rejected' | 'unread'
}

/** One forward of the model over a draft's proposals: what was accepted, and the token the model added or put instead. */
export interface SpeculatedRound {
  index: number
  proposals: readonly Proposal[]
  /** Tokens that became text, in order. */
  tokens: readonly GeneratedToken[]
  /** Milliseconds spent by the draft and by the model. */
  draftMs: number
  modelMs: number
}
