/** What an OpenAI-shaped server offers, found by asking with a fixed text of one letter: nothing of a person's is sent. */
import type { EngineHttp } from './http.ts'
import { ask } from './ask.ts'
import { entriesOf } from './openaiChunk.ts'
import { asRecord, idsAt, listAt, textAt, type Json } from './shape.ts'
import type { Capability } from './types.ts'

const PROBE_TEXT = 'a'
export const PROBE_MESSAGES = [{ role: 'user', content: PROBE_TEXT }] as const
/** An id every vocabulary has, where the engine does not tell its ids. */
const SOME_ID = 1
/** Alternatives asked for, most first. */
const TOPS = [20, 5, 1] as const

/** What one endpoint gave for a one-token answer. */
export interface Answered {
  offered: Capability
  logprobs: boolean
  ids: boolean
  maxTop: number
  /** Fields beyond OpenAI's that ask for ids are taken. */
  extras: boolean
}

export interface OpenAiProbeResult {
  /** Ids of the probing text, null without a tokenizer. */
  probeIds: readonly number[] | null
  contextLength: number | null
  detokenize: 'prompt' | 'text' | null
  tokenizeChat: boolean
  completion: Answered
  chat: Answered
  promptIds: boolean
  score: 'prompt_logprobs' | 'echo' | null
  /** Fields beyond OpenAI's that reach the engine. */
  fields: ReadonlySet<ProbedField>
}

/** A value each field takes, and one that a server which knows the field refuses. */
const PROBED_FIELDS = {
  top_k: 40,
  min_p: 0.1,
  repetition_penalty: 1.1,
  stop_token_ids: [SOME_ID],
} as const
const REFUSED = 'not a number'

export type ProbedField = keyof typeof PROBED_FIELDS

/** Extra fields that make vLLM and SGLang send ids. */
export const ID_FIELDS = { return_tokens_as_token_ids: true, return_token_ids: true } as const

export function logprobFields(chat: boolean, top: number): Json {
  return chat ? { logprobs: true, top_logprobs: top } : { logprobs: top }
}

export class OpenAiProbe {
  readonly #http: EngineHttp
  readonly #model: string
  readonly #signal: AbortSignal | undefined

  constructor(http: EngineHttp, model: string, signal: AbortSignal | undefined) {
    this.#http = http
    this.#model = model
    this.#signal = signal
  }

  async run(): Promise<OpenAiProbeResult> {
    const tokenized = await this.#post('/tokenize', { prompt: PROBE_TEXT, add_special_tokens: false })
    const tokens = idsAt(tokenized, 'tokens')
    // Of a server whose text goes by another name, the list is empty.
    const probeIds = tokens?.length ? tokens : null
    const length = tokenized?.['max_model_len']
    const [detokenize, tokenizeChat, completion, chat] = await Promise.all([
      this.#detokenize(probeIds),
      probeIds ? this.#tokenizesChats() : false,
      this.#answered(false),
      this.#answered(true),
    ])
    const ids = probeIds ?? [SOME_ID]
    const offered = completion.offered === true
    const [promptIds, score, fields] = await Promise.all([
      offered && this.#takesIds(ids),
      offered && completion.logprobs ? this.#scores(ids) : null,
      this.#fields(offered ? false : chat.offered === true ? true : null),
    ])
    const contextLength = typeof length === 'number' ? length : null
    return {
      probeIds,
      contextLength,
      detokenize,
      tokenizeChat,
      completion,
      chat,
      promptIds,
      score: promptIds ? score : null,
      fields,
    }
  }

  #post(path: string, body: Json): Promise<Json | null> {
    return ask(this.#http.post(path, { model: this.#model, ...body }, this.#signal))
  }

  #complete(chat: boolean, body: Json): Promise<Json | null> {
    const prompt = chat ? { messages: PROBE_MESSAGES } : { prompt: PROBE_TEXT }
    const path = chat ? '/v1/chat/completions' : '/v1/completions'
    return this.#post(path, { ...prompt, max_tokens: 1, temperature: 0, ...body })
  }

  async #detokenize(ids: readonly number[] | null): Promise<'prompt' | 'text' | null> {
    const answer = await this.#post('/detokenize', { tokens: ids ?? [SOME_ID] })
    if (textAt(answer, 'prompt') !== null) return 'prompt'
    return textAt(answer, 'text') === null ? null : 'text'
  }

  async #tokenizesChats(): Promise<boolean> {
    return idsAt(await this.#post('/tokenize', { messages: PROBE_MESSAGES }), 'tokens') !== null
  }

  /** One token from an endpoint, with as much beside it as it will give. */
  async #answered(chat: boolean): Promise<Answered> {
    for (const extras of [true, false]) {
      for (const top of TOPS) {
        const answer = await this.#complete(chat, {
          ...logprobFields(chat, top),
          ...(extras ? ID_FIELDS : {}),
        })
        if (answer) return readAnswer(answer, top, extras)
      }
    }
    const plain = await this.#complete(chat, {})
    if (plain) return readAnswer(plain, 0, false)
    const what = chat ? '/v1/chat/completions' : '/v1/completions'
    const offered = `it refuses ${what}; vLLM, SGLang, Ollama and llama.cpp’s server offer it for models that allow it.`
    return { offered, logprobs: false, ids: false, maxTop: 0, extras: false }
  }

  async #takesIds(ids: readonly number[]): Promise<boolean> {
    const answer = await this.#complete(false, { prompt: ids })
    return listAt(answer, 'choices') !== null
  }

  /** How log-probabilities of a prompt are asked for, by whether any came back. */
  async #scores(ids: readonly number[]): Promise<'prompt_logprobs' | 'echo' | null> {
    const prompt = [...ids, ...ids]
    const direct = await this.#complete(false, { prompt, prompt_logprobs: 1 })
    const choice = listAt(direct, 'choices')?.[0]
    if (asRecord(listAt(choice, 'prompt_logprobs')?.[1])) return 'prompt_logprobs'
    const echoed = await this.#complete(false, { prompt, echo: true, logprobs: 1 })
    const entries = entriesOf(listAt(echoed, 'choices')?.[0])
    return entries.length >= prompt.length && entries[1]?.logprob !== null ? 'echo' : null
  }

  /** Fields whose valid value is taken and whose invalid one is refused: the others are silently dropped, or not known. */
  async #fields(chat: boolean | null): Promise<ReadonlySet<ProbedField>> {
    if (chat === null) return new Set()
    const names = Object.keys(PROBED_FIELDS) as ProbedField[]
    const accepted = await Promise.all(
      names.map(async (name) => {
        const invalid = name === 'stop_token_ids' ? [REFUSED] : REFUSED
        const refuses = (await this.#complete(chat, { [name]: invalid })) === null
        return refuses && (await this.#complete(chat, { [name]: PROBED_FIELDS[name] })) !== null
      }),
    )
    return new Set(names.filter((_, index) => accepted[index]))
  }
}

function readAnswer(answer: Json, top: number, extras: boolean): Answered {
  const choice = listAt(answer, 'choices')?.[0]
  const entries = entriesOf(choice)
  const sent = entries.filter(({ logprob }) => logprob !== null)
  const ids = entries.some(({ id }) => id !== null) || idsAt(choice, 'token_ids') !== null
  const logprobs = sent.length > 0
  const offered = choice === undefined ? 'it answers without choices.' : true
  // A vocabulary may be smaller than what was asked for; some engines send fewer than asked without a word.
  const most = Math.max(0, ...sent.map((entry) => entry.top.length))
  return { offered, logprobs, ids, maxTop: logprobs ? Math.min(top, most || top) : 0, extras }
}
