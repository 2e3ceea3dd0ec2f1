import { TokenscopeError } from '../errors.ts'
import type { ChatMessage } from '../text/types.ts'
import type { AdapterScale } from '../api/model.ts'
import type { Dialect, RunEvent, RunRequest } from './dialect.ts'
import { unsupported } from './errors.ts'
import type { EngineHttp } from './http.ts'
import { openaiEvents } from './openaiChunk.ts'
import {
  ID_FIELDS,
  logprobFields,
  OpenAiProbe,
  type Answered,
  type OpenAiProbeResult,
} from './openaiProbe.ts'
import { readEchoed, readPromptLogprobs } from './openaiScore.ts'
import { idsAt, listAt, numberAt, textAt, type Json } from './shape.ts'
import type {
  Capability,
  ConnectedInfo,
  RemoteAdapter,
  RemoteAlternative,
  RemoteScoredToken,
  TemplateOptions,
} from './types.ts'

const NO_TOKENIZER = 'it answers no /tokenize and /detokenize; vLLM, SGLang and llama.cpp’s server do.'

/** Ids and texts in flight at a time while alternatives are spelled. */
const SPELLED_AT_ONCE = 16

/** Servers with OpenAI's endpoints: vLLM, SGLang, Ollama, LM Studio and many others. */
export class OpenAiDialect implements Dialect {
  readonly engine: string
  readonly features: Dialect['features']
  readonly maxTopLogprobs: number
  readonly facts: Partial<ConnectedInfo>
  readonly adapters: readonly RemoteAdapter[]
  readonly #http: EngineHttp
  readonly #model: string
  readonly #probed: OpenAiProbeResult
  readonly #spellings = new Map<number, Promise<string>>()

  private constructor(
    http: EngineHttp,
    model: string,
    engine: string,
    listed: readonly unknown[],
    probed: OpenAiProbeResult,
  ) {
    this.#http = http
    this.#model = model
    this.#probed = probed
    this.engine = engine
    this.adapters = adaptersOf(listed, model)
    this.features = featuresOf(probed, this.adapters)
    this.maxTopLogprobs = Math.max(probed.completion.maxTop, probed.chat.maxTop)
    const card = listed.find((entry) => textAt(entry, 'id') === model)
    this.facts = {
      context: numberAt(card, 'max_model_len') ?? probed.contextLength ?? 0,
      hasTokenizer: this.features.encode === true,
      hasChatTemplate: this.features['prompt-chat'] === true,
    }
  }

  /** @param listed entries of `/v1/models` */
  static async open(
    http: EngineHttp,
    { model, listed, signal }: { model: string; listed: readonly unknown[]; signal: AbortSignal | undefined },
  ): Promise<OpenAiDialect> {
    const [engine, probed] = await Promise.all([
      engineName(http, listed, signal),
      new OpenAiProbe(http, model, signal).run(),
    ])
    return new OpenAiDialect(http, model, engine, listed, probed)
  }

  async *run(request: RunRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const chat = request.prompt.kind === 'chat'
    const path = chat ? '/v1/chat/completions' : '/v1/completions'
    for await (const chunk of this.#http.events(path, this.#body(request), signal)) {
      if (chunk === null) {
        yield { kind: 'finish', finish: 'stop' }
        return
      }
      for (const event of openaiEvents(chunk)) {
        if (event.kind === 'token') await this.#spell(event.token.top, event.token)
        yield event
      }
    }
  }

