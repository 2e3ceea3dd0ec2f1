import type { ChatMessage } from '../../api/model.ts'
import { TokenscopeError } from '../../errors.ts'
import { LOCAL_FROM } from './sentIds.ts'

/** What the page works with is ids. Texts, and chats, that an engine gives or takes without one are numbered here as they come. */
export class LocalIds {
  readonly #texts = new Map<number, string>()
  readonly #ids = new Map<string, number>()
  readonly #chats = new Map<string, readonly ChatMessage[]>()
  #next = LOCAL_FROM

  idOf(text: string): number {
    const id = this.#ids.get(text) ?? this.#next
    this.assign(id, text)
    return id
  }

  /** Takes over a number of before. */
  assign(id: number, text: string): void {
    this.#texts.set(id, text)
    this.#ids.set(text, id)
    this.#next = Math.max(this.#next, id + 1)
  }

  /** @throws `bad-argument` for a number that another page has given */
  textOf(id: number): string {
    const text = this.#texts.get(id)
    if (text !== undefined) return text
    throw new TokenscopeError('bad-argument', 'This text was written before the engine was connected.', {
      hint: 'Write it anew: the engine knows its tokens by their text alone.',
      details: { got: id },
    })
  }

  /** Messages whose text, as the page shows it, stands for them: the engine renders them by itself. */
  keepChat(text: string, messages: readonly ChatMessage[]): void {
    this.#chats.set(text, messages)
  }

  chatOf(text: string): readonly ChatMessage[] | null {
    return this.#chats.get(text) ?? null
  }
}
