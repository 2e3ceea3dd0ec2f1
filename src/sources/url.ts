import { throwIfAborted, TokenscopeError } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import { readRange } from '../formats/byteRange.ts'
import { checkFileName } from '../formats/fileNames.ts'
import type { FileSource } from '../formats/tensors.ts'

export interface UrlSourceOptions {
  /** Shown to people; default the address without its query. */
  label?: string
  /** What may help when a file is not there or may not be read, e.g. that a hub model may be private. */
  refusedHint?: (status: number) => string
  /** Pause before the first resumption; each further one waits that much longer, or as long as the server says. */
  retryMs?: number
  /** A connection that brings no byte for so long is given up and resumed. */
  silenceMs?: number
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>
  /** Bytes of every file there is, where they are known without asking. */
  sizes?: ReadonlyMap<string, number>
  /** The file that the address names. */
  file?: string | undefined
}

const MAX_RESUMPTIONS = 3
const SILENCE_MS = 30_000
/** A server that asks for a longer pause is not asked again: the person may try again then. */
const MAX_PAUSE_MS = 60_000

/** What a server says of a file. */
interface FileHead {
  /** Null when it is not told, or told of the compressed form. */
  size: number | null
  /** Its entity tag. */
  version: string | null
}

/** A folder on a web server. `folder` is http(s) and ends in a slash. */
export function urlSource(folder: URL, options: UrlSourceOptions = {}): FileSource {
  const server = new FileServer(folder, options)
  return {
    label: server.label,
    file: options.file,
    has: async (name) => (await server.head(name)) !== null,
    list: async () => null,
    size: async (name) => (await server.head(name))?.size ?? null,
    version: async (name) => (await server.head(name))?.version ?? null,
    async read(name, { maxBytes, signal }) {
      const head = await server.head(name, signal)
      if (!head) throw server.missing(name)
      if (head.size !== null && head.size > maxBytes) {
        throw badFile(name, 'size', `${head.size} bytes`, `at most ${maxBytes}`)
      }
      if (head.size !== null) return readRange(this, name, 0, head.size, signal)
      return collect(name, server.stream(name, 0, null, signal), maxBytes)
    },
    stream: (name, begin, end, signal) => asStream(server.stream(name, begin, end, signal)),
  }
}

async function collect(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.byteLength
    if (size > maxBytes) throw badFile(name, 'size', `more than ${maxBytes} bytes`, `at most ${maxBytes}`)
    parts.push(chunk)
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

function asStream(chunks: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return()
      },
    },
    { highWaterMark: 0 },
  )
}

/** A connection that broke or a server that is busy: worth another try from the byte reached. */
class Interrupted extends Error {
  /** How long the server asks not to be asked again. */
  readonly pauseMs: number

  constructor(message: string, { cause, pauseMs = 0 }: { cause?: unknown; pauseMs?: number } = {}) {
    super(message, { cause })
    this.pauseMs = pauseMs
  }
}

/** `Retry-After` in milliseconds: seconds, or a date. 0 without one. */
export function retryAfter(response: Response, now = Date.now()): number {
  const text = response.headers.get('retry-after') ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? 0 : Math.max(0, date - now)
}

class FileServer {
  readonly label: string
  readonly #folder: URL
  readonly #options: UrlSourceOptions
  readonly #heads = new Map<string, FileHead | null>()
  /** Version of each file at its first read; parts of different versions are never joined. */
  readonly #versions = new Map<string, string>()

  constructor(folder: URL, options: UrlSourceOptions) {
    this.#folder = folder
    this.#options = options
    this.label = options.label ?? `${folder.origin}${folder.pathname}`
  }

  /** Null when the file is not there, or when the server sends a page for whatever it does not know. */
  async head(name: string, signal?: AbortSignal): Promise<FileHead | null> {
    const cached = this.#heads.get(name)
    if (cached !== undefined) return cached
    const { sizes } = this.#options
    if (sizes) {
      const size = sizes.get(checkFileName(name, { file: this.label, field: 'file name' }))
      return size === undefined ? null : { size, version: null }
    }
    const response = await this.#askHead(name, signal)
    let head: FileHead | null = null
    if (response.ok && !isPage(name, response)) {
      const length = response.headers.get('content-length')
      const encoded = response.headers.has('content-encoding')
      head = { size: length === null || encoded ? null : Number(length), version: entityTag(response) }
    } else if (!response.ok && response.status !== 404 && response.status !== 410) {
      throw this.#refused(name, response.status)
    }
    this.#heads.set(name, head)
    return head
  }

