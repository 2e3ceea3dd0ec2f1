import {
  fromErrorData,
  invariant,
  throwIfAborted,
  toErrorData,
  TokenscopeError,
  type ErrorData,
} from '../errors.ts'
import type { EngineClient, EngineEvent } from './api.ts'
import type { FromWorker, OpenedHandle, ToWorker } from './protocol.ts'
import { remote, type WorkerLink, type Request } from './remote.ts'
import workerUrl from './engine.worker.ts?worker&url'
import { LOADER, type Loader } from './surfaces.ts'

/** A worker that has said nothing for so long while work is outstanding is taken for dead. */
const SILENCE_MS = 30_000
const PING_MS = 5_000

/** What waits for messages of one run. */
interface PendingCall {
  resolve: (message: FromWorker) => void
  reject: (error: Error) => void
  on?: (message: FromWorker) => void
}

type Unnumbered<T> = T extends { run: number } ? Omit<T, 'run'> : never

/** The page's side of an engine worker; `startWorker` makes one, and another when it has died. */
export class WorkerClient implements EngineClient, WorkerLink {
  readonly loadModel: Loader['loadModel']
  readonly models: Loader['models']
  private worker: Worker
  private nextRun = 1
  private readonly waiting = new Map<number, PendingCall>()
  private readonly listeners = new Set<(event: EngineEvent) => void>()
  private readonly workListeners = new Set<(working: boolean) => void>()
  /** Calls to models that wait for the worker; a paced stream does so only while its next piece is made. */
  private working = 0
  private heard = performance.now()
  private losses = 0
  private readonly watch: ReturnType<typeof setInterval>
  private readonly startWorker: () => Worker

  constructor(startWorker: () => Worker) {
    this.startWorker = startWorker
    this.worker = this.attach()
    this.watch = setInterval(() => this.checkSilence(), PING_MS)
    const loader = remote(this, 'loader', { object: LOADER, data: {} })
    this.loadModel = loader.loadModel
    this.models = loader.models
  }