  #body(request: RunRequest): Json {
    const { prompt, topLogprobs, stopStrings } = request
    const chat = prompt.kind === 'chat'
    const answered = chat ? this.#probed.chat : this.#probed.completion
    const top = Math.min(topLogprobs, answered.maxTop)
    return {
      model: this.#modelWith(request.adapters),
      ...promptFields(prompt),
      ...this.#sampling(request),
      max_tokens: request.maxTokens,
      ...(answered.logprobs ? logprobFields(chat, top) : {}),
      ...this.#idFields(answered),
      ...(stopStrings.length > 0 ? { stop: stopStrings } : {}),
      stream: true,
      stream_options: { include_usage: true },
    }
  }

  /** Texts come as ids only where those can be spelled. */
  #idFields(answered: Answered): Json {
    if (!answered.extras) return {}
    return { ...ID_FIELDS, return_tokens_as_token_ids: this.#probed.detokenize !== null }
  }

  #sampling(request: RunRequest): Json {
    const { fields } = this.#probed
    const { temperature, topP, seed, topK, minP, repetitionPenalty, stopIds } = request
    return {
      temperature,
      top_p: topP,
      seed,
      // −1 keeps all in every version; 0 does in new ones only.
      ...(fields.has('top_k') ? { top_k: topK === 0 ? -1 : topK } : {}),
      ...(fields.has('min_p') ? { min_p: minP } : {}),
      ...(fields.has('repetition_penalty') ? { repetition_penalty: repetitionPenalty } : {}),
      ...(fields.has('stop_token_ids') && stopIds.length > 0 ? { stop_token_ids: stopIds } : {}),
    }
  }

  /** Adapters are models of their own here: on or off, one at a time. */
  #modelWith(adapters: readonly AdapterScale[]): string {
    const active = adapters.filter(({ scale }) => scale !== 0)
    const [first] = active
    if (!first) return this.#model
    if (active.length === 1 && first.scale === 1) return first.id
    const asked = active.map(({ id, scale }) => `${id} at ${scale}`).join(', ')
    throw unsupported(
      this.engine,
      `adapters ${asked}`,
      'one at a time, at scale 0 or 1; llama.cpp’s server takes a scale for each.',
    )
  }

  /** Puts texts beside ids that came without. */
  async #spell(top: RemoteAlternative[], token: { id: number | null; text: string }): Promise<void> {
    if (this.#probed.detokenize === null) return
    if (token.id !== null && token.text !== '') this.#spellings.set(token.id, Promise.resolve(token.text))
    const bare = top.filter((one) => one.id !== null && one.text === '')
    for (let from = 0; from < bare.length; from += SPELLED_AT_ONCE) {
      const some = bare.slice(from, from + SPELLED_AT_ONCE)
      await Promise.all(some.map(async (one) => (one.text = await this.#spelling(one.id ?? 0))))
    }
  }

  #spelling(id: number): Promise<string> {
    const spelling = this.#spellings.get(id) ?? this.decode([id])
    this.#spellings.set(id, spelling)
    return spelling
  }

  async encode(
    text: string,
    { addSpecialTokens, parseSpecial }: { addSpecialTokens: boolean; parseSpecial: boolean | undefined },
  ): Promise<number[]> {
    if (parseSpecial === false) {
      throw unsupported(
        this.engine,
        'encoding special tokens as plain text',
        'its /tokenize always reads them; llama.cpp’s server has both.',
      )
    }
    const body = { model: this.#model, prompt: text, add_special_tokens: addSpecialTokens }
    return this.#ids(await this.#http.post('/tokenize', body))
  }

  #ids(answer: unknown): number[] {
    const ids = idsAt(answer, 'tokens')
    if (ids) return ids
    throw new TokenscopeError('network', `${this.engine} answered /tokenize without a list of tokens.`, {
      hint: 'Check that the address is that of the engine itself.',
      details: { url: this.#http.root },
    })
  }

  async decode(ids: readonly number[]): Promise<string> {
    const field = this.#probed.detokenize ?? 'prompt'
    const answer = await this.#http.post('/detokenize', {
      model: this.#model,
      tokens: ids,
      ...(field === 'text' ? { skip_special_tokens: false } : {}),
    })
    return textAt(answer, field) ?? ''
  }

  pieces(): Promise<null> {
    return Promise.resolve(null)
  }

  async applyChatTemplate(
    messages: readonly ChatMessage[],
    { addGenerationPrompt, continueFinalMessage }: Required<TemplateOptions>,
  ): Promise<string> {
    const answer = await this.#http.post('/tokenize', {
      model: this.#model,
      messages,
      add_generation_prompt: addGenerationPrompt,
      continue_final_message: continueFinalMessage,
    })
    return this.decode(this.#ids(answer))
  }

  async score(
    ids: readonly number[],
    options: { topLogprobs: number; adapters: readonly AdapterScale[]; signal: AbortSignal },
  ): Promise<RemoteScoredToken[]> {
    const { completion, score } = this.#probed
    // Without alternatives some engines send no log-probabilities at all.
    const top = Math.max(1, Math.min(options.topLogprobs, completion.maxTop))
    const asked = score === 'prompt_logprobs' ? { prompt_logprobs: top } : { echo: true, logprobs: top }
    const answer = await this.#http.post(
      '/v1/completions',
      {
        model: this.#modelWith(options.adapters),
        prompt: ids,
        max_tokens: 1,
        temperature: 0,
        ...asked,
        ...this.#idFields(completion),
      },
      options.signal,
    )
    const choice = listAt(answer, 'choices')?.[0]
    const read = score === 'prompt_logprobs' ? readPromptLogprobs : readEchoed
    const scored = read(choice, ids, this.engine)
    for (const token of scored) await this.#spell(token.top, { id: null, text: '' })
    return scored.map((token) => ({ ...token, top: token.top.slice(0, options.topLogprobs) }))
  }
}