  async #askHead(name: string, signal: AbortSignal | undefined): Promise<Response> {
    try {
      const response = await this.#fetch(name, { method: 'HEAD' }, signal)
      if (response.status !== 405 && response.status !== 501) return response
      const reply = await this.#fetch(name, {}, signal)
      await reply.body?.cancel()
      return reply
    } catch (cause) {
      throw cause instanceof TokenscopeError ? cause : this.#broken(name, 0, cause)
    }
  }

  /** Bytes `[begin, end)`, resumed from where it stopped when the connection breaks. Ends early only where the file does. */
  async *stream(
    name: string,
    begin: number,
    end: number | null,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = end ?? (await this.head(name, signal))?.size ?? null
    let at = begin
    let resumptions = 0
    for (;;) {
      if (stop !== null && at >= stop) return
      try {
        const response = await this.#request(name, at, stop, signal)
        if (!response) return
        for await (const chunk of this.#body(response, at, stop)) {
          at += chunk.byteLength
          resumptions = 0
          yield chunk
        }
        if (stop === null || at >= stop) return
        throw new Interrupted(`the body ended at byte ${at} of ${stop}`)
      } catch (cause) {
        throwIfAborted(signal)
        const again = cause instanceof Interrupted && stop !== null && resumptions < MAX_RESUMPTIONS
        if (!again || cause.pauseMs > MAX_PAUSE_MS) {
          throw cause instanceof TokenscopeError ? cause : this.#broken(name, at, cause)
        }
        resumptions++
        await pause(Math.max(cause.pauseMs, (this.#options.retryMs ?? 300) * resumptions), signal)
        throwIfAborted(signal)
      }
    }
  }

  missing(name: string): TokenscopeError {
    return this.#refused(name, 404)
  }

  /** The response that carries byte `begin` on, or null when the file ends before it. */
  async #request(
    name: string,
    begin: number,
    end: number | null,
    signal?: AbortSignal,
  ): Promise<Response | null> {
    const range =
      begin === 0 && end === null ? {} : { Range: `bytes=${begin}-${end === null ? '' : end - 1}` }
    const response = await this.#fetch(name, { headers: range }, signal)
    if (response.status === 416) return null
    if (response.status >= 500 || response.status === 429) {
      throw new Interrupted(`the server answered ${response.status}`, {
        cause: this.#refused(name, response.status),
        pauseMs: retryAfter(response),
      })
    }
    if (!response.ok) throw this.#refused(name, response.status)
    if (isPage(name, response)) {
      throw badFile(name, '', 'a web page', 'the file itself', `Check the address: ${this.label}`)
    }
    const from = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
    if (response.status === 206 && from !== undefined && Number(from) !== begin) {
      throw this.#broken(name, begin, new Error(`the server sent bytes from ${from}, asked from ${begin}`))
    }
    this.#checkVersion(name, response)
    return response
  }

  async *#body(
    response: Response,
    begin: number,
    end: number | null,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = response.body?.getReader()
    if (!reader) return
    // A server that ignores ranges sends the whole file: what lies before is passed over.
    let at = response.status === 206 ? begin : 0
    try {
      for (;;) {
        const { done, value } = await this.#unlessSilent(reader.read()).catch((cause: unknown) => {
          throw cause instanceof Interrupted ? cause : new Interrupted('the connection broke', { cause })
        })
        if (done) return
        const chunk = value.subarray(
          Math.max(begin - at, 0),
          end === null ? undefined : Math.max(end - at, 0),
        )
        at += value.byteLength
        if (chunk.byteLength > 0) yield chunk
        if (end !== null && at >= end) return
      }
    } finally {
      // A reader that has failed rejects its cancellation with the error already on its way; a silent one may never answer.
      void reader.cancel().catch(() => undefined)
    }
  }

  async #unlessSilent<T>(work: Promise<T>): Promise<T> {
    const { silenceMs = SILENCE_MS } = this.#options
    let timer: ReturnType<typeof setTimeout> | undefined
    const silence = new Promise<never>((_, reject) => {
      const message = `nothing came for ${silenceMs / 1000} seconds`
      timer = setTimeout(() => reject(new Interrupted(message)), silenceMs)
    })
    try {
      return await Promise.race([work, silence])
    } finally {
      clearTimeout(timer)
    }
  }

  #checkVersion(name: string, response: Response): void {
    const version = entityTag(response) ?? response.headers.get('last-modified')
    if (!version) return
    const expected = this.#versions.get(name)
    if (expected !== undefined && expected !== version) {
      throw new TokenscopeError(
        'network',
        `${this.label}: ${name} changed on the server while it was read.`,
        {
          hint: 'Load the model again from the start.',
          details: { file: name, field: 'version', got: version, expected },
        },
      )
    }
    this.#versions.set(name, version)
  }

  async #fetch(name: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    checkFileName(name, { file: this.label, field: 'file name' })
    const url = new URL(name.split('/').map(encodeURIComponent).join('/'), this.#folder)
    const headers = { ...this.#options.headers, ...init.headers }
    try {
      return await this.#unlessSilent(
        fetch(url, { ...init, headers, ...(signal ? { signal } : {}), referrerPolicy: 'no-referrer' }),
      )
    } catch (cause) {
      throwIfAborted(signal)
      if (cause instanceof Interrupted) throw cause
      throw new Interrupted(`${url.host} could not be reached`, { cause })
    }
  }

  #refused(name: string, status: number): TokenscopeError {
    const what = status === 404 ? 'is not there (404)' : `was refused (status ${status})`
    return new TokenscopeError('network', `${this.label}: ${name} ${what}.`, {
      hint:
        this.#options.refusedHint?.(status) ??
        'Check the address; it must be the folder that holds config.json.',
      details: { file: name, field: 'status', got: status, expected: 200 },
    })
  }

  #broken(name: string, at: number, cause: unknown): TokenscopeError {
    if (cause instanceof Interrupted && cause.cause instanceof TokenscopeError) return cause.cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new TokenscopeError(
      'network',
      `${this.label}: reading ${name} failed${at === 0 ? '' : ` at byte ${at}`}: ${reason}.`,
      {
        hint: 'Check the connection; the server must also allow other pages to read its files (CORS).',
        details: { file: name, field: 'bytes', got: at, expected: 'the whole file' },
        cause,
      },
    )
  }
}

/** Without what marks a compressed form. */
function entityTag({ headers }: Response): string | null {
  const tag = headers.get('x-linked-etag') ?? headers.get('etag')
  return tag === null ? null : tag.replace(/^W\//, '').replace('-gzip', '').replaceAll('"', '')
}

function isPage(name: string, response: Response): boolean {
  return /^text\/html/i.test(response.headers.get('content-type') ?? '') && !/\.html?$/.test(name)
}

/** Waits; an abort ends it early. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
