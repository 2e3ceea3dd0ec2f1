import { fromErrorData, throwIfAborted, toErrorData, TokenscopeError } from '../errors.ts'
import type {
  GenerateOptions,
  Inspection,
  InspectOptions,
  LoadOptions,
  LoadProgress,
  Model,
  ModelInfo,
  ModelSource,
  Prompt,
} from '../api/model.ts'
import type { EngineClient, EngineEvent } from './api.ts'
import { RemoteInspection } from './remoteInspection.ts'
import type {
  CallArguments,
  CallMethod,
  CallResult,
  FromWorker,
  StreamItem,
  StreamMethod,
  StreamOptions,
  ToWorker,
} from './protocol.ts'

/** A worker that has said nothing for so long while work is outstanding is taken for dead. */
const SILENCE_MS = 30_000
const PING_MS = 5_000

/** What waits for messages of one run. */
interface Waiting {
  resolve: (message: FromWorker) => void
  reject: (error: Error) => void
  on?: (message: FromWorker) => void
}

type Request = ToWorker extends infer T ? (T extends { run: number } ? Omit<T, 'run'> : never) : never

/** The page's side of an engine worker; `start` makes one, and another when it has died. */
export class WorkerClient implements EngineClient {
  private worker: Worker
  private nextRun = 1
  private readonly waiting = new Map<number, Waiting>()
  private readonly listeners = new Set<(event: EngineEvent) => void>()
  private heard = performance.now()
  private losses = 0
  private readonly watch: ReturnType<typeof setInterval>
  private readonly start: () => Worker

  constructor(start: () => Worker) {
    this.start = start
    this.worker = this.attach()
    this.watch = setInterval(() => this.checkSilence(), PING_MS)
  }

