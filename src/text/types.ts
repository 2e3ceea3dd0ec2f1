export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** What the engine needs of a tokenizer. Ids are vocabulary ids. */
export interface Tokenizer {
  /** Number of ids, added tokens included. */
  readonly size: number
  readonly bosId: number | null
  /** Ids that end a text. */
  readonly eosIds: readonly number[]
  /** True when a chat template is there and usable. */
  readonly hasChatTemplate: boolean
  /**
   * Ids of a text. `parseSpecial: false` (default) treats the spelling of a special token as plain text.
   * Lone surrogates are encoded as U+FFFD.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]>
  /** Text of ids, special tokens shown as they are spelled only when `special` is true. */
  decode(ids: readonly number[], options?: { special?: boolean }): string
  /** The raw bytes one id stands for, before joining: what a streaming detokeniser and byte-token display need. */
  tokenBytes(id: number): Uint8Array
  /** True for an id declared special. */
  isSpecial(id: number): boolean
  /** Messages through the model's own template, ending where the assistant speaks. Throws `unsupported` without a template. */
  applyChatTemplate(messages: readonly ChatMessage[]): Promise<string>
  dispose(): void
}
