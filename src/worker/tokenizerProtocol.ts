import type { ErrorData } from '../errors.ts'
import type {
  Explained,
  ExplainOptions,
  TokenizerFacts,
  WhatIf,
  WhatIfRequest,
  WordWork,
} from '../text/inspect/types.ts'

/** What the worker of the tokenizer view is asked, each under the name of a tokenizer it holds. */
export interface TokenizerCalls {
  open: { files: ReadonlyMap<string, Uint8Array>; answer: TokenizerFacts }
  explain: { text: string; options: ExplainOptions; answer: Explained }
  work: { word: string; options: Pick<ExplainOptions, 'parseSpecial'>; answer: WordWork }
  whatIf: { request: WhatIfRequest; answer: WhatIf }
  /** The text as the tokenizer of the last what-if takes it. */
  explainWhatIf: { text: string; options: ExplainOptions; answer: Explained }
}

export type TokenizerMethod = keyof TokenizerCalls
export type Arguments<M extends TokenizerMethod> = Omit<TokenizerCalls[M], 'answer'>
export type AnswerOf<M extends TokenizerMethod> = TokenizerCalls[M]['answer']

export type TokenizerRequest = {
  [M in TokenizerMethod]: { run: number; slot: string; method: M; args: Arguments<M> }
}[TokenizerMethod]

export type TokenizerReply =
  { run: number; answer: AnswerOf<TokenizerMethod> } | { run: number; error: ErrorData }
