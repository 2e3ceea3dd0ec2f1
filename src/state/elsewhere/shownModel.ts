import type {
  BranchOptions,
  ChatMessage,
  ChatOptions,
  ChatTemplateInfo,
  Child,
  EncodeOptions,
  Fork,
  GeneratedToken,
  GenerateOptions,
  LoadedAdapterInfo,
  LogitsAt,
  Model,
  ModelInfo,
  Prompt,
  ScoredToken,
  ScoreOptions,
  TokenAlternative,
  WeightFormat,
} from '../../api/model.ts'
import { blankReport } from '../../adapters/blankReport.ts'
import { TokenscopeError } from '../../errors.ts'
import type {
  Capability,
  ConnectedInfo,
  ConnectedModel,
  Feature,
  RemoteAlternative,
  RemoteToken,
} from '../../remote/types.ts'
import { unsupported } from '../../remote/errors.ts'
import { refusals } from '../../remote/refusals.ts'
import { LocalIds } from './localIds.ts'
import { isSent } from './sentIds.ts'

/** Settings that an engine may not take: the page shows them as such, and leaves them out. */
export const FEATURE_OF = {
  topK: 'top-k',
  minP: 'min-p',
  repetitionPenalty: 'repetition-penalty',
} as const satisfies Partial<Record<keyof GenerateOptions, Feature>>

/** Nothing computes here: no view shows these of a model whose `info` says `remote`. */
const NOTHING_HERE = {
  kvCache: 'f32',
  variant: { name: '', f16: false, subgroups: false, threadPerOutput: false, workgroup: 0 },
} as const

/** An engine renders chats by a template that it does not show. */
const UNSHOWN_TEMPLATE: ChatTemplateInfo = {
  names: [],
  source: '',
  specialTokens: {},
  reads: null,
  problem: null,
}

/** A file's own name where an engine names a model by its path. */
export function nameOf(id: string): string {
  return /^([a-z]:)?[\\/]/i.test(id) ? (id.split(/[\\/]/).at(-1) ?? id) : id
}

function infoOf(info: ConnectedInfo): ModelInfo {
  const weights = (info.weights ?? '') as WeightFormat
  // Texts have ids of the page where the engine knows none.
  // A length that it does not say is found out by the engine itself.
  const context = info.context || Infinity
  return { ...info, ...NOTHING_HERE, id: nameOf(info.id), weights, context, hasTokenizer: true }
}

/**
 * A model elsewhere as the page's views take one. What an engine sends without an id gets one of the page's own, which no request
 * carries: its text goes in its place. A number that is not sent is NaN, never a guess.
 */
class ShownModel {
  readonly info: ModelInfo
  readonly #far: ConnectedModel
  readonly #local = new LocalIds()
  /** Texts by what they were encoded to: decoding may spell what encoding had added. */
  readonly #encoded = new Map<string, string>()

  constructor(far: ConnectedModel, knownTexts: ReadonlyMap<number, string>) {
    this.info = infoOf(far.info)
    this.#far = far
    for (const [id, text] of knownTexts) if (!isSent(id)) this.#local.assign(id, text)
  }

