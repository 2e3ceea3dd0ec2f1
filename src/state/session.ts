import { fromErrorData, invariant, toErrorData, TokenscopeError } from '../errors.ts'
import type { FinishReason, HubOptions, LogitsAt, Model, ModelSource } from '../api/model.ts'
import type { EngineClient, EngineEvent } from '../worker/api.ts'
import {
  answeringModel,
  isRunning,
  readyOrEmpty,
  type AppStore,
  type Failed,
  type ModelPhase,
  type RunPhase,
} from './app.ts'
import { LogitsCache } from './logits.ts'
import { encodePrompt, refuseTooLong, tooLong } from './encodePrompt.ts'
import type { GivenPrompt, LoadRequest, SessionParts } from './sessionParts.ts'
import type { Settings } from './settings.ts'
import type { TokenLog, TokenLogSnapshot } from './tokenLog.ts'
import { TokenTexts } from './tokenTexts.ts'

/** Alternatives captured with every token; the tables show at most this many without a lookup. */
export const CAPTURED = 32

/** A run before the engine has said how long its prompt is. */
const BEGINNING: RunPhase = { kind: 'prefill', done: 0, total: 0 }

/**
 * What the page does: one model, one run, one text. Holds what cannot be serialised (the model, abort
 * controllers); everything the panels read lies in the store and the log.
 */
export class Session {
  readonly app: AppStore
  readonly log: TokenLog
  /** Where models of the hub come from; the token is nowhere else. */
  hub: HubOptions = {}
  /** What a run and a look at the model wait for: adapters on their way in. Null while there is nothing to wait for. */
  underWay: () => Promise<void> | null = () => null
  /** Hears that a text of before stands on the page again. */
  textShown: () => void = () => undefined
  private readonly client: EngineClient
  private readonly now: () => number
  private readonly logits: LogitsCache
  private texts = new TokenTexts()
  private shown: Model | null = null
  /** The tab's own model while an engine elsewhere is shown in its place. */
  private aside: Model | null = null
  private source: ModelSource | null = null
  private how: LoadRequest['how']
  private loading: AbortController | null = null
  private running: AbortController | null = null
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0

  constructor({ client, app, log, now }: SessionParts) {
    this.client = client
    this.app = app
    this.log = log
    this.now = now
    this.logits = new LogitsCache(log)
    client.onEvent((event) => this.onEngineEvent(event))
  }

  get model(): Model | null {
    return this.shown
  }

  /** The tab's own model, on show or not. */
  get ownModel(): Model | null {
    return this.shown?.info.remote ? this.aside : this.shown
  }

  /** What is done with models before one is loaded. */
  get models(): EngineClient['models'] {
    return this.client.models
  }

  /** Loads beside the model that is there, which keeps answering if this one fails. `id` null: dropped files. */
  async load(source: ModelSource, request: LoadRequest): Promise<boolean> {
    const { label, how } = request
    this.loading?.abort()
    const controller = new AbortController()
    this.loading = controller
    const info = answeringModel(this.app.getState().model)
    const startedAt = this.now()
    const progress = { stage: 'config', bytesDone: 0, bytesTotal: 0 } as const
    this.app.setState({ model: { kind: 'loading', label, progress, elapsed: 0, info }, error: null })
    try {
      if (Array.isArray(source)) await (await import('./unknownFiles.ts')).refuseUnknown(source as File[])
      const model = await this.client.loadModel(source, {
        ...how,
        hub: this.hub,
        signal: controller.signal,
        onProgress: (next) => {
          if (this.loading !== controller) return
          const elapsed = this.now() - startedAt
          this.app.setState({ model: { kind: 'loading', label, progress: next, elapsed, info } })
        },
      })
      if (this.loading !== controller) {
        await model.dispose()
        return false
      }
      await this.adopt(model, source, request)
      return true
    } catch (error) {
      if (this.loading === controller) this.loadFailed(error, label)
      return false
    } finally {
      if (this.loading === controller) this.loading = null
    }
  }

  /** Shows an engine elsewhere in place of the tab's own model, which stays loaded; null: the tab's own again, where there is one. */
  async showEngine(engine: Model | null): Promise<void> {
    this.loading?.abort()
    this.loading = null
    const previous = this.shown
    const ownModel = this.ownModel
    const model = engine ?? ownModel
    this.aside = engine === null ? null : ownModel
    this.put(model)
    this.app.setState({ model: readyOrEmpty(model?.info ?? null), memory: null })
    if (previous?.info.remote) await previous.dispose()
    await this.readMemory()
  }

  /** Gives up the load under way; the model before it stays. */
  cancelLoad(): void {
    this.loading?.abort()
    this.loading = null
    const { model } = this.app.getState()
    if (model.kind !== 'loading') return
    this.app.setState({ model: readyOrEmpty(model.info) })
  }