  private attach(): Worker {
    const worker = this.start()
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
      case 'loaded':
      case 'inspected':
      case 'result':
      case 'done':
      case 'pong':
        this.waiting.delete(message.run)
        return waiting.resolve(message)
      case 'progress':
      case 'prefill':
      case 'item':
        return waiting.on?.(message)
    }
  }

  private fault(error: ReturnType<typeof toErrorData>): void {
    if (error.code === 'device-lost') this.losses += 1
    this.tell(
      error.code === 'device-lost'
        ? { type: 'device-lost', error, losses: this.losses }
        : { type: 'gpu-error', error },
    )
  }

  private tell(event: EngineEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** Sends a request; the promise settles with its last message. */
  send(
    request: Request,
    on?: (message: FromWorker) => void,
    transfer: Transferable[] = [],
  ): { run: number; last: Promise<FromWorker> } {
    const run = this.nextRun++
    if (this.waiting.size === 0) this.heard = performance.now()
    const last = new Promise<FromWorker>((resolve, reject) => {
      this.waiting.set(run, { resolve, reject, ...(on ? { on } : {}) })
    })
    this.worker.postMessage({ ...request, run }, transfer)
    return { run, last }
  }

  abort(run: number): void {
    this.worker.postMessage({ type: 'abort', run } satisfies ToWorker)
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
    this.tell({ type: 'worker-restarted', error: toErrorData(error) })
  }

  async loadModel(source: ModelSource, options: Omit<LoadOptions, 'device'> = {}): Promise<Model> {
    const { onProgress, signal, ...wire } = options
    throwIfAborted(signal)
    const listen = (message: FromWorker): void => {
      if (message.type === 'progress') onProgress?.(message.progress satisfies LoadProgress)
    }
    const { run, last } = this.send({ type: 'load', source: absoluteSource(source), options: wire }, listen)
    const message = await this.withAbort(run, signal, last)
    if (message.type !== 'loaded') throw new Error(`invariant: load answered with ${message.type}`)
    return new RemoteModel(this, message.model, message.info)
  }

  async withAbort<T>(run: number, signal: AbortSignal | undefined, last: Promise<T>): Promise<T> {
    const stop = (): void => this.abort(run)
    signal?.addEventListener('abort', stop)
    try {
      return await last
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  onEvent(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
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

/** Addresses mean what they mean on the page, not beside the worker's script. */
function absoluteSource(source: ModelSource): ModelSource {
  return typeof source === 'string' && /^\.{0,2}\//.test(source)
    ? new URL(source, location.href).href
    : source
}

/** A model in the worker, with the library's own surface. */
class RemoteModel implements Model {
  readonly info: ModelInfo
  private readonly client: WorkerClient
  private readonly model: number

  constructor(client: WorkerClient, model: number, info: ModelInfo) {
    this.client = client
    this.model = model
    this.info = info
  }

  private async call<M extends CallMethod>(method: M, ...args: CallArguments<M>): Promise<CallResult<M>> {
    const message = await this.client.send({ type: 'call', model: this.model, method, args }).last
    if (message.type !== 'result') throw new Error(`invariant: ${method} answered with ${message.type}`)
    return message.value as CallResult<M>
  }

  encode = (...args: CallArguments<'encode'>) => this.call('encode', ...args)
  decode = (...args: CallArguments<'decode'>) => this.call('decode', ...args)
  logits = (...args: CallArguments<'logits'>) => this.call('logits', ...args)
  trace = (...args: CallArguments<'trace'>) => this.call('trace', ...args)
  steps = (...args: CallArguments<'steps'>) => this.call('steps', ...args)
  tokenLogits = (...args: CallArguments<'tokenLogits'>) => this.call('tokenLogits', ...args)
  memory = () => this.call('memory')
  counters = () => this.call('counters')
  dispose = () => this.call('dispose')

  prepareAdapters = () => this.call('prepareAdapters')
  addAdapter = (source: ModelSource, options?: CallArguments<'addAdapter'>[1]) =>
    this.call('addAdapter', absoluteSource(source), options)
  setAdapterScale = (...args: CallArguments<'setAdapterScale'>) => this.call('setAdapterScale', ...args)
  removeAdapter = (...args: CallArguments<'removeAdapter'>) => this.call('removeAdapter', ...args)
  listAdapters = () => this.call('listAdapters')
  analyseAdapter = (...args: CallArguments<'analyseAdapter'>) => this.call('analyseAdapter', ...args)
  adapterDirections = (...args: CallArguments<'adapterDirections'>) => this.call('adapterDirections', ...args)
  adapterSimilarity = (...args: CallArguments<'adapterSimilarity'>) => this.call('adapterSimilarity', ...args)
  mergeAdapters = (...args: CallArguments<'mergeAdapters'>) => this.call('mergeAdapters', ...args)
  unmergeAdapters = () => this.call('unmergeAdapters')
  exportAdapter = (...args: CallArguments<'exportAdapter'>) => this.call('exportAdapter', ...args)

  lens = (...args: CallArguments<'lens'>) => this.call('lens', ...args)
  attribution = (...args: CallArguments<'attribution'>) => this.call('attribution', ...args)

  async inspect(ids: readonly number[], options: InspectOptions = {}): Promise<Inspection> {
    const message = await this.client.send({ type: 'inspect', model: this.model, ids, options }).last
    if (message.type !== 'inspected') throw new Error(`invariant: inspect answered with ${message.type}`)
    return new RemoteInspection(this.client, message)
  }

  fork = (...args: CallArguments<'fork'>) => this.call('fork', ...args)
  expand = (...args: CallArguments<'expand'>) => this.call('expand', ...args)
  cache = () => this.call('cache')
  saveTrace = (...args: CallArguments<'saveTrace'>) => this.call('saveTrace', ...args)

  generate = (prompt: Prompt, options: StreamOptions<'generate'> = {}) =>
    this.stream('generate', prompt, options)
  compare = (prompt: Prompt, options: StreamOptions<'compare'>) => this.stream('compare', prompt, options)
  score = (ids: readonly number[], options: StreamOptions<'score'> = {}) => this.stream('score', ids, options)
  speculate = (prompt: Prompt, options: StreamOptions<'speculate'>) =>
    this.stream('speculate', prompt, options)

  /** Turns the messages of one run into a stream; leaving it early aborts the run. */
  private async *stream<M extends StreamMethod>(
    method: M,
    prompt: Prompt,
    options: Pick<LoadOptions, 'signal' | 'onProgress'> & Pick<GenerateOptions, 'onPrefill'>,
  ): AsyncGenerator<StreamItem<M>> {
    type T = StreamItem<M>
    const { signal, onPrefill, onProgress, ...wire } = options
    const request = { type: 'stream', model: this.model, method, prompt, options: wire } as const
    throwIfAborted(signal)
    const queue: T[] = []
    let wake = (): void => undefined
    let ended = false
    let failure: unknown = null
    const { run, last } = this.client.send(request, (message) => {
      if (message.type === 'prefill') onPrefill?.(message.done, message.total)
      if (message.type === 'progress') onProgress?.(message.progress)
      if (message.type === 'item') queue.push(message.item as T)
      wake()
    })
    this.client
      .withAbort(run, signal, last)
      .catch((error: unknown) => (failure = error))
      .finally(() => {
        ended = true
        wake()
      })
    try {
      for (;;) {
        const item = queue.shift()
        if (item !== undefined) yield item
        else if (failure !== null) throw failure
        else if (ended) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      if (!ended) this.client.abort(run)
    }
  }
}

/** Starts the engine worker of the page. */
export function createClient(): WorkerClient {
  return new WorkerClient(
    () =>
      new Worker(new URL('./engine.worker.ts', import.meta.url), {
        type: 'module',
        name: 'tokenscope-engine',
      }),
  )
}
