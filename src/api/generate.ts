import type { ChatMessage, ChatOptions } from './chat.ts'
import type { ForwardOptions } from './forward.ts'

export interface EncodeOptions {
  /** What the tokenizer puts around a text, such as BOS; default true. */
  addSpecialTokens?: boolean
  /** Reads the spelling of a special token as that token; default false. */
  parseSpecial?: boolean
}

export interface SamplingOptions {
  /** 0 is greedy. */
  temperature: number
  /** 0 keeps all. */
  topK: number
  /** 1 keeps all. */
  topP: number
  /** 0 keeps all. */
  minP: number
  /** 1 changes nothing. */
  repetitionPenalty: number
  seed: number
}

export interface GenerateOptions extends Partial<SamplingOptions>, ForwardOptions {
  maxTokens?: number | undefined
  /** How the messages of a prompt are rendered. */
  chat?: ChatOptions | undefined
  /** Strings end the text before they are emitted; numbers are ids. The tokenizer's own end ids always stop. */
  stop?: readonly (string | number)[] | undefined
  /** Alternatives captured per token, at most 256. */
  topLogprobs?: number | undefined
  signal?: AbortSignal | undefined
  /** Called while the prompt is read. */
  onPrefill?: ((done: number, total: number) => void) | undefined
}

export type FinishReason = 'stop' | 'length' | 'abort' | 'context-full'

/** One alternative at a position, before any filter: probability = exp(logprob). */
export interface TokenAlternative {
  id: number
  /** As the stream would show it there, its leading space kept; bytes that leave a character open by name, as `<0xEA>`. */
  text: string
  logprob: number
}

/** One generated token as it streams. */
export interface GeneratedToken {
  /** 0-based among the generated tokens. */
  index: number
  /** Position in the sequence, the prompt included: this token was predicted by position − 1. */
  position: number
  id: number
  /** Text that became certain with this token; may be empty inside a multi-token character. */
  text: string
  /** Natural log of the model's probability for this id, before penalties, temperature and filters. */
  logprob: number
  /** The most probable ids, before filtering, descending. */
  top: TokenAlternative[]
  /** The uniform number of the draw in [0, 1), null when greedy. */
  random: number | null
  finish: FinishReason | null
  /**
   * True where all text before it was read again: it had outgrown the length up to which the model's positions turn as those of short
   * texts do (LongRoPE, dynamic scaling).
   */
  readAgain?: boolean
}

export type Prompt = string | readonly number[] | readonly ChatMessage[]
