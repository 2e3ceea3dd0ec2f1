import type { ChatMessage, ChatOptions, ChatTemplateInfo } from '../api/chat.ts'

export type { ChatMessage, ChatOptions } from '../api/chat.ts'

/** What the engine needs of a tokenizer. Ids are vocabulary ids. */
export interface Tokenizer {
  /** Number of ids, added tokens included. */
  readonly size: number
  readonly bosId: number | null
  /** Ids that end a text. */
  readonly eosIds: readonly number[]
  /** True where generation_config.json names them: they stand in place of those of config.json. */
  readonly saysEnds: boolean
  /** The token that stands for one to be found; null of tokenizers without. */
  readonly mask: { readonly id: number; readonly text: string } | null
  /** True when a chat template for plain chats is there; what may be wrong with it is said where it is used. */
  readonly hasChatTemplate: boolean
  /**
   * Ids of a text. `parseSpecial: false` (default) treats the spelling of a special token as plain text.
   * Lone surrogates are encoded as U+FFFD.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]>
  /** Text of ids, special tokens shown as they are spelled only when `special` is true. */
  decode(ids: readonly number[], options?: { special?: boolean }): string
  /**
   * What each id adds to the text, in context: joined they are `decode(ids)`. An id inside a character adds nothing, the
   * one that completes it adds the character; a special token adds nothing.
   * @param options.after ids that come before the first one
   */
  tokenTexts(ids: readonly number[], options?: { after?: readonly number[] }): string[]
  /**
   * Texts of ids that may come behind others, as the stream would show them. Bytes that leave a character open are named,
   * as `<0xEA>`; a special token is spelled.
   */
  speller(contextIds: readonly number[]): (id: number) => string
  /** The raw bytes one id stands for, before joining: what a streaming detokeniser and byte-token display need. */
  tokenBytes(id: number): Uint8Array
  /** True for an id declared special. */
  isSpecial(id: number): boolean
  /** Messages through the model's own template, by default ending where the assistant speaks. Throws `unsupported` without a template. */
  applyChatTemplate(messages: readonly ChatMessage[], options?: ChatOptions): Promise<string>
  /** The model's own template, and what it reads. */
  chatTemplate(): Promise<ChatTemplateInfo>
  dispose(): void
}
