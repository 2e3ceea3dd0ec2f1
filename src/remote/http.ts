import { TokenscopeError, throwIfAborted } from '../errors.ts'
import { broken, messageOf, refused } from './errors.ts'
import { addressSpace, explainUnreachable } from './reach.ts'
import { asRecord } from './shape.ts'
import { sseData } from './sse.ts'

export interface HttpOptions {
  /** The engine's root, without a slash at the end. */
  root: string
  apiKey: string | undefined
  patienceMs: number
  silenceMs: number
  /** Ends every request. */
  signal: AbortSignal
}

/** Characters of a refusal that are read: its message stands at the start. */
const MAX_REFUSAL = 4096

/** Ends a request that has been silent for too long. */
class Watch {
  readonly #controller = new AbortController()
  readonly signal: AbortSignal
  /** Set once a connection stands. */
  answered = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #expired: string | null = null

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    const given = signals.filter((signal) => signal !== undefined)
    this.signal = AbortSignal.any([this.#controller.signal, ...given])
  }

  /** What the limit was when it ran out, null while it holds. */
  get expired(): string | null {
    return this.#expired
  }

  restart(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#expired = `${milliseconds / 1000} seconds`
      this.#controller.abort()
    }, milliseconds)
  }

  /** Ends the request if it is still under way. */
  close(): void {
    clearTimeout(this.#timer)
    this.#controller.abort()
  }
}

/** Requests to one engine. The key goes into a header and nowhere else. */
export class EngineHttp {
  readonly root: string
  readonly #key: string | undefined
  readonly #patienceMs: number
  readonly #silenceMs: number
  readonly #signal: AbortSignal

  constructor({ root, apiKey, patienceMs, silenceMs, signal }: HttpOptions) {
    this.root = root
    this.#key = apiKey
    this.#patienceMs = patienceMs
    this.#silenceMs = silenceMs
    this.#signal = signal
  }

  get(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#json(path, undefined, signal)
  }

  post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    return this.#json(path, body, signal)
  }

  async #json(path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#watched(path, signal, async (watch, url) => {
      const response = await this.#send(url, body, 'application/json', watch)
      return parse(await this.#text(response, watch), url)
    })
  }

  /**
   * The events of an answer, parsed, up to `[DONE]`, which comes as null. An engine that answers in one piece gives that one.
   *
   * @throws `network` on a broken stream, on an error sent within it, and after too long a silence
   */
  async *events(path: string, body: unknown, signal: AbortSignal): AsyncGenerator {
    const watch = new Watch([this.#signal, signal])
    const url = this.root + path
    try {
      const response = await this.#send(url, body, 'text/event-stream', watch)
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        yield parse(await this.#text(response, watch), url)
        yield null
        return
      }
      const touch = (): void => watch.restart(this.#silenceMs)
      for await (const data of sseData(chunksOf(response), url, touch)) {
        if (data === '[DONE]') return yield null
        const event = parse(data, url)
        if (asRecord(event)?.['error'] !== undefined) {
          throw broken(this.#clean(`${url} failed: ${messageOf(event) ?? 'it did not say why'}`), url)
        }
        yield event
      }
    } catch (error) {
      throw await this.#explain(error, url, watch, signal)
    } finally {
      watch.close()
    }
  }

  async #watched<T>(
    path: string,
    signal: AbortSignal | undefined,
    work: (watch: Watch, url: string) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal)
    const watch = new Watch([this.#signal, signal])
    const url = this.root + path
    try {
      return await work(watch, url)
    } catch (error) {
      throw await this.#explain(error, url, watch, signal)
    } finally {
      watch.close()
    }
  }

  async #send(url: string, body: unknown, accept: string, watch: Watch): Promise<Response> {
    watch.restart(this.#patienceMs)
    const headers: Record<string, string> = { accept }
    if (this.#key !== undefined) headers['authorization'] = `Bearer ${this.#key}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    const space = addressSpace(url)
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: watch.signal,
      // A redirect could carry text and key elsewhere.
      redirect: 'manual',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      ...(space === null ? {} : { targetAddressSpace: space }),
    })
    watch.answered = true
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      throw new TokenscopeError('network', `${url} redirects elsewhere; that is not followed.`, {
        hint: 'Give the address it redirects to, if you trust it.',
        details: { url, status: response.status, location: response.headers.get('location') },
      })
    }
    if (!response.ok) throw await this.#refusal(response, url, watch)
    return response
  }

  async #refusal(response: Response, url: string, watch: Watch): Promise<TokenscopeError> {
    const body = (await this.#text(response, watch)).slice(0, MAX_REFUSAL)
    const retryAfter = response.headers.get('retry-after')
    return refused({ url, status: response.status, body: this.#clean(body), retryAfter })
  }

  async #text(response: Response, watch: Watch): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of chunksOf(response)) {
      watch.restart(this.#silenceMs)
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  }

  /** Some engines repeat the key they refuse. */
  #clean(text: string): string {
    return this.#key ? text.replaceAll(this.#key, '•••') : text
  }

  /** A connection that never stood is explained further where the browser allows it. */
  async #explain(
    error: unknown,
    url: string,
    watch: Watch,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (error instanceof TokenscopeError) return error
    if (signal?.aborted || this.#signal.aborted) {
      return new TokenscopeError('aborted', 'The operation was cancelled.')
    }
    if (watch.expired !== null) return broken(`${url} has been silent for ${watch.expired}.`, url)
    const explained = watch.answered ? null : await explainUnreachable(url)
    if (explained) return explained
    const fault = error instanceof Error ? error : new Error(String(error))
    const cause = fault.cause instanceof Error ? fault.cause.message : fault.message
    const what = watch.answered ? `The connection to ${url} broke off` : `${url} could not be reached`
    return broken(this.#clean(`${what}: ${cause}`), url)
  }
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    const what = /^\s*</.test(text) ? 'a page of HTML' : 'what is no JSON'
    throw new TokenscopeError('network', `${url} answered with ${what}.`, {
      hint: 'Check the address: another program, a proxy or a login page answers there.',
      details: { url, got: text.slice(0, 80) },
      cause,
    })
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // The caller's signal ends the request; a stream that has already failed has nothing left to cancel.
    reader.releaseLock()
  }
}
