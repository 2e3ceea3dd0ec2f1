/**
 * Engines in miniature, speaking as the real ones document: one character is one token, its code point the id, and the answer to
 * everything is {@link ANSWER}. What they were asked is recorded.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const SHAPES = ['vllm', 'sglang', 'ollama', 'ollama-old', 'chat-only', 'llama'] as const
export type Shape = (typeof SHAPES)[number]

export const ANSWER = 'Fine, thé.'
export const BOS = 1
export const EOS = 2
export const CONTEXT = 512
/** The other alternative of every position. */
const OTHER = 'x'
/** Most alternatives a server of this shape sends. */
const MAX_TOP = 20

export type Body = Record<string, unknown>

export interface Asked {
  method: string
  path: string
  body: Body
  key: string | undefined
}

export interface FakeEngine {
  url: string
  asked: Asked[]
  /** Requests whose client went away before the answer was complete. */
  abandoned: string[]
  /** Handles a request in place of the shape; false lets the shape answer. */
  override: ((asked: Asked, response: ServerResponse) => boolean) | null
  /** The origin of pages that may ask it; null: it does not know of pages, as an engine without its flag. */
  allows: string | null
  close(): Promise<void>
}

export const idOf = (character: string): number => character.codePointAt(0) ?? 0
export const idsOf = (text: string): number[] => Array.from(text, idOf)
export const textOf = (ids: readonly number[]): string =>
  ids.map((id) => (id === BOS ? '<s>' : id === EOS ? '</s>' : String.fromCodePoint(id))).join('')
/** Log-probability of the answer's token at an index; the other alternative has half its probability. */
export const logprobOf = (index: number): number => -0.125 * (index + 1)
export const otherOf = (index: number): number => logprobOf(index) - Math.LN2

