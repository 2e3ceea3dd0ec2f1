import { TokenscopeError } from '../errors.ts'
import type { EncodeOptions } from '../api/generate.ts'
import type { NamePattern } from './matchNames.ts'
import type { TokenizerFile } from './tokenizerFile.ts'
import type { ChatRequest } from './jinja/chat.ts'
import type { TemplateReads } from '../api/chat.ts'
import type { FaultKind } from './jinja/values.ts'

export type SandboxRequest =
  | { kind: 'render'; chat: ChatRequest }
  | { kind: 'describe'; template: string }
  | { kind: 'probe'; pattern: string }
  | { kind: 'match'; patterns: readonly NamePattern[]; texts: readonly string[] }
  | { kind: 'load'; file: TokenizerFile }
  | { kind: 'encode'; text: string; options: Required<EncodeOptions> }

export type SandboxReply =
  | { status: 'text'; text: string }
  | { status: 'ids'; ids: number[] }
  | { status: 'reads'; reads: TemplateReads }
  | { status: 'matches'; results: (string | Uint8Array)[] }
  | { status: 'done' }
  /** The template cannot be read, refuses its input, or needs what is not built. */
  | { status: 'fault'; kind: FaultKind; message: string; line: number | undefined }
  /** The code inside threw, ran out of memory or made too much. */
  | { status: 'failed'; message: string }
  /** It ran longer than it may and was killed. */
  | { status: 'timeout' }

/** A worker of either kind, reduced to what is needed here. */
interface Thread {
  post(request: SandboxRequest): void
  /** Keeps the process alive while an answer is awaited; browsers need nothing. */
  keepAlive(busy: boolean): void
  kill(): void
}

interface ThreadEvents {
  message: (data: unknown) => void
  crash: (reason: string) => void
}

const START_LIMIT = 10_000
const NODE_HEAP_MB = 512

function startWebThread(source: string, { message, crash }: ThreadEvents): Thread {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.addEventListener('message', (event: MessageEvent<unknown>) => {
    URL.revokeObjectURL(url)
    message(event.data)
  })
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    crash(event.message || 'the worker failed')
  })
  return { post: (data) => worker.postMessage(data), keepAlive: () => {}, kill: () => worker.terminate() }
}

function startNodeThread(source: string, { message, crash }: ThreadEvents): Thread {
  const threads = process.getBuiltinModule('node:worker_threads')
  const worker = new threads.Worker(source, {
    eval: true,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: NODE_HEAP_MB },
  })
  worker.on('message', message)
  worker.on('error', (error: unknown) => crash(error instanceof Error ? error.message : String(error)))
  return {
    post: (data) => worker.postMessage(data),
    keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
    kill: () => void worker.terminate(),
  }
}

const startThread = typeof Worker === 'function' ? startWebThread : startNodeThread

function disposed(): TokenscopeError {
  return new TokenscopeError('aborted', 'The tokenizer was disposed.')
}

/** The thread's code is a file of its own, since most models never need it. */
async function loadSource(): Promise<string> {
  try {
    return (await import('./sandboxEntry.ts?script')).default
  } catch (cause) {
    throw new TokenscopeError('network', 'The file that runs chat templates could not be loaded.', {
      hint: 'Check the connection and load the model again.',
      cause,
    })
  }
}

/**
 * Runs code from files (chat templates, unchecked patterns) in a thread of its own, which is killed when it takes too
 * long and started again for the next request. One request runs at a time; others wait.
 */
export class Sandbox {
  #thread: Thread | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #settle: ((reply: SandboxReply | 'ready') => void) | null = null
  #setup: { request: SandboxRequest; limit: number } | null = null
  #disposed = false

  /** Runs a request now and again in every thread started later, before anything else. */
  async prepare(request: SandboxRequest, limit: number): Promise<SandboxReply> {
    const reply = await this.run(request, limit)
    if (reply.status === 'done') this.#setup = { request, limit }
    return reply
  }

  /** @param limit milliseconds the request may run, start-up of the thread not counted */
  async run(request: SandboxRequest, limit: number): Promise<SandboxReply> {
    const turn = this.#queue.then(() => this.#run(request, limit))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  dispose(): void {
    this.#disposed = true
    this.#kill()
    this.#settle?.({ status: 'failed', message: 'the tokenizer was disposed' })
  }

  async #run(request: SandboxRequest, limit: number): Promise<SandboxReply> {
    if (this.#disposed) throw disposed()
    if (this.#thread === null) {
      const source = await loadSource()
      if (this.#disposed) throw disposed()
      const started = await this.#answer(START_LIMIT, () => this.#start(source))
      if (started !== 'ready') return started
      const set = this.#setup === null ? null : await this.#ask(this.#setup.request, this.#setup.limit)
      if (set !== null && set.status !== 'done') return set
    }
    return this.#ask(request, limit)
  }

  async #ask(request: SandboxRequest, limit: number): Promise<SandboxReply> {
    const reply = await this.#answer(limit, () => this.#thread?.post(request))
    return reply === 'ready' ? { status: 'failed', message: 'the thread started twice' } : reply
  }

  #start(source: string): void {
    // What a killed thread still sends must not answer the next one's request.
    const current = (): boolean => this.#thread === thread
    const thread: Thread = startThread(source, {
      message: (data) => {
        if (current()) this.#settle?.(data as SandboxReply | 'ready')
      },
      crash: (reason) => {
        if (!current()) return
        this.#kill()
        this.#settle?.({ status: 'failed', message: reason })
      },
    })
    this.#thread = thread
  }

  /** Does something and waits for the thread's next message, at most `limit` milliseconds. */
  async #answer(limit: number, act: () => void): Promise<SandboxReply | 'ready'> {
    const answered = new Promise<SandboxReply | 'ready'>((resolve) => {
      this.#settle = resolve
    })
    const timer = setTimeout(() => {
      this.#kill()
      this.#settle?.({ status: 'timeout' })
    }, limit)
    act()
    this.#thread?.keepAlive(true)
    const reply = await answered
    clearTimeout(timer)
    this.#settle = null
    this.#thread?.keepAlive(false)
    return reply
  }

  #kill(): void {
    this.#thread?.kill()
    this.#thread = null
  }
}
