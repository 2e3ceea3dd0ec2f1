import type { Kind } from '../api/methods.ts'
import type { LoadOptions, ModelSource } from '../api/load.ts'
import type { Engine } from '../engine/engine.ts'
import { loadModelFrom } from '../engine/load.ts'
import { invariant, TokenscopeError, toErrorData } from '../errors.ts'
import { modelsUrl } from '../modelsUrl.ts'
import type { Call, FromWorker, ToWorker } from './protocol.ts'
import { LOADER, SURFACES, type Loader } from './surfaces.ts'

/** How the page reads a stream. */
interface Reader {
  isLeft: () => boolean
  /** Of a paced stream: hears that the last piece was taken, or that the page has left. */
  pace: AbortSignal | false
}

function taken(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) return resolve()
    for (const type of ['next', 'abort']) signal.addEventListener(type, done, { once: true })
  })
}

/** The worker's side: owns the models and what they opened, answers the page. Takes its `post` so that tests can run it without a worker. */
export class EngineHost {
  private readonly objects = new Map<number, object>()
  /** Devices of the models among them. */
  private readonly devices = new Map<object, GPUDevice>()
  private readonly running = new Map<number, AbortController>()
  private nextObject = LOADER + 1
  private readonly post: (message: FromWorker, transfer?: Transferable[]) => void

  constructor(post: (message: FromWorker, transfer?: Transferable[]) => void) {
    this.post = post
    const loader: Loader = {
      loadModel: (source, options) => this.load(source, options),
      models: (name, ...args) => callModels(name, args),
    }
    this.objects.set(LOADER, loader)
  }

  receive(message: ToWorker): void {
    const { run } = message
    switch (message.type) {
      case 'ping':
        return this.post({ type: 'pong', run })
      case 'abort':
        return this.running.get(run)?.abort()
      case 'next':
        return void this.running.get(run)?.signal.dispatchEvent(new Event('next'))
      case 'call':
        return this.run(run, message)
      case 'lose-device':
        for (const device of this.devices.values()) device.destroy()
        return this.post({ type: 'result', run, value: undefined })
    }
  }

  private run(run: number, call: Call): void {
    const controller = new AbortController()
    this.running.set(run, controller)
    this.answer(run, call, controller.signal)
      .catch((error: unknown) => this.post({ type: 'error', run, error: toErrorData(error) }))
      .finally(() => this.running.delete(run))
  }

  private async answer(run: number, call: Call, signal: AbortSignal): Promise<void> {
    const { methods, end, ended } = SURFACES[call.surface]
    const kind: Kind | undefined = methods[call.method]
    invariant(kind, `${call.method} is a method of the ${call.surface}`)
    const target = this.objects.get(call.object)
    // An object that has ended may be ended again.
    if (call.method === end) this.release(call.object)
    else if (!target)
      throw new TokenscopeError('bad-argument', ended.message, {
        hint: ended.hint,
        details: { disposed: true },
      })
    const answer = target && callOn(target, call.method, this.argumentsOf(run, call, signal))
    switch (kind) {
      case 'call': {
        const value = await answer
        return this.post({ type: 'result', run, value }, transferables(value))
      }
      case 'handle':
        return this.open(run, call, await answer)
      case 'stream':
      case 'paced':
        // The table of methods is checked against their types.
        return this.stream(run, answer as AsyncIterable<unknown>, {
          isLeft: () => signal.aborted && !hasSignal(call),
          pace: kind === 'paced' && signal,
        })
    }
  }

  private release(object: number): void {
    const target = this.objects.get(object)
    this.objects.delete(object)
    if (target) this.devices.delete(target)
  }

  /** The arguments, with callbacks and a signal in place of those that stayed on the page. */
  private argumentsOf(run: number, { args, wired }: Call, signal: AbortSignal): readonly unknown[] {
    if (wired.length === 0) return args
    const report = (name: string) => {
      return (...given: unknown[]): void => this.post({ type: 'callback', run, name, args: given })
    }
    const wires = wired.map((name) => [name, name === 'signal' ? signal : report(name)])
    return [...args.slice(0, -1), Object.assign({}, args.at(-1), Object.fromEntries(wires))]
  }

  private open(run: number, { surface, method }: Call, opened: unknown): void {
    const { opens } = SURFACES[surface]
    invariant(opens && typeof opened === 'object' && opened, `${method} opens an object`)
    const object = this.nextObject++
    this.objects.set(object, opened)
    const data = Object.fromEntries(SURFACES[opens].data.map((name) => [name, Reflect.get(opened, name)]))
    this.post({ type: 'handle', run, object, data })
  }

  private async stream(run: number, items: AsyncIterable<unknown>, { isLeft, pace }: Reader): Promise<void> {
    for await (const item of items) {
      if (isLeft()) break
      this.post({ type: 'item', run, item })
      if (pace) await taken(pace)
      if (isLeft()) break
    }
    this.post({ type: 'done', run })
  }

  private async load(source: ModelSource, options?: Omit<LoadOptions, 'device'>): Promise<Engine> {
    const engine = await loadModelFrom(source, options ?? {}, modelsUrl())
    this.devices.set(engine, engine.runner.device)
    void engine.faulted.then((error) => {
      this.post({ type: 'fault', error: toErrorData(error) })
      // Nothing on a lost device can be used again, so nothing is kept; later calls still hear of the loss.
      return error.code === 'device-lost' ? engine.dispose() : undefined
    })
    return engine
  }
}

/** Most visits look for no other model. */
const callModels = (async (name: string, args: readonly unknown[]) => {
  const { modelCalls } = await import('../engine/modelCalls.ts')
  return callOn(modelCalls(modelsUrl()), name, args)
}) as (name: string, args: readonly unknown[]) => never

const hasSignal = ({ wired }: Call): boolean => wired.includes('signal')

function callOn(target: object, name: string, args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(target, name)
  invariant(typeof method === 'function', `${name} is a method`)
  return Reflect.apply(method, target, args)
}

/** Buffers of the tensors in a result: moved, not copied. */
function transferables(value: unknown): Transferable[] {
  if (value instanceof Map) return [...value.values()].flatMap(transferables)
  if (typeof value !== 'object' || value === null) return []
  const data = 'data' in value ? value.data : 'weights' in value ? value.weights : null
  return data instanceof Float32Array ? [data.buffer] : []
}