  /** Loads the last model again, after the device was lost. */
  async reload(other: LoadRequest['how'] = {}): Promise<boolean> {
    if (this.source === null) return false
    const { modelId } = this.app.getState()
    return this.load(this.source, { label: modelId ?? '', id: modelId, how: { ...this.how, ...other } })
  }

  /** Replaces the text by a new one for the prompt as it stands, or for the one given. */
  async generate(settings: Settings = this.app.getState().settings, given?: GivenPrompt): Promise<void> {
    const model = this.shown
    if (model?.info.tasks.includes('generate') !== true) return
    const run = this.startRun()
    try {
      // Nothing to wait for keeps the run in the turn that began it.
      const underWay = this.underWay()
      if (underWay !== null) await underWay
      if (run !== this.run) return
      const state = this.app.getState()
      const promptIds = given?.ids ?? (await encodePrompt(model, state.prompt, state))
      if (tooLong(model, promptIds)) await refuseTooLong(model, promptIds)
      if (run !== this.run) return
      const { id, bosId, eosIds } = model.info
      this.log.begin({ modelId: id, promptIds, settings, bosId, endIds: eosIds, at: this.now() })
      this.app.setState({ pinned: null, hovered: null, hoveredPrompt: null })
      await Promise.all([
        this.consume(run, model, promptIds, settings, given?.stop),
        this.labelPrompt(run, model),
      ])
    } catch (error) {
      this.runFailed(run, error)
    }
  }

  /** Goes on behind the text that is there, with the settings as they stand. */
  async continue(stop?: readonly string[]): Promise<void> {
    const model = this.shown
    if (model?.info.tasks.includes('generate') !== true || this.log.promptIds.length === 0) return
    const run = this.startRun()
    const { settings } = this.app.getState()
    try {
      const underWay = this.underWay()
      if (underWay !== null) await underWay
      if (run !== this.run) return
      const ids = this.log.idsBefore(this.log.tokens.length)
      this.log.resume({ settings, at: this.now() })
      await this.consume(run, model, ids, settings, stop)
    } catch (error) {
      this.runFailed(run, error)
    }
  }

  stop(): void {
    this.running?.abort()
  }

  /** Puts a text of before back on the page, in place of the one there and of a run under way; null: the empty page. */
  showText(text: TokenLogSnapshot | null): void {
    this.running?.abort()
    this.running = null
    this.run += 1
    if (text === null) this.log.clear()
    else this.log.restore(text)
    this.app.setState({ run: { kind: 'idle' }, pinned: null, hovered: null, hoveredPrompt: null })
    this.textShown()
  }

  /** Full logits behind generated token `index`; see {@link LogitsCache.read}. */
  async tokenLogits(index: number): Promise<LogitsAt> {
    const model = this.shown
    if (model === null || model.info.id !== this.log.modelId) {
      throw new TokenscopeError('unsupported', 'Not captured: the model of this text is not loaded.')
    }
    await this.underWay()
    return this.logits.read(model, index)
  }

  /** Logits that are on the page already. */
  peekLogits(index: number): LogitsAt | null {
    return this.logits.peek(index)
  }

  /** Text an id would add after these ids; \ufffd for a part of a character, empty when it has none or no tokenizer answers. */
  async lookUpText(contextIds: readonly number[], id: number): Promise<string> {
    const model = this.shown
    return model?.info.hasTokenizer ? this.texts.lookUp(model, contextIds, id) : ''
  }

  /** Shows an error that happened outside a load or a run. */
  report(error: unknown, failed?: Failed): void {
    this.showUnlessLost(error, failed)
  }

  private async adopt(model: Model, source: ModelSource, { id, how, ...asked }: LoadRequest): Promise<void> {
    const writes = model.info.tasks.includes('generate')
    const first = writes ? asked.first : undefined
    const far = asked.beside && this.shown?.info.remote ? this.shown : null
    const previous = far ? [this.aside] : [this.shown, this.aside]
    this.source = source
    this.how = how
    this.aside = far && model
    if (far === null) this.put(model)
    const { view } = this.app.getState()
    this.app.setState({
      model: { kind: 'ready', info: (far ?? model).info },
      modelId: id,
      taken: null,
      ...(first === undefined ? {} : { run: BEGINNING }),
      // An encoder is not asked to write: where a person would, the page opens on its masks.
      ...(!writes && (view === 'write' || view === 'chat') ? { view: 'fill' } : {}),
    })
    if (first !== undefined) void this.generate(first)
    // A model whose device is gone may refuse even this; it holds nothing any more.
    for (const gone of previous) await gone?.dispose().catch((error: unknown) => this.showUnlessLost(error))
    await this.readMemory()
  }

