import type {
  AdapterScale,
  ForwardOptions,
  GeneratedToken,
  GenerateOptions,
  LoadProgress,
  TokenAlternative,
} from './model.ts'

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
}

export interface BranchOptions extends ForwardOptions {
  /** Alternatives of a prediction, at most 256; default 10. */
  topLogprobs?: number | undefined
}

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

/** What proposes tokens ahead of the model. */
export type Guide =
  /** What followed the last tokens when they stood in the text before: of `length` (1 to 16, default 3), else of fewer. */
  | { kind: 'prompt-lookup'; length?: number | undefined }
  /** The same model with its matrices in q4_0; made and kept on first use. */
  | { kind: 'q4_0' }
  /** The model's own first layers, then its final norm and head. */
  | { kind: 'first-layers'; layers: number }

export interface SpeculateOptions extends Omit<GenerateOptions, 'repetitionPenalty'> {
  guide: Guide
  /** Tokens proposed a round, 1 to 7; default 4. */
  ahead?: number | undefined
  /** Called while a guide is made, on its first use: bytes are those of the matrices it copies. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** One proposed token and what the model made of it. */
export interface Proposal {
  id: number
  text: string
  /**
   * The guide's probability for it (1 for prompt lookup), and the model's, both after temperature and filters: what the test
   * compares. Greedy, where these leave one token, both are before them. The model's is null for an unread proposal.
   */
  guideProbability: number
  modelProbability: number | null
  /** Uniform number of the acceptance test; null when greedy or unread. */
  random: number | null
  verdict: 'accepted' | 'rejected' | 'unread'
}

/** One forward of the model over a guide's proposals: what was accepted, and the token the model added or put instead. */
export interface SpeculatedRound {
  index: number
  proposals: readonly Proposal[]
  /** Tokens that became text, in order. */
  tokens: readonly GeneratedToken[]
  /** Milliseconds spent by the guide and by the model. */
  guideMs: number
  modelMs: number
}

/** A run of text in the cache of keys and values. */
export interface CachedSequence {
  /** Names the adapter scales and edits its pages were made under; '' is the plain base. */
  key: string
  tokens: readonly number[]
  /** Its pages in order, and how many sequences hold each of them. */
  pages: readonly { page: number; refCount: number }[]
  busy: boolean
}

/** The cache of keys and values as it stands. */
export interface CacheReport {
  /** Positions a page holds. */
  pageSize: number
  pages: number
  freePages: number
  layers: number
  /** Bytes of K and V of one page in one layer. */
  bytesPerPageAndLayer: number
  /** The one used last comes last; the first is the first to be given up. */
  sequences: readonly CachedSequence[]
}

export interface SaveTraceOptions extends ForwardOptions {
  /** Patterns of the steps whose tensors are kept; default: logits, residuals, attention patterns. */
  probes?: readonly string[] | undefined
  /** Generated tokens with what was captured of them, to be shown beside. */
  tokens?: readonly GeneratedToken[] | undefined
  /** Length of the prompt within the ids; default all. */
  promptLength?: number | undefined
  settings?: Readonly<Record<string, number>> | undefined
}

export type { AdapterScale }
