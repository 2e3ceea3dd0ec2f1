import { invariant, TokenscopeError, toErrorData } from '../errors.ts'
import { loadModelFrom } from '../engine/load.ts'
import { modelsUrl } from '../modelsUrl.ts'
import { Engine } from '../engine/engine.ts'
import type { Inspection, LoadProgress } from '../api/model.ts'
import type { FromWorker, ToWorker } from './protocol.ts'

/** The worker's side: owns the models, answers the page. Takes its `post` so that tests can run it without a worker. */
export class EngineHost {
  private readonly models = new Map<number, Engine>()
  private readonly running = new Map<number, AbortController>()
  private readonly inspections = new Map<number, Inspection>()
  private nextModel = 1
  private nextInspection = 1
  private readonly post: (message: FromWorker, transfer?: Transferable[]) => void

  constructor(post: (message: FromWorker, transfer?: Transferable[]) => void) {
    this.post = post
  }

  receive(message: ToWorker): void {
    const { run } = message
    switch (message.type) {
      case 'ping':
        return this.post({ type: 'pong', run })
      case 'abort':
        return this.running.get(run)?.abort()
      case 'load':
        return this.answer(run, (signal) => this.load(message, signal))
      case 'call':
        return this.answer(run, () => this.call(message))
      case 'inspect':
        return this.answer(run, () => this.inspect(message))
      case 'inspection':
        return this.answer(run, () => this.callInspection(message))
      case 'stream':
        return this.answer(run, (signal) => this.stream(message, signal))
      case 'lose-device':
        for (const model of this.models.values()) model.runner.device.destroy()
        return this.post({ type: 'result', run, value: undefined })
    }
  }

  private answer(run: number, work: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController()
    this.running.set(run, controller)
    work(controller.signal)
      .catch((error: unknown) => this.post({ type: 'error', run, error: toErrorData(error) }))
      .finally(() => this.running.delete(run))
  }

  private async load(
    { run, source, options }: Extract<ToWorker, { type: 'load' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const onProgress = (progress: LoadProgress): void => this.post({ type: 'progress', run, progress })
    const engine = await loadModelFrom(source, { ...options, signal, onProgress }, modelsUrl())
    invariant(engine instanceof Engine, 'the worker loads engines')
    const model = this.nextModel++
    this.models.set(model, engine)
    void engine.faulted.then((error) => {
      this.post({ type: 'fault', model, error: toErrorData(error) })
      // Nothing on a lost device can be used again, so nothing is kept; later calls still hear of the loss.
      return error.code === 'device-lost' ? engine.dispose() : undefined
    })
    this.post({ type: 'loaded', run, model, info: engine.info })
  }

  private engine(model: number): Engine {
    const engine = this.models.get(model)
    if (engine) return engine
    throw new TokenscopeError('bad-argument', 'This model was disposed of.', { hint: 'Load it again.' })
  }

  private async call({ run, model, method, args }: Extract<ToWorker, { type: 'call' }>): Promise<void> {
    const engine = this.engine(model)
    if (method === 'dispose') this.models.delete(model)
    const value: unknown = await Reflect.apply(
      engine[method] as (...values: unknown[]) => Promise<unknown>,
      engine,
      args,
    )
    this.post({ type: 'result', run, value }, transferables(value))
  }

  private async inspect({ run, model, ids, options }: Extract<ToWorker, { type: 'inspect' }>): Promise<void> {
    const opened = await this.engine(model).inspect(ids, options)
    const inspection = this.nextInspection++
    this.inspections.set(inspection, opened)
    const { steps, retainedBytes } = opened
    this.post({ type: 'inspected', run, inspection, ids, steps, retainedBytes })
  }

  private async callInspection({
    run,
    inspection,
    method,
    args,
  }: Extract<ToWorker, { type: 'inspection' }>): Promise<void> {
    const opened = this.inspections.get(inspection)
    if (!opened && method !== 'close') {
      throw new TokenscopeError('bad-argument', 'This inspection was closed.', { hint: 'Inspect again.' })
    }
    if (method === 'close') this.inspections.delete(inspection)
    const value: unknown = opened
      ? await Reflect.apply(opened[method] as (...values: unknown[]) => Promise<unknown>, opened, args)
      : undefined
    this.post({ type: 'result', run, value }, transferables(value))
  }

  private async stream(
    { run, model, method, prompt, options }: Extract<ToWorker, { type: 'stream' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const onPrefill = (done: number, total: number): void => this.post({ type: 'prefill', run, done, total })
    const onProgress = (progress: LoadProgress): void => this.post({ type: 'progress', run, progress })
    const engine = this.engine(model)
    const items: AsyncIterable<unknown> = Reflect.apply(engine[method], engine, [
      prompt,
      { ...options, signal, onPrefill, onProgress },
    ])
    for await (const item of items) this.post({ type: 'item', run, item })
    this.post({ type: 'done', run })
  }
}

/** Buffers of the tensors in a result: moved, not copied. */
function transferables(value: unknown): Transferable[] {
  if (value instanceof Map) return [...value.values()].flatMap(transferables)
  if (typeof value !== 'object' || value === null) return []
  const data = 'data' in value ? value.data : 'weights' in value ? value.weights : null
  return data instanceof Float32Array ? [data.buffer] : []
}