export function renderChat(messages: readonly { role: string; content: string }[]): string {
  return messages.map(({ role, content }) => `[${role}]${content}`).join('') + '[assistant]'
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function refuse(response: ServerResponse, status: number, message: string): void {
  json(response, { error: { message, type: 'invalid_request_error', code: status } }, status)
}

/** Writes server-sent events; the callback may leave the response open. */
export function stream(
  response: ServerResponse,
  events: readonly unknown[],
  { done = true, end = true } = {},
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`)
  if (done) response.write('data: [DONE]\n\n')
  if (end) response.end()
}

const isNumber = (value: unknown): boolean => value === undefined || typeof value === 'number'
const NUMBERS = ['top_k', 'min_p', 'repetition_penalty']

/** Alternatives at an index with their log-probabilities, as many as asked for. */
function alternativesAt(index: number, text: string, top: number): [string, number][] {
  const fillers = [...'ABCDEGHI0123456789'].map((one, at): [string, number] => [one, otherOf(index) - at - 1])
  const all: [string, number][] = [[text, logprobOf(index)], [OTHER, otherOf(index)], ...fillers]
  return all.slice(0, top)
}

/** Logprobs of the answer's token `index` in the shape of chats. */
function chatLogprob(index: number, text: string, top: number, asIds: boolean): Body {
  const spell = (one: string): Body =>
    asIds ? { token: `token_id:${idOf(one)}` } : { token: one, bytes: [...new TextEncoder().encode(one)] }
  const top_logprobs = alternativesAt(index, text, top).map(([one, logprob]) => ({ ...spell(one), logprob }))
  return { ...spell(text), logprob: logprobOf(index), top_logprobs }
}

function completionLogprobs(
  texts: readonly string[],
  { from, top, asIds }: { from: number; top: number; asIds: boolean },
): Body {
  const spell = (text: string): string => (asIds ? `token_id:${idOf(text)}` : text)
  const alternatives = texts.map((text, at) => alternativesAt(from + at, text, top))
  return {
    tokens: texts.map(spell),
    token_logprobs: texts.map((_, at) => logprobOf(from + at)),
    // The order of an object's keys says nothing.
    top_logprobs: alternatives.map((list) =>
      Object.fromEntries(list.map(([text, logprob]) => [spell(text), logprob]).toReversed()),
    ),
    text_offset: texts.map((_, at) => from + at),
  }
}

class OpenAiShape {
  readonly #shape: Shape
  constructor(shape: Shape) {
    this.#shape = shape
  }

  get #strict(): boolean {
    return this.#shape === 'vllm' || this.#shape === 'sglang'
  }

  handle({ path, body }: Asked, response: ServerResponse): void {
    const shape = this.#shape
    switch (path) {
      case '/v1/models':
        return json(response, { object: 'list', data: this.#models() })
      case '/version':
        return shape === 'vllm' ? json(response, { version: '0.99' }) : refuse(response, 404, 'Not Found')
      case '/api/version':
        return shape.startsWith('ollama')
          ? json(response, { version: '0.13' })
          : refuse(response, 404, 'Not Found')
      case '/tokenize':
        return this.#strict ? this.#tokenize(body, response) : refuse(response, 404, 'Not Found')
      case '/detokenize':
        return this.#strict ? this.#detokenize(body, response) : refuse(response, 404, 'Not Found')
      case '/v1/completions':
        return shape === 'chat-only'
          ? refuse(response, 404, 'Not Found')
          : this.#complete(body, response, false)
      case '/v1/chat/completions':
        return this.#complete(body, response, true)
      default:
        return refuse(response, 404, 'Not Found')
    }
  }

  #models(): Body[] {
    const owner = { vllm: 'vllm', sglang: 'sglang' }[this.#shape as string] ?? 'library'
    const length = this.#strict ? { max_model_len: CONTEXT } : {}
    const base = { id: 'tiny', object: 'model', owned_by: owner, parent: null, ...length }
    const adapter = { id: 'tiny-lora', object: 'model', owned_by: owner, parent: 'tiny' }
    return this.#shape === 'vllm' ? [base, adapter] : [base]
  }

  #tokenize(body: Body, response: ServerResponse): void {
    const messages = body['messages'] as { role: string; content: string }[] | undefined
    if (messages && this.#shape === 'sglang') return refuse(response, 422, 'prompt: field required')
    const text = messages ? renderChat(messages) : String(body['prompt'])
    const special = messages ? false : body['add_special_tokens'] !== false
    const tokens = [...(special ? [BOS] : []), ...idsOf(text)]
    json(response, { tokens, count: tokens.length, max_model_len: CONTEXT })
  }

  #detokenize(body: Body, response: ServerResponse): void {
    const text = textOf(body['tokens'] as number[])
    json(response, this.#shape === 'vllm' ? { prompt: text } : { text })
  }

  #complete(body: Body, response: ServerResponse, chat: boolean): void {
    const fault = this.#faultIn(body)
    if (fault) return refuse(response, 400, fault)
    const length = Math.min(ANSWER.length, Number(body['max_tokens'] ?? ANSWER.length))
    const texts = [...ANSWER].slice(0, length)
    const finish = length < ANSWER.length ? 'length' : 'stop'
    if (body['stream'] === true) return this.#stream(body, response, { chat, texts, finish })
    const echoed = body['echo'] === true && this.#shape === 'sglang' ? textOf(body['prompt'] as number[]) : ''
    const shown = [...echoed, ...texts]
    const content = shown.join('')
    json(response, {
      choices: [
        {
          index: 0,
          ...(chat ? { message: { role: 'assistant', content } } : { text: content }),
          ...this.#beside(body, shown, { chat, from: 0 }),
          ...this.#promptLogprobs(body),
          finish_reason: finish,
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: length },
    })
  }

  /** What a server of this shape says to fields it does not take; null when it takes or ignores all. */
  #faultIn(body: Body): string | null {
    if (this.#strict) {
      const wrong = NUMBERS.find((field) => !isNumber(body[field]))
      if (wrong) return `${wrong}: Input should be a valid number`
      const stops = (body['stop_token_ids'] ?? []) as unknown[]
      if (!stops.every((id) => typeof id === 'number'))
        return 'stop_token_ids: Input should be a valid integer'
      const top = Number(body['top_logprobs'] ?? (body['logprobs'] === true ? 0 : (body['logprobs'] ?? 0)))
      if (top > MAX_TOP) return `Requested ${top} logprobs, which is greater than max allowed ${MAX_TOP}`
    } else if (Array.isArray(body['prompt'])) {
      return 'json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string'
    }
    return null
  }

  /** Log-probabilities and ids of some tokens of the answer. */
  #beside(body: Body, texts: readonly string[], { chat, from }: { chat: boolean; from: number }): Body {
    const shape = this.#shape
    const ids = shape === 'vllm' && body['return_token_ids'] === true ? { token_ids: texts.map(idOf) } : {}
    const wanted = body['logprobs'] !== undefined && body['logprobs'] !== false
    if (!wanted || shape === 'ollama-old' || shape === 'chat-only') return ids
    const asIds = shape === 'vllm' && body['return_tokens_as_token_ids'] === true
    const top = Number(chat ? (body['top_logprobs'] ?? 0) : body['logprobs'])
    if (chat || shape === 'ollama') {
      const content = texts.map((text, index) => chatLogprob(from + index, text, top, asIds))
      return { ...ids, logprobs: { content } }
    }
    return {
      ...ids,
      logprobs: completionLogprobs(texts, { from, top, asIds }),
    }
  }

  #promptLogprobs(body: Body): Body {
    if (this.#shape !== 'vllm' || body['prompt_logprobs'] === undefined) return {}
    const prompt_logprobs = (body['prompt'] as number[]).map((id, index) =>
      index === 0
        ? null
        : {
            [id]: { logprob: logprobOf(index), rank: 2, decoded_token: textOf([id]) },
            [idOf(OTHER)]: { logprob: logprobOf(index) + Math.LN2, rank: 1, decoded_token: OTHER },
          },
    )
    return { prompt_logprobs }
  }

  #stream(
    body: Body,
    response: ServerResponse,
    { chat, texts, finish }: { chat: boolean; texts: readonly string[]; finish: string },
  ): void {
    const chunk = (choice: Body): Body => ({ id: 'c', model: 'tiny', choices: [{ index: 0, ...choice }] })
    const prompt = Array.isArray(body['prompt']) ? body['prompt'] : idsOf(String(body['prompt']))
    const first = this.#shape === 'vllm' && !chat ? { prompt_token_ids: prompt } : {}
    const events = texts.map((text, from) =>
      chunk({
        ...(from === 0 ? first : {}),
        ...(chat ? { delta: { content: text } } : { text }),
        ...this.#beside(body, [text], { chat, from }),
        finish_reason: null,
      }),
    )
    events.push(chunk({ ...(chat ? { delta: {} } : { text: '' }), finish_reason: finish }))
    const bare = this.#shape === 'chat-only'
    if (!bare)
      events.push({ choices: [], usage: { prompt_tokens: prompt.length, completion_tokens: texts.length } })
    stream(response, events, { done: !bare })
  }
}

class LlamaShape {
  handle({ path, body }: Asked, response: ServerResponse): void {
    switch (path) {
      case '/v1/models':
        return json(response, {
          data: [
            {
              id: 'tiny.gguf',
              owned_by: 'llamacpp',
              meta: { n_vocab: 300, n_params: 12, n_embd: 4, ftype: 'Q4_1' },
            },
          ],
        })
      case '/props':
        return json(response, {
          default_generation_settings: {
            n_ctx: CONTEXT,
            params: { top_k: 40, min_p: 0.05, repeat_penalty: 1 },
          },
          build_info: 'b1-abc',
          eos_token: '</s>',
        })
      case '/lora-adapters':
        return json(response, [{ id: 0, path: '/models/style.gguf', scale: 1 }])
      case '/tokenize':
        return json(response, { tokens: this.#tokens(body) })
      case '/detokenize':
        return json(response, { content: textOf(body['tokens'] as number[]) })
      case '/apply-template':
        return json(response, { prompt: renderChat(body['messages'] as { role: string; content: string }[]) })
      case '/completion':
        return this.#complete(body, response)
      default:
        return refuse(response, 404, 'File Not Found')
    }
  }

  #tokens(body: Body): unknown[] {
    const text = String(body['content'])
    const ids = text === '</s>' && body['parse_special'] !== false ? [EOS] : idsOf(text)
    const all = [...(body['add_special'] === true ? [BOS] : []), ...ids]
    return body['with_pieces'] === true ? all.map((id) => ({ id, piece: textOf([id]) })) : all
  }

  #complete(body: Body, response: ServerResponse): void {
    const length = Math.min(ANSWER.length, Number(body['n_predict']))
    const events: Body[] = [...ANSWER].slice(0, length).map((text, index) => ({
      content: text,
      tokens: [idOf(text)],
      stop: false,
      tokens_predicted: index + 1,
      completion_probabilities: [this.#probability(index, text, Number(body['n_probs']))],
    }))
    const evaluated = (body['prompt'] as number[]).length
    const ends = length === ANSWER.length
    if (ends) events.push({ content: '', tokens: [EOS], stop: false, tokens_predicted: length + 1 })
    const last = {
      content: '',
      tokens: [],
      stop: true,
      stop_type: ends ? 'eos' : 'limit',
      truncated: false,
      tokens_predicted: length + (ends ? 1 : 0),
      tokens_evaluated: evaluated,
      timings: { cache_n: 2 },
    }
    if (body['stream'] === true) {
      const progress = {
        content: '',
        tokens: [0],
        stop: false,
        prompt_progress: { total: evaluated, processed: 2 },
      }
      return stream(response, [{ content: '', tokens: [], stop: false }, progress, ...events, last], {
        done: false,
      })
    }
    json(response, { ...last, ...events[0], stop: true })
  }

  #probability(index: number, text: string, top: number): Body {
    const entry = (token: string, logprob: number): Body => ({ id: idOf(token), token, bytes: [], logprob })
    const top_logprobs = alternativesAt(index, text, top).map(([one, logprob]) => entry(one, logprob))
    return { ...entry(text, logprobOf(index)), top_logprobs }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text === '' ? {} : (JSON.parse(text) as Body)
}

function allowPages(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-allow-headers', 'authorization, content-type')
}

/** Starts an engine of a shape on a free port of the loopback. */
export async function startFake(shape: Shape): Promise<FakeEngine> {
  const speaks = shape === 'llama' ? new LlamaShape() : new OpenAiShape(shape)
  const engine: FakeEngine = {
    url: '',
    asked: [],
    abandoned: [],
    override: null,
    allows: null,
    close: async () => undefined,
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (engine.allows !== null) allowPages(response, engine.allows)
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const asked: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      body: await bodyOf(request),
      key: request.headers.authorization,
    }
    engine.asked.push(asked)
    response.on('close', () => {
      if (!response.writableFinished) engine.abandoned.push(asked.path)
    })
    if (engine.override?.(asked, response)) return
    speaks.handle(asked, response)
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  engine.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  engine.close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return engine
}
