import { TokenscopeError } from '../errors.ts'
import type { ChatMessage } from '../text/types.ts'
import type { AdapterScale } from '../api/model.ts'
import { ask } from './ask.ts'
import type { Dialect, RunEvent, RunRequest } from './dialect.ts'
import { unsupported } from './errors.ts'
import type { EngineHttp } from './http.ts'
import { LlamaEvents } from './llamaEvents.ts'
import { asRecord, idsAt, listAt, numberAt, recordAt, textAt, type Json } from './shape.ts'
import type { Capability, ConnectedInfo, RemoteAdapter, RemoteScoredToken, TemplateOptions } from './types.ts'

/** Alternatives a token may be asked for; the server itself would send the whole vocabulary. */
const MAX_TOP = 256
/** The seed 2³² − 1 means a random one there. */
const SEEDS = 0xffffffff
/** Tokens the repetition penalty looks back where the server does not say its context. */
const SOME_CONTEXT = 4096
/** In the order this library samples; leaving out the others keeps the server's own defaults for them out too. */
const SAMPLERS = ['penalties', 'temperature', 'top_k', 'top_p', 'min_p']

const PROBE_TEXT = 'a'

interface LlamaProbeResult {
  props: Json
  completes: boolean
  logprobs: boolean
  detokenizes: boolean
  rendersChats: boolean
  adapters: readonly RemoteAdapter[]
  bosId: number | null
  eosIds: readonly number[]
}

/** llama.cpp's own endpoints: token ids in and out, adapters with a scale for each request. */
export class LlamaDialect implements Dialect {
  readonly engine: string
  readonly features: Dialect['features']
  readonly maxTopLogprobs: number
  readonly facts: Partial<ConnectedInfo>
  readonly adapters: readonly RemoteAdapter[]
  readonly #http: EngineHttp
  readonly #model: string

  private constructor(http: EngineHttp, model: string, listed: readonly unknown[], probed: LlamaProbeResult) {
    this.#http = http
    this.#model = model
    const build = textAt(probed.props, 'build_info')
    this.engine = build === null ? 'llama.cpp’s server' : `llama.cpp’s server ${build}`
    this.adapters = probed.adapters
    this.features = featuresOf(probed)
    this.maxTopLogprobs = probed.logprobs ? MAX_TOP : 0
    this.facts = factsOf(listed.find((entry) => textAt(entry, 'id') === model) ?? listed[0], probed)
  }

  /** Null where the endpoints are not there. */
  static async open(
    http: EngineHttp,
    { model, listed, signal }: { model: string; listed: readonly unknown[]; signal: AbortSignal | undefined },
  ): Promise<LlamaDialect | null> {
    const props = await ask(http.get('/props', signal))
    if (!props || !recordAt(props, 'default_generation_settings')) return null
    const probe = (path: string, body: Json): Promise<Json | null> =>
      ask(http.post(path, { model, ...body }, signal))
    const idsOf = async (content: string, add_special: boolean): Promise<number[] | null> =>
      idsAt(await probe('/tokenize', { content, add_special, parse_special: true }), 'tokens')
    const ids = await idsOf(PROBE_TEXT, false)
    if (!ids || ids.length === 0) return null
    const [answer, text, chat, adapters, bos, eos] = await Promise.all([
      probe('/completion', { prompt: ids, n_predict: 1, n_probs: 1, temperature: 0, return_tokens: true }),
      probe('/detokenize', { tokens: ids }),
      probe('/apply-template', { messages: [{ role: 'user', content: PROBE_TEXT }] }),
      http.get('/lora-adapters', signal).then(adaptersOf, () => []),
      idsOf('', true),
      idsOf(textAt(props, 'eos_token') ?? '', false),
    ])
    const probed: LlamaProbeResult = {
      props,
      completes: idsAt(answer, 'tokens') !== null,
      logprobs: numberAt(listAt(answer, 'completion_probabilities')?.[0], 'logprob') !== null,
      detokenizes: textAt(text, 'content') !== null,
      rendersChats: textAt(chat, 'prompt') !== null,
      adapters,
      bosId: bos?.[0] ?? null,
      eosIds: eos?.length === 1 ? eos : [],
    }
    return new LlamaDialect(http, model, listed, probed)
  }