  #offers(what: Feature | 'encode' | 'applyChatTemplate' | 'tokenTexts'): boolean {
    const capability: Capability = this.#far.info.remote.capabilities[what]
    return capability === true
  }

  async encode(text: string, options?: EncodeOptions): Promise<number[]> {
    if (!this.#offers('encode') || this.#local.chatOf(text) !== null)
      return text === '' ? [] : [this.#local.idOf(text)]
    const ids = await this.#far.encode(text, options)
    this.#encoded.set(ids.join(), text)
    return ids
  }

  async decode(ids: readonly number[]): Promise<string> {
    if (ids.length === 0) return ''
    if (ids.every(isSent)) return this.#far.decode(ids)
    return (await this.tokenTexts(ids)).join('')
  }

  async tokenTexts(ids: readonly number[]): Promise<string[]> {
    const texts: string[] = []
    for (let from = 0; from < ids.length;) {
      const id = ids[from]!
      const next = ids.findIndex((other, at) => at > from && isSent(other) !== isSent(id))
      const run = ids.slice(from, next === -1 ? ids.length : next)
      texts.push(
        ...(isSent(id) ? await this.#far.tokenTexts(run) : run.map((one) => this.#local.textOf(one))),
      )
      from += run.length
    }
    return texts
  }

  async applyChatTemplate(messages: readonly ChatMessage[], options: ChatOptions = {}): Promise<string> {
    const { addGenerationPrompt, continueFinalMessage, ...others } = options
    const given = { addGenerationPrompt, continueFinalMessage }
    const set = Object.entries(others).filter(([name, value]) => name !== 'now' && isSaid(value))
    if (this.#offers('applyChatTemplate'))
      return this.#far.applyChatTemplate(messages, { ...given, ...Object.fromEntries(set) })
    const text = transcript(messages, continueFinalMessage === true)
    this.#local.keepChat(text, messages)
    return text
  }

  chatTemplate(): Promise<ChatTemplateInfo> {
    return Promise.resolve(UNSHOWN_TEMPLATE)
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    const ids = isIds(prompt) ? prompt : null
    const asked = ids === null ? prompt : await this.#promptOf(ids)
    const spelling = thinkingTags()
    try {
      for await (const token of this.#far.generate(asked, this.#taken(options)))
        yield this.#token(token, ids?.length ?? 0, spelling(token))
    } catch (error) {
      throw keptError(error)
    }
  }

  async fork(
    ids: readonly number[],
    position: number,
    token: number,
    options?: BranchOptions,
  ): Promise<Fork> {
    const fork = await this.#far.fork(ids, position, token, options)
    return { ids: fork.ids, next: this.#next(fork.next.top), reused: fork.reused ?? 0 }
  }

  async expand(ids: readonly number[], count: number, options?: BranchOptions): Promise<readonly Child[]> {
    const children = await this.#far.expand(ids, count, options)
    return children.map(({ token, next }) => ({ token, next: this.#next(next.top) }))
  }

  async *score(ids: readonly number[], options: ScoreOptions = {}): AsyncGenerator<readonly ScoredToken[]> {
    const { topLogprobs, signal } = options
    for await (const tokens of this.#far.score(ids, { topLogprobs, signal }))
      yield tokens.map((token) => ({
        ...token,
        rank: token.rank ?? NaN,
        entropy: NaN,
        top: this.#alternatives(token.top),
      }))
  }

  async listAdapters(): Promise<readonly LoadedAdapterInfo[]> {
    return (await this.#far.listAdapters()).map((adapter) => ({
      ...adapter,
      report: blankReport(adapter.name),
    }))
  }

  tokenLogits(): Promise<LogitsAt> {
    return this.#far.logitsAt([])
  }

  setAdapterScale(id: string, scale: number): Promise<void> {
    return this.#far.setAdapterScale(id, scale)
  }

  prepareAdapters(): Promise<void> {
    return Promise.resolve()
  }

  dispose(): Promise<void> {
    return this.#far.dispose()
  }

  /** The prompt as the engine takes it: ids where all are its own, else the messages they stand for, else their text. */
  async #promptOf(ids: readonly number[]): Promise<Prompt> {
    if (ids.every(isSent) && this.#offers('prompt-ids')) return ids
    const [first] = ids
    const chat = first === undefined || isSent(first) ? null : this.#local.chatOf(this.#local.textOf(first))
    if (chat === null) return this.#textOf(ids)
    const said = await this.decode(ids.slice(1))
    const last = chat.at(-1)
    if (said === '') return chat
    if (last?.role !== 'assistant') return [...chat, { role: 'assistant', content: said }]
    return [...chat.slice(0, -1), { ...last, content: String(last.content ?? '') + said }]
  }

  async #textOf(ids: readonly number[]): Promise<string> {
    const local = ids.findIndex((id) => !isSent(id))
    const sent = local === -1 ? ids : ids.slice(0, local)
    const text = this.#encoded.get(sent.join()) ?? (await this.decode(sent))
    return text + (await this.decode(ids.slice(sent.length)))
  }

  /** Without what the engine does not take. Adapters act at the scales set for its requests. */
  #taken(options: GenerateOptions): GenerateOptions {
    const names = Object.keys(FEATURE_OF) as (keyof typeof FEATURE_OF)[]
    const left = names.filter((name) => !this.#offers(FEATURE_OF[name]))
    const without = Object.fromEntries(left.map((name) => [name, undefined]))
    return { ...options, ...without, adapters: undefined, topLogprobs: MAX_ALTERNATIVES }
  }

  #token(token: RemoteToken, promptLength: number, text: string): GeneratedToken {
    const { index, position, id, logprob, top, finish } = token
    return {
      index,
      position: position ?? promptLength + index,
      id: id ?? this.#local.idOf(text),
      text,
      logprob: logprob ?? NaN,
      top: this.#alternatives(top),
      random: null,
      finish,
    }
  }

  #alternatives(top: readonly RemoteAlternative[]): TokenAlternative[] {
    return top.map(({ id, text, logprob }) => ({ id: id ?? this.#local.idOf(text), text, logprob }))
  }

  #next(top: readonly RemoteAlternative[]): Fork['next'] {
    return { top: this.#alternatives(top), entropy: NaN }
  }
}

/** Alternatives asked for with every token; an engine sends as many of them as it may. */
export const MAX_ALTERNATIVES = 32

const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && (typeof value !== 'object' || Object.keys(value).length > 0)

const isIds = (prompt: Prompt): prompt is readonly number[] =>
  typeof prompt !== 'string' && prompt.every((entry) => typeof entry === 'number')

/** How the page shows a chat whose rendering it does not get to see. */
function transcript(messages: readonly ChatMessage[], continues: boolean): string {
  const turns = messages.map(({ role, content }) => `${role}: ${spoken(content)}`)
  return turns.join('\n\n') + (continues ? '' : '\n\nassistant: ')
}

const spoken = (content: ChatMessage['content']): string =>
  typeof content === 'string' ? content : content ? JSON.stringify(content) : ''

/** Thinking that an engine sends apart is put between the tags that the chat reads. */
function thinkingTags(): (token: RemoteToken) => string {
  let thinks = false
  return ({ part, text }) => {
    const wasThinking = thinks
    thinks = part === 'reasoning'
    if (thinks === wasThinking) return text
    return thinks ? `<think>${text}` : `</think>${text}`
  }
}

function keptError(error: unknown): unknown {
  if (!(error instanceof TokenscopeError) || !error.details['received']) return error
  const { code, message, details } = error
  const hint = 'What has arrived is kept: “Continue” goes on from there.'
  return new TokenscopeError(code, message, { hint, details, cause: error })
}

/** What the page's views show of a connected engine. `knownTexts`: texts on the page by their ids, from before a reload. */
export function shownModel(far: ConnectedModel, knownTexts: ReadonlyMap<number, string> = new Map()): Model {
  const { engine, capabilities } = far.info.remote
  const { chatTemplate: _, ...others } = refusals((method) =>
    unsupported(engine, method, String(capabilities[method])),
  )
  return Object.assign(new ShownModel(far, knownTexts), others)
}