  private attach(): Worker {
    const worker = this.startWorker()
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.receive(data))
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.restart(`The engine worker failed: ${event.message || 'it could not be started'}`)
    })
    return worker
  }

  private receive(message: FromWorker): void {
    this.heard = performance.now()
    if (message.type === 'fault') return this.fault(message.error)
    const waiting = this.waiting.get(message.run)
    if (!waiting) return
    switch (message.type) {
      case 'error':
        this.waiting.delete(message.run)
        return waiting.reject(fromErrorData(message.error))
      case 'result':
      case 'handle':
      case 'done':
      case 'pong':
        this.waiting.delete(message.run)
        return waiting.resolve(message)
      case 'item':
      case 'callback':
        return waiting.on?.(message)
    }
  }

  private fault(error: ErrorData): void {
    if (error.code === 'device-lost') this.losses += 1
    this.notify(
      error.code === 'device-lost'
        ? { type: 'device-lost', error, losses: this.losses }
        : { type: 'gpu-error', error },
    )
  }

  private notify(event: EngineEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** Sends a message; the promise settles with its last answer. */
  private send(
    message: Unnumbered<ToWorker>,
    on?: (message: FromWorker) => void,
    transfer: Transferable[] = [],
  ): { run: number; last: Promise<FromWorker> } {
    const run = this.nextRun++
    if (this.waiting.size === 0) this.heard = performance.now()
    const last = new Promise<FromWorker>((resolve, reject) => {
      this.waiting.set(run, { resolve, reject, ...(on ? { on } : {}) })
    })
    this.worker.postMessage({ ...message, run } satisfies ToWorker, transfer)
    return { run, last }
  }

  /** Starts a run: its callbacks are called as the worker asks for it, its signal aborts it. */
  private start({ callbacks, signal, transfer, ...call }: Request, onItem?: (item: unknown) => void) {
    throwIfAborted(signal)
    const work = this.countWork(call.surface !== 'loader')
    const hear = (message: FromWorker): void => {
      if (message.type === 'callback') callbacks.get(message.name)?.(...message.args)
      if (message.type === 'item') onItem?.(message.item)
    }
    const { run, last } = this.send({ type: 'call', ...call }, hear, transfer)
    const tell = (type: 'abort' | 'next'): void => {
      if (type === 'next') work(true)
      this.worker.postMessage({ type, run } satisfies ToWorker)
    }
    const abort = (): void => tell('abort')
    signal?.addEventListener('abort', abort)
    const ended = last.finally(() => {
      work(false)
      signal?.removeEventListener('abort', abort)
    })
    work(true)
    return { tell, work, last: ended }
  }

  /** Says of one call whether it waits for the worker. */
  private countWork(counts: boolean): (waits: boolean) => void {
    let waited = false
    return (waits) => {
      if (!counts || waits === waited) return
      waited = waits
      const before = this.working > 0
      this.working += waits ? 1 : -1
      const now = this.working > 0
      if (now !== before) for (const listener of this.workListeners) listener(now)
    }
  }

  async call(request: Request): Promise<unknown> {
    const answer = await this.start(request).last
    invariant(answer.type === 'result', `${request.method} was answered with ${answer.type}`)
    return answer.value
  }

  async open(request: Request): Promise<OpenedHandle> {
    const answer = await this.start(request).last
    invariant(answer.type === 'handle', `${request.method} was answered with ${answer.type}`)
    return answer
  }

  /** Turns the messages of one run into a stream; leaving it early aborts the run. */
  async *stream(request: Request, paced: boolean): AsyncGenerator {
    const queue: unknown[] = []
    let wake = (): void => undefined
    let ended = false
    let failure: unknown = null
    const { tell, work, last } = this.start(request, (item) => {
      if (paced) work(false)
      queue.push(item)
      wake()
    })
    last
      .catch((error: unknown) => (failure = error))
      .finally(() => {
        ended = true
        wake()
      })
    try {
      for (;;) {
        if (queue.length > 0) {
          yield queue.shift()
          if (paced) tell('next')
        } else if (failure !== null) throw failure
        else if (ended) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      if (!ended) tell('abort')
    }
  }

  private checkSilence(): void {
    if (this.waiting.size === 0) return
    if (performance.now() - this.heard > SILENCE_MS) {
      this.restart(`The engine worker has not answered for ${SILENCE_MS / 1000} seconds.`)
    } else {
      this.worker.postMessage({ type: 'ping', run: 0 } satisfies ToWorker)
    }
  }

  private restart(message: string): void {
    this.worker.terminate()
    const error = new TokenscopeError('device-lost', message, {
      hint: 'The text is kept. Load the model again to go on.',
    })
    const outstanding = [...this.waiting.values()]
    this.waiting.clear()
    this.worker = this.attach()
    this.heard = performance.now()
    for (const { reject } of outstanding) reject(error)
    this.notify({ type: 'worker-restarted', error: toErrorData(error) })
  }

  onEvent(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  onWork(listener: (working: boolean) => void): () => void {
    this.workListeners.add(listener)
    return () => this.workListeners.delete(listener)
  }

  /** Destroys the worker's GPU devices, as a driver reset would: for fault tests. */
  async simulateDeviceLoss(): Promise<void> {
    await this.send({ type: 'lose-device' }).last
  }

  dispose(): void {
    clearInterval(this.watch)
    this.worker.terminate()
    const error = new TokenscopeError('aborted', 'The engine was closed.')
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }
}

/** Starts the engine worker of the page. */
export function createClient(): WorkerClient {
  return new WorkerClient(() => new Worker(workerAddress(), { type: 'module', name: 'tokenscope-engine' }))
}

/** A worker from an address of the page's host has no policy but its own; one that the page spells out itself inherits the page's. */
function workerAddress(): string {
  if (!import.meta.env.PROD) return workerUrl
  const script = `import ${JSON.stringify(new URL(workerUrl, location.href))}`
  // The fragment is what lists of workers show of it.
  return (engineUrl ??= `${URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))}#engine`)
}

let engineUrl: string | undefined
