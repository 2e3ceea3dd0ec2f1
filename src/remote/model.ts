import { checkOptions, type CheckedOptions } from '../decode/options.ts'
import { TokenscopeError, throwIfAborted } from '../errors.ts'
import { promptTexts } from './idTexts.ts'
import type { ChatMessage, ChatOptions } from '../text/types.ts'
import type {
  AdapterScale,
  BranchOptions,
  ForwardOptions,
  GenerateOptions,
  Prompt,
  ScoreOptions,
} from '../api/model.ts'
import type { Dialect, RunRequest } from './dialect.ts'
import { Emission } from './emission.ts'
import { broken, unsupported } from './errors.ts'
import { refusals } from './refusals.ts'
import { shareText } from './textSplit.ts'
import type {
  Capabilities,
  ConnectedInfo,
  ConnectedModel,
  RemoteAdapter,
  RemoteAlternative,
  RemoteChild,
  RemoteFork,
  RemoteScoredToken,
  RemoteToken,
} from './types.ts'

const DEFAULT_TOP = 10
const DEFAULT_SCORE_TOP = 5
const MAX_CHILDREN = 8
/** Events an engine may send after the end of an answer. */
const AFTER_END = 8

const WHOLE_DISTRIBUTION = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 0,
} as const

type Sampled = 'topK' | 'minP' | 'repetitionPenalty'

/** Settings that not every engine takes: the feature behind each, and the value that changes nothing. */
const SETTINGS: Readonly<
  Record<Sampled, { feature: 'top-k' | 'min-p' | 'repetition-penalty'; neutral: number }>
> = {
  topK: { feature: 'top-k', neutral: 0 },
  minP: { feature: 'min-p', neutral: 0 },
  repetitionPenalty: { feature: 'repetition-penalty', neutral: 1 },
}

/** A model behind HTTP: the methods an engine may offer. */
class RemoteModel {
  readonly info: ConnectedInfo
  readonly #dialect: Dialect
  readonly #scales: Map<string, number>
  readonly #closing: AbortController
  #last: readonly RemoteToken[] = []

  constructor(info: ConnectedInfo, dialect: Dialect, closing: AbortController) {
    this.info = info
    this.#dialect = dialect
    this.#closing = closing
    this.#scales = new Map(dialect.adapters.map(({ id, scale }) => [id, scale]))
  }

