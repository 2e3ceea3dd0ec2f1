/** What one step of the normalisation made of a text. */
export interface NormalStep {
  /** Type of the step, as tokenizer.json names it. */
  name: string
  text: string
}

/** One merge of byte-pair encoding, in the order they happen. */
export interface Merge {
  /** Place in the list of merges; lower ones go first. */
  rank: number
  left: string
  right: string
  /** Index of `left` among the symbols before. */
  at: number
  /** The symbols after it. */
  symbols: readonly string[]
}

/** A piece that may stand at a place of a word. */
export interface LatticeNode {
  /** Characters of the word. */
  start: number
  length: number
  /** Null for a character that no piece has. */
  id: number | null
  piece: string
  /** Natural log of its probability, as the vocabulary has it. */
  score: number
  /** On the path whose scores sum highest. */
  chosen: boolean
}

/** How a word became pieces. */
export type WordWork =
  | { kind: 'bpe'; symbols: readonly string[]; merges: readonly Merge[] }
  /** The word is in the vocabulary as it is, and merges are passed over. */
  | { kind: 'whole' }
  | { kind: 'unigram'; characters: readonly string[]; nodes: readonly LatticeNode[]; score: number }
  | { kind: 'lookup' }
  /** Too long to show. */
  | { kind: 'long' }

export interface ExplainedWord {
  /** As the pre-tokenizer hands it to the model. */
  text: string
  pieces: readonly string[]
  ids: readonly number[]
}

export type Section =
  /** A spelling that is a token before anything else happens. */
  | { kind: 'added'; id: number; text: string }
  | { kind: 'text'; text: string; steps: readonly NormalStep[]; words: readonly ExplainedWord[] }

export interface ExplainedToken {
  id: number
  /** As the vocabulary spells it. */
  piece: string
  /** What it adds to the text; empty within a character and for special tokens. */
  text: string
  bytes: readonly number[]
  special: boolean
  /** Put there by the post-processor, such as BOS. */
  template: boolean
}

/** A text on its way to ids. */
export interface Explained {
  tokens: readonly ExplainedToken[]
  sections: readonly Section[]
}

export interface TokenizerFacts {
  /** BPE, Unigram, WordPiece or WordLevel. */
  type: string
  /** Number of ids, added tokens included. */
  size: number
  /** Whether its pieces are bytes, a character written for each. */
  byteLevel: boolean
  normalizer: readonly string[]
  preTokenizer: readonly string[]
  /** Added tokens, in order of their ids. */
  added: readonly { id: number; content: string; special: boolean }[]
  warnings: readonly string[]
}

export interface ExplainOptions {
  addSpecialTokens: boolean
  parseSpecial: boolean
}

/** Tokens that a vocabulary would be extended by. */
export interface WhatIfRequest {
  /** Where they are taken from, and what is counted. */
  corpus: string
  unit: 'syllables' | 'words'
  count: number
  /** Whether they are looked for in the normalised text, as `add_tokens` of Transformers has it. */
  normalized: boolean
}

export interface WhatIf {
  added: readonly { id: number; text: string; times: number; tokens: number }[]
  /** Tokens of the corpus before and after. */
  tokensBefore: number
  tokensAfter: number
  /** Of these, tokens that stand for what the vocabulary cannot spell. */
  unknownBefore: number
  unknownAfter: number
  characters: number
}