  async *run(request: RunRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const prompt = await this.#idsOf(request.prompt, signal)
    yield { kind: 'prompt', ids: prompt, count: prompt.length, cached: null }
    const events = new LlamaEvents(request.topLogprobs)
    for await (const event of this.#http.events('/completion', this.#body(prompt, request), signal)) {
      yield* events.read(event)
    }
  }

  async #idsOf(prompt: RunRequest['prompt'], signal: AbortSignal): Promise<readonly number[]> {
    if (prompt.kind === 'ids') return prompt.ids
    if (prompt.kind === 'text') return this.#tokenize(prompt.text, { add: true, parse: false, signal })
    const rendered = await this.#render(prompt.messages, {}, signal)
    return this.#tokenize(rendered, { add: true, parse: true, signal })
  }

  #body(prompt: readonly number[], request: RunRequest): Json {
    const { temperature, topK, topP, minP, repetitionPenalty, seed, maxTokens } = request
    return {
      model: this.#model,
      prompt,
      n_predict: maxTokens,
      n_probs: Math.max(1, request.topLogprobs),
      return_tokens: true,
      return_progress: true,
      stream: true,
      samplers: SAMPLERS,
      temperature,
      top_k: topK,
      top_p: topP,
      min_p: minP,
      repeat_penalty: repetitionPenalty,
      // The whole text, as the penalty is defined here.
      repeat_last_n: this.facts.context || SOME_CONTEXT,
      seed: seed % SEEDS,
      stop: request.stopStrings,
      ...this.#scales(request.adapters),
    }
  }

  /** Every adapter of the server with its scale: what is left out there would be 0, and so would what is not asked for here. */
  #scales(adapters: readonly AdapterScale[]): Json {
    if (this.adapters.length === 0) return {}
    const scaleOf = (id: string): number => adapters.find((one) => one.id === id)?.scale ?? 0
    return { lora: this.adapters.map(({ id }) => ({ id: Number(id), scale: scaleOf(id) })) }
  }

  encode(
    text: string,
    { addSpecialTokens, parseSpecial }: { addSpecialTokens: boolean; parseSpecial: boolean | undefined },
  ): Promise<number[]> {
    return this.#tokenize(text, { add: addSpecialTokens, parse: parseSpecial ?? false })
  }

  async #tokenize(
    content: string,
    { add, parse, signal }: { add: boolean; parse: boolean; signal?: AbortSignal },
  ): Promise<number[]> {
    const body = { model: this.#model, content, add_special: add, parse_special: parse }
    const ids = idsAt(await this.#http.post('/tokenize', body, signal), 'tokens')
    if (ids) return ids
    throw this.#malformed('/tokenize')
  }

  #malformed(path: string): TokenscopeError {
    return new TokenscopeError('network', `${this.engine} answered ${path} in an unknown form.`, {
      hint: 'Update the server, or connect to its /v1 through a program that speaks OpenAI’s shape.',
      details: { url: this.#http.root + path },
    })
  }

  async decode(ids: readonly number[]): Promise<string> {
    const text = textAt(await this.#http.post('/detokenize', { model: this.#model, tokens: ids }), 'content')
    if (text === null) throw this.#malformed('/detokenize')
    return text
  }

  async pieces(text: string): Promise<{ id: number; bytes: Uint8Array }[] | null> {
    const body = {
      model: this.#model,
      content: text,
      add_special: false,
      parse_special: true,
      with_pieces: true,
    }
    const tokens = listAt(await this.#http.post('/tokenize', body), 'tokens') ?? []
    const pieces = tokens.flatMap((token) => {
      const id = numberAt(token, 'id')
      const piece = textAt(token, 'piece')
      const bytes = piece === null ? idsAt(token, 'piece') : new TextEncoder().encode(piece)
      return id === null || bytes === null ? [] : [{ id, bytes: Uint8Array.from(bytes) }]
    })
    return pieces.length === tokens.length ? pieces : null
  }

  applyChatTemplate(
    messages: readonly ChatMessage[],
    { addGenerationPrompt, continueFinalMessage }: Required<TemplateOptions>,
  ): Promise<string> {
    const options = { add_generation_prompt: addGenerationPrompt && !continueFinalMessage }
    return this.#render(
      messages,
      continueFinalMessage ? { ...options, continue_final_message: true } : options,
    )
  }

  async #render(messages: readonly ChatMessage[], options: Json, signal?: AbortSignal): Promise<string> {
    const body = { model: this.#model, messages, ...options }
    const prompt = textAt(await this.#http.post('/apply-template', body, signal), 'prompt')
    if (prompt === null) throw this.#malformed('/apply-template')
    return prompt
  }

  score(): Promise<RemoteScoredToken[]> {
    return Promise.reject(unsupported(this.engine, 'score', NO_SCORES))
  }
}

const NO_SCORES =
  'it sends log-probabilities of generated tokens only; vLLM (prompt_logprobs) sends those of a prompt.'

function adaptersOf(answer: unknown): RemoteAdapter[] {
  if (!Array.isArray(answer)) return []
  return answer.flatMap((entry: unknown) => {
    const id = numberAt(entry, 'id')
    const path = textAt(entry, 'path') ?? ''
    if (id === null) return []
    return [
      { id: String(id), name: path.split(/[\\/]/).at(-1) ?? path, scale: numberAt(entry, 'scale') ?? 0 },
    ]
  })
}

function factsOf(card: unknown, probed: LlamaProbeResult): Partial<ConnectedInfo> {
  const meta = recordAt(card, 'meta')
  const settings = recordAt(probed.props, 'default_generation_settings')
  return {
    vocab: numberAt(meta, 'n_vocab') ?? 0,
    hidden: numberAt(meta, 'n_embd') ?? 0,
    parameters: numberAt(meta, 'n_params') ?? 0,
    context: numberAt(settings, 'n_ctx') ?? numberAt(meta, 'n_ctx') ?? 0,
    weights: textAt(meta, 'ftype'),
    hasTokenizer: true,
    hasChatTemplate: probed.rendersChats,
    bosId: probed.bosId,
    eosIds: probed.eosIds,
  }
}

/** Settings of the sampler that the server lists among its defaults are settings it takes. */
function featuresOf(probed: LlamaProbeResult): Dialect['features'] {
  const params = recordAt(recordAt(probed.props, 'default_generation_settings'), 'params')
  const when = (holds: boolean, why: string): Capability => holds || why
  const sampler = (field: string): Capability =>
    when(asRecord(params)?.[field] !== undefined, `it has no setting ${field}; a newer one has.`)
  const generates = when(probed.completes, 'it refuses /completion for this model.')
  const chats = when(probed.rendersChats, 'it renders no chats: its model has no template, or needs --jinja.')
  return {
    'prompt-text': generates,
    'prompt-ids': generates,
    'prompt-chat': generates === true ? chats : generates,
    'token-ids': generates,
    logprobs: when(probed.logprobs, 'it sent none where asked; a newer one does.'),
    'top-k': sampler('top_k'),
    'min-p': sampler('min_p'),
    'repetition-penalty': sampler('repeat_penalty'),
    'stop-ids': generates,
    'adapter-scales': when(
      probed.adapters.length > 0,
      'it was started without adapters; --lora FILE.gguf gives it one.',
    ),
    encode: true,
    decode: when(probed.detokenizes, 'it refuses /detokenize.'),
    applyChatTemplate: chats,
    score: NO_SCORES,
  }
}