  #need(what: keyof Capabilities): void {
    const capability = this.info.remote.capabilities[what]
    if (capability !== true) throw unsupported(this.#dialect.engine, what, capability)
    throwIfAborted(this.#closing.signal)
  }

  async encode(
    text: string,
    options: { addSpecialTokens?: boolean; parseSpecial?: boolean } = {},
  ): Promise<number[]> {
    this.#need('encode')
    const { addSpecialTokens = true, parseSpecial } = options
    return this.#dialect.encode(text, { addSpecialTokens, parseSpecial })
  }

  async decode(ids: readonly number[]): Promise<string> {
    this.#need('decode')
    return ids.length === 0 ? '' : this.#dialect.decode(ids)
  }

  async tokenTexts(ids: readonly number[]): Promise<string[]> {
    this.#need('tokenTexts')
    const text = await this.decode(ids)
    const pieces = text === '' ? null : await this.#dialect.pieces(text)
    if (pieces?.length === ids.length && pieces.every(({ id }, index) => id === ids[index])) {
      const shares = shareText(
        text,
        pieces.map(({ bytes }) => ({ bytes, text: '' })),
      )
      if (shares.length === 1 || shares[0] !== text) return shares
    }
    return promptTexts(this, ids)
  }

  async applyChatTemplate(messages: readonly ChatMessage[], options: ChatOptions = {}): Promise<string> {
    this.#need('applyChatTemplate')
    this.#refuseTemplateOptions(options, ['addGenerationPrompt', 'continueFinalMessage'])
    const continueFinalMessage = options.continueFinalMessage ?? false
    const addGenerationPrompt = options.addGenerationPrompt ?? !continueFinalMessage
    return this.#dialect.applyChatTemplate(messages, { addGenerationPrompt, continueFinalMessage })
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<RemoteToken> {
    const checked = checkOptions(options, this.info.eosIds)
    this.#refuseTemplateOptions(options.chat ?? {}, [])
    const request = this.#request(prompt, options, checked)
    throwIfAborted(options.signal)
    const emission = new Emission(checked)
    this.#last = emission.tokens
    const ending = new AbortController()
    const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])])
    try {
      yield* this.#emit(request, emission, signal, options)
    } catch (error) {
      if (options.signal?.aborted) {
        if (emission.tokens.length > 0) yield* emission.end('abort')
        return
      }
      yield* emission.end(null)
      if (!(error instanceof TokenscopeError)) throw error
      const takesIds = this.#dialect.features['prompt-ids'] === true
      throw emission.interrupted(error, prompt, takesIds)
    } finally {
      ending.abort()
    }
  }

  async *#emit(
    request: RunRequest,
    emission: Emission,
    signal: AbortSignal,
    { onPrefill }: GenerateOptions,
  ): AsyncGenerator<RemoteToken> {
    for await (const event of this.#dialect.run(request, signal)) {
      switch (event.kind) {
        case 'prompt':
          emission.knowPrompt(event.ids, event.count)
          break
        case 'prefill':
          onPrefill?.(event.done, event.total)
          break
        case 'token': {
          const { out, over } = emission.push(event.token)
          yield* out
          if (over) return
          break
        }
        case 'finish':
          yield* emission.end(event.finish)
          return
      }
    }
    if (!emission.complete) throw broken('The stream ended before the answer did.', this.info.remote.url)
    yield* emission.end('length')
  }

  /** What an engine's own rendering does not take is refused rather than passed over. */
  #refuseTemplateOptions(options: ChatOptions, taken: readonly (keyof ChatOptions)[]): void {
    const names = Object.keys(options) as (keyof ChatOptions)[]
    const other = names.find((name) => !taken.includes(name) && (options[name] ?? null) !== null)
    if (other === undefined) return
    const reason = 'the engine renders chats by itself; render them here, and send the text.'
    throw unsupported(this.#dialect.engine, `chat option ${other}`, reason)
  }

  #request(prompt: Prompt, options: GenerateOptions, checked: CheckedOptions): RunRequest {
    const request = requestPrompt(prompt)
    this.#need(({ text: 'prompt-text', ids: 'prompt-ids', chat: 'prompt-chat' } as const)[request.kind])
    for (const field of Object.keys(SETTINGS) as Sampled[]) {
      const { feature, neutral } = SETTINGS[field]
      // A default may be left out; what was asked for may not.
      if (options[field] !== undefined && options[field] !== neutral) this.#need(feature)
    }
    const stopIds = options.stop?.filter((entry) => typeof entry === 'number') ?? []
    if (stopIds.length > 0) this.#need('stop-ids')
    return {
      prompt: request,
      ...checked.sampling,
      maxTokens: checked.maxTokens,
      topLogprobs: Math.min(checked.topLogprobs, this.info.remote.maxTopLogprobs),
      stopStrings: checked.stopStrings,
      stopIds,
      adapters: this.#adapters(options),
    }
  }

  /** The scales of a run. Throws `unsupported` for edits, `bad-argument` for adapters the engine does not list. */
  #adapters({ adapters, edits }: ForwardOptions): readonly AdapterScale[] {
    if (edits && edits.length > 0) {
      throw unsupported(
        this.#dialect.engine,
        'edits',
        'its steps cannot be reached; a model in this tab has them.',
      )
    }
    if (!adapters) return [...this.#scales].map(([id, scale]) => ({ id, scale }))
    for (const { id } of adapters) this.#checkAdapter(id)
    return adapters
  }

  #checkAdapter(id: string): void {
    if (this.#scales.has(id)) return
    const expected = [...this.#scales.keys()].join(', ') || 'none'
    throw new TokenscopeError('bad-argument', `There is no adapter ${id}; the engine has ${expected}.`, {
      hint: 'Take an id from listAdapters.',
      details: { field: 'adapters', got: id, expected },
    })
  }

  async *score(
    ids: readonly number[],
    options: ScoreOptions = {},
  ): AsyncGenerator<readonly RemoteScoredToken[]> {
    this.#need('score')
    const { topLogprobs } = checkOptions({ topLogprobs: options.topLogprobs ?? DEFAULT_SCORE_TOP }, [])
    const adapters = this.#adapters(options)
    throwIfAborted(options.signal)
    if (ids.length < 2) return
    const signal = options.signal ?? this.#closing.signal
    yield await this.#dialect.score(ids, { topLogprobs, adapters, signal })
  }

  async tokenLogits(index: number): Promise<{ data: Float32Array; recomputed: boolean }> {
    this.#need('tokenLogits')
    const token = this.#last[index]
    if (!token) {
      throw new TokenscopeError('bad-argument', `The last run has no token ${index}.`, {
        hint: `Ask for 0 to ${this.#last.length - 1}.`,
        details: { field: 'index', got: index, expected: `0 to ${this.#last.length - 1}` },
      })
    }
    const sent = [token, ...token.top].flatMap(({ id, logprob }) =>
      id === null || logprob === null ? [] : [{ id, logprob }],
    )
    const size = Math.max(this.info.vocab, ...sent.map(({ id }) => id + 1))
    const data = new Float32Array(size).fill(NaN)
    for (const { id, logprob } of sent) data[id] = logprob
    return { data, recomputed: false }
  }

  async fork(
    ids: readonly number[],
    position: number,
    token: number,
    options: BranchOptions = {},
  ): Promise<RemoteFork> {
    this.#need('fork')
    const child = [...ids.slice(0, position), token]
    const { top, reused } = await this.#predict(child, options.topLogprobs ?? DEFAULT_TOP, options)
    return { ids: child, next: { top, entropy: null }, reused }
  }

  async expand(
    ids: readonly number[],
    count: number,
    options: BranchOptions = {},
  ): Promise<readonly RemoteChild[]> {
    this.#need('expand')
    if (!Number.isInteger(count) || count < 1 || count > MAX_CHILDREN) {
      const expected = `a whole number from 1 to ${MAX_CHILDREN}`
      throw new TokenscopeError('bad-argument', `count is ${count}; allowed is ${expected}.`, {
        hint: `Set count to ${expected}.`,
        details: { field: 'count', got: count, expected },
      })
    }
    const { top } = await this.#predict(ids, count, options)
    // Sent together, so that the engine can batch them.
    return Promise.all(
      top.slice(0, count).map(async (alternative): Promise<RemoteChild> => {
        const id = alternative.id ?? 0
        const next = await this.#predict([...ids, id], options.topLogprobs ?? DEFAULT_TOP, options)
        return { token: { ...alternative, id }, next: { top: next.top, entropy: null } }
      }),
    )
  }

  /** What comes after a text, by an answer of one token. */
  async #predict(
    ids: readonly number[],
    count: number,
    options: ForwardOptions,
  ): Promise<{ top: RemoteAlternative[]; reused: number | null }> {
    const { topLogprobs } = checkOptions({ topLogprobs: count }, [])
    const request: RunRequest = {
      prompt: { kind: 'ids', ids },
      ...WHOLE_DISTRIBUTION,
      maxTokens: 1,
      topLogprobs: Math.min(topLogprobs, this.info.remote.maxTopLogprobs),
      stopStrings: [],
      stopIds: [],
      adapters: this.#adapters(options),
    }
    const ending = new AbortController()
    let top: RemoteAlternative[] | null = null
    let reused: number | null = null
    let left = Infinity
    try {
      for await (const event of this.#dialect.run(request, ending.signal)) {
        if (event.kind === 'token') top ??= event.token.top
        if (event.kind === 'prompt') reused = event.cached ?? reused
        if (event.kind === 'finish') left = Math.min(left, AFTER_END)
        if (left-- <= 0) break
      }
    } finally {
      ending.abort()
    }
    if (!top) throw broken('The engine sent no prediction.', this.info.remote.url)
    return { top, reused }
  }

  listAdapters(): Promise<readonly RemoteAdapter[]> {
    return Promise.resolve(
      this.#dialect.adapters.map(({ id, name }) => ({ id, name, scale: this.#scales.get(id) ?? 0 })),
    )
  }

  async setAdapterScale(id: string, scale: number): Promise<void> {
    this.#need('setAdapterScale')
    this.#checkAdapter(id)
    if (scale !== 0 && scale !== 1) this.#need('adapter-scales')
    this.#scales.set(id, scale)
  }

  /** Nothing has to be compiled here. */
  prepareAdapters(): Promise<void> {
    return Promise.resolve()
  }

  dispose(): Promise<void> {
    this.#closing.abort()
    return Promise.resolve()
  }
}

function requestPrompt(prompt: Prompt): RunRequest['prompt'] {
  if (typeof prompt === 'string') return { kind: 'text', text: prompt }
  const messages = prompt.filter((entry) => typeof entry === 'object')
  if (messages.length > 0) return { kind: 'chat', messages }
  return { kind: 'ids', ids: prompt.filter((entry) => typeof entry === 'number') }
}

/**
 * A model behind HTTP, whose other methods refuse, each saying what would offer it.
 *
 * @param closing ends every request when the model is disposed of
 */
export function remoteModel(info: ConnectedInfo, dialect: Dialect, closing: AbortController): ConnectedModel {
  const { capabilities } = info.remote
  const others = refusals((method) => unsupported(dialect.engine, method, String(capabilities[method])))
  return Object.assign(new RemoteModel(info, dialect, closing), others)
}