  /** Another model answers from now on; a run of the one before ends. */
  private put(model: Model | null): void {
    this.running?.abort()
    this.run += 1
    this.shown = model
    this.texts = new TokenTexts()
    if (isRunning(this.app.getState().run)) this.app.setState({ run: { kind: 'stopped' } })
  }

  private loadFailed(error: unknown, label: string): void {
    const data = toErrorData(error)
    const info = this.shown === null ? null : this.shown.info
    if (data.code === 'aborted') {
      this.app.setState({ model: readyOrEmpty(info) })
      return
    }
    const model: ModelPhase = info === null ? { kind: 'failed', label, error: data } : { kind: 'ready', info }
    this.app.setState({ model, error: { ...data, failed: { what: 'model', name: label } } })
  }

  private startRun(): number {
    this.running?.abort()
    this.running = new AbortController()
    this.run += 1
    this.app.setState({ run: BEGINNING, error: null })
    return this.run
  }

  private async consume(
    run: number,
    model: Model,
    ids: readonly number[],
    settings: Settings,
    stop?: readonly string[],
  ): Promise<void> {
    const controller = this.running
    invariant(controller !== null, 'a run consumes tokens without a controller')
    const { maxTokens, ...sampling } = settings
    const stream = model.generate(ids, {
      ...sampling,
      maxTokens,
      stop,
      topLogprobs: Math.min(CAPTURED, model.info.vocab),
      signal: controller.signal,
      onPrefill: (done, total) => {
        if (run !== this.run) return
        this.log.prefill(done, total)
        if (this.app.getState().run.kind === 'prefill')
          this.app.setState({ run: { kind: 'prefill', done, total } })
      },
    })
    let finish: FinishReason | null = null
    for await (const token of stream) {
      if (run !== this.run) return
      if (this.app.getState().run.kind === 'prefill') this.app.setState({ run: { kind: 'decoding' } })
      this.log.append(token, this.now())
      finish = token.finish
    }
    if (run === this.run) await this.runEnded(controller.signal.aborted ? 'abort' : finish)
  }

  private async runEnded(finish: FinishReason | null): Promise<void> {
    this.running = null
    this.log.flush()
    const reason = finish === null ? 'length' : finish
    this.app.setState({ run: reason === 'abort' ? { kind: 'stopped' } : { kind: 'done', reason } })
    await this.readMemory()
  }

  private runFailed(run: number, error: unknown): void {
    if (run !== this.run) return
    this.running = null
    this.log.flush()
    const data = toErrorData(error)
    if (data.code === 'aborted') {
      this.app.setState({ run: { kind: 'stopped' } })
      return
    }
    this.app.setState({ run: { kind: 'failed' } })
    this.showUnlessLost(error, { what: 'run', name: '' })
  }

  /**
   * A lost device has a state of its own; its echoes in calls under way are not shown again. What was still asked of a model
   * that has given way to another is wanted by nothing any more.
   */
  private showUnlessLost(error: unknown, failed?: Failed): void {
    const data = toErrorData(error)
    if (data.details['disposed']) return
    if (data.code !== 'device-lost') this.app.setState({ error: failed ? { ...data, failed } : data })
    else if (this.app.getState().model.kind !== 'lost') this.markLost(error)
  }

  /** Called once, by what notices first: the device's own event, or a call that fails on it. */
  private markLost(error: unknown): void {
    const { model } = this.app.getState()
    if (model.kind === 'lost') return
    // The engine elsewhere goes on.
    if (this.shown?.info.remote) return void (this.aside = null)
    const info = this.shown?.info ?? answeringModel(model)
    this.running?.abort()
    this.running = null
    this.run += 1
    this.shown = null
    this.log.flush()
    const data = toErrorData(error)
    const { run } = this.app.getState()
    this.app.setState({
      model: info === null ? { kind: 'failed', label: '', error: data } : { kind: 'lost', error: data, info },
      run: isRunning(run) ? { kind: 'stopped' } : run,
      memory: null,
    })
  }

  private onEngineEvent(event: EngineEvent): void {
    switch (event.type) {
      case 'device-lost':
      case 'worker-restarted':
        this.markLost(fromErrorData(event.error))
        return
      case 'gpu-error':
        this.running?.abort()
        this.app.setState({ error: event.error })
        return
    }
  }

  private async labelPrompt(run: number, model: Model): Promise<void> {
    if (!model.info.hasTokenizer) return
    const texts = await model.tokenTexts(this.log.promptIds)
    if (run === this.run) this.log.setPromptTexts(texts)
  }

  private async readMemory(): Promise<void> {
    const model = this.shown
    if (model === null || model.info.remote) return
    try {
      const memory = await model.memory()
      if (model === this.shown) this.app.setState({ memory })
    } catch (error) {
      if (model === this.shown) this.showUnlessLost(error)
    }
  }
}
