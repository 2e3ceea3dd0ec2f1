import type { CheckedOptions } from '../decode/options.ts'
import { TokenscopeError } from '../errors.ts'
import { createStopMatcher, type StopMatcher } from '../text/stopMatcher.ts'
import type { FinishReason, Prompt } from '../api/model.ts'
import type { SentToken } from './dialect.ts'
import type { RemoteToken } from './types.ts'

const NOTHING: SentToken = { id: null, text: '', logprob: null, top: [], part: 'answer' }

/** What another call needs to go on from where a stream broke off. */
export interface Continuation {
  prompt: Prompt
  maxTokens: number
}

/**
 * Tokens of one run on their way out. Each is held until the next thing arrives, so that the last one can say how the run ended,
 * and never more than were asked for get out, however many an engine sends.
 */
export class Emission {
  readonly tokens: RemoteToken[] = []
  readonly #options: CheckedOptions
  readonly #matcher: StopMatcher
  #held: RemoteToken | null = null
  #promptLength: number | null = null
  #promptIds: readonly number[] | null = null

  constructor(options: CheckedOptions) {
    this.#options = options
    this.#matcher = createStopMatcher(options.stopStrings)
  }

  knowPrompt(ids: readonly number[] | null, count: number): void {
    this.#promptLength ??= count
    this.#promptIds ??= ids
  }

  /** Takes a token; `out` are those that are certain now, the last one with a finish when the run is over. */
  push(sent: SentToken): { out: RemoteToken[]; over: boolean } {
    const { maxTokens, stopIds } = this.#options
    if (this.tokens.length >= maxTokens) return { out: this.end('length'), over: true }
    const ends = sent.id !== null && stopIds.has(sent.id)
    const piece = ends ? '' : sent.text
    const { text, stopped } =
      sent.part === 'answer' ? this.#matcher.push(piece) : { text: piece, stopped: false }
    const out = this.#release()
    this.#holdBack({ ...sent, text })
    if (!ends && !stopped) return { out, over: false }
    return { out: [...out, ...this.end('stop', stopped)], over: true }
  }

  /** The last token. Text held back for a stop string that did not come goes out with it. */
  end(finish: FinishReason | null, stopped = false): RemoteToken[] {
    if (!this.#held && finish !== null) this.#holdBack(NOTHING)
    const last = this.#held
    if (last) {
      last.finish = finish
      if (!stopped) last.text += this.#matcher.flush()
    }
    return this.#release()
  }

  /** Nothing is lost when a stream ends after everything that was asked for. */
  get complete(): boolean {
    return this.tokens.length >= this.#options.maxTokens
  }

  #holdBack(sent: SentToken): void {
    const index = this.tokens.length
    const position = this.#promptLength === null ? null : this.#promptLength + index
    this.#held = { index, position, ...sent, random: null, finish: null }
    this.tokens.push(this.#held)
  }

  #release(): RemoteToken[] {
    const out = this.#held ? [this.#held] : []
    this.#held = null
    return out
  }

  /** By ids where all are known, else by text; null for ids whose answer came without any. */
  #continuation(prompt: Prompt, takesIds: boolean): Continuation | null {
    const maxTokens = this.#options.maxTokens - this.tokens.length
    const ids = this.tokens.map(({ id }) => id)
    if (takesIds && this.#promptIds && ids.every((id) => id !== null)) {
      return { prompt: [...this.#promptIds, ...ids], maxTokens }
    }
    const text = this.tokens.map((token) => (token.part === 'answer' ? token.text : '')).join('')
    if (typeof prompt === 'string') return { prompt: prompt + text, maxTokens }
    const messages = prompt.filter((entry) => typeof entry === 'object')
    if (messages.length === 0) return null
    const last = messages.at(-1)
    const earlier = last?.role === 'assistant' ? messages.slice(0, -1) : messages
    const content = (last?.role === 'assistant' ? last.content : '') + text
    return { prompt: [...earlier, { role: 'assistant', content }], maxTokens }
  }

  /** An error of the stream, with what has arrived before it and what goes on from there. */
  interrupted(error: TokenscopeError, prompt: Prompt, takesIds: boolean): TokenscopeError {
    if (this.tokens.length === 0) return error
    const { code, message, hint, details } = error
    return new TokenscopeError(code, message, {
      hint: hint || 'What has arrived is kept; details.continue goes on from there.',
      details: {
        ...details,
        received: this.tokens.length,
        text: this.tokens.map(({ text }) => text).join(''),
        continue: this.#continuation(prompt, takesIds),
      },
    })
  }
}