function promptFields(prompt: RunRequest['prompt']): Json {
  if (prompt.kind === 'text') return { prompt: prompt.text }
  if (prompt.kind === 'ids') return { prompt: prompt.ids }
  const { messages } = prompt
  // An answer that broke off goes on where it stopped.
  const goesOn = messages.at(-1)?.role === 'assistant'
  return goesOn ? { messages, add_generation_prompt: false, continue_final_message: true } : { messages }
}

function adaptersOf(listed: readonly unknown[], model: string): RemoteAdapter[] {
  return listed.flatMap((entry) => {
    const id = textAt(entry, 'id')
    return id !== null && textAt(entry, 'parent') === model ? [{ id, name: id, scale: 0 }] : []
  })
}

function featuresOf(probed: OpenAiProbeResult, adapters: readonly RemoteAdapter[]): Dialect['features'] {
  const { completion, chat, fields } = probed
  const when = (holds: boolean, why: string): Capability => holds || why
  const sampler = (field: 'top_k' | 'min_p' | 'repetition_penalty'): Capability =>
    when(fields.has(field), `it ignores or refuses ${field}; vLLM, SGLang and llama.cpp’s server take it.`)
  const ids = completion.ids || chat.ids
  return {
    'prompt-text': completion.offered,
    'prompt-ids': when(
      probed.promptIds,
      'its /v1/completions takes no token ids; that of vLLM and SGLang does.',
    ),
    'prompt-chat': chat.offered,
    'token-ids': when(ids, 'it sends texts only; vLLM sends ids where asked, llama.cpp’s server always.'),
    logprobs: when(
      completion.logprobs || chat.logprobs,
      'it sends none, even where asked; vLLM, SGLang, llama.cpp’s server and Ollama from 0.12.11 do.',
    ),
    'top-k': sampler('top_k'),
    'min-p': sampler('min_p'),
    'repetition-penalty': sampler('repetition_penalty'),
    'stop-ids': when(
      ids || fields.has('stop_token_ids'),
      'it sends no ids and takes none as stops; vLLM does both.',
    ),
    'adapter-scales': when(
      false,
      adapters.length > 0
        ? 'an adapter is a model of its own here, on or off; llama.cpp’s server takes a scale for each request.'
        : 'it lists no adapters of this model; vLLM does with --enable-lora, llama.cpp’s server with --lora.',
    ),
    encode: when(probed.probeIds !== null, NO_TOKENIZER),
    decode: when(probed.detokenize !== null, NO_TOKENIZER),
    applyChatTemplate: when(
      probed.tokenizeChat && probed.detokenize !== null,
      'its /tokenize takes no messages; that of vLLM and the /apply-template of llama.cpp’s server do.',
    ),
    score: when(
      probed.score !== null,
      'it sends no log-probabilities of the prompt; vLLM (prompt_logprobs) and servers whose echo carries them do.',
    ),
  }
}

/** Engines by the owner they give their models. */
const OWNERS: Readonly<Record<string, string>> = { vllm: 'vLLM', sglang: 'SGLang', llamacpp: 'llama.cpp' }

/** A name to show; nothing is concluded from it. */
async function engineName(
  http: EngineHttp,
  listed: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const owner = textAt(listed[0], 'owned_by') ?? ''
  const engine = OWNERS[owner]
  const version = async (path: string): Promise<string | null> => {
    const answers = await Promise.allSettled([http.get(path, signal)])
    return answers[0].status === 'fulfilled' ? textAt(answers[0].value, 'version') : null
  }
  if (engine) return [engine, await version('/version')].filter(Boolean).join(' ')
  const ollama = await version('/api/version')
  return ollama === null ? 'This server' : `Ollama ${ollama}`
}
