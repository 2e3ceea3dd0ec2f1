import { createStore } from 'zustand/vanilla'
import type { AdapterScale, Model, TrainedStep } from '../../../../api/model.ts'
import { toErrorData } from '../../../../errors.ts'
import { adaptersOf, type Adapters } from '../../../../state/adapters.ts'
import { freeName } from '../../../../state/adapterScales.ts'
import { oncePerFrame } from '../../../../state/frames.ts'
import type { Session } from '../../../../state/session.ts'
import { normsOf, readsNorms, scalesWith, thinned, type Checkpoint } from './checkpoints.ts'
import { emptyCurve, plainCurve, type Curve } from './curve.ts'
import { KeptRuns, type AdapterFiles, type KeptRun } from './keptRuns.ts'
import { firstPrompt, heldOutLoss, speak } from './measure.ts'
import { isUnderWay, NO_RUN, type TrainPhase, type TrainState } from './runState.ts'
import { adapterOptions, trainOptions, type TrainSettings } from './settings.ts'
import type { RunExamples, TrainData } from './trainData.ts'

/** Where a run goes on from. */
interface Origin {
  steps: number
  files: AdapterFiles
}

/** Longest data text that is kept with its run, in characters. */
const MOST_TEXT = 2_000_000

/** A run of training: its steps, checkpoints and what was measured at them. Goes on whatever view is open. */
export class TrainRun {
  readonly state = createStore<TrainState>()(() => ({ ...NO_RUN }))
  curve: Curve = emptyCurve()
  /** Milliseconds that the last look at a checkpoint took. */
  measuringMs = 0
  private readonly session: Session
  private readonly data: TrainData
  private readonly kept: KeptRuns
  private readonly now: () => number
  /** Files of the checkpoints of this visit, by steps. */
  private readonly files = new Map<number, AdapterFiles>()
  private controller = new AbortController()
  /** Resolved while the run is not paused. */
  private gate: { open: () => void; opened: Promise<void> } | null = null
  private model: Model | null = null
  private readonly bump = oncePerFrame(() => this.state.setState(({ version }) => ({ version: version + 1 })))

  constructor(
    session: Session,
    data: TrainData,
    { kept = new KeptRuns(), now = () => performance.now() } = {},
  ) {
    this.session = session
    this.data = data
    this.kept = kept
    this.now = now
    session.app.subscribe(() => this.followModel())
  }

  change(part: Partial<TrainSettings>): void {
    this.state.setState(({ settings }) => ({ settings: { ...settings, ...part } }))
    this.data.setLongest(this.state.getState().settings.longest)
  }

  /** Settings in place of all before. */
  setUp(settings: TrainSettings): void {
    this.state.setState({ isOwnPrompt: false })
    this.change(settings)
  }

  setPrompt(prompt: string): void {
    this.state.setState({ prompt, isOwnPrompt: prompt !== '' })
  }

  look(steps: number): void {
    this.state.setState({ looked: steps === this.state.getState().checkpoints.at(-1)?.steps ? null : steps })
  }

  /** Begins anew, or with `origin` goes on from one of the checkpoints on show. */
  async start(origin: Origin | null = null): Promise<void> {
    const { model } = this.session
    if (model === null || isUnderWay(this.state.getState().phase)) return
    const { settings } = this.state.getState()
    const examples = this.data.split(settings.heldOut, settings.seed)
    this.controller = new AbortController()
    this.model = model
    this.state.setState({ phase: { kind: 'starting' } })
    try {
      await this.begin(model, settings, examples, origin)
      await this.learn(model, settings, examples, origin?.steps ?? 0)
      await this.end(model, { kind: 'done' }, examples)
    } catch (error) {
      await this.end(model, this.phaseAfter(error), examples)
    }
  }

  /** A run that a person stopped is no failure; a device that went is one, whichever call heard of it first. */
  private phaseAfter(error: unknown): TrainPhase {
    const data = toErrorData(error)
    const { model } = this.session.app.getState()
    if (model.kind === 'lost') return { kind: 'failed', error: model.error }
    return data.code === 'aborted' || this.model === null
      ? { kind: 'stopped' }
      : { kind: 'failed', error: data }
  }

  pause(): void {
    if (this.state.getState().phase.kind !== 'running') return
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    this.gate = { open, opened }
    this.state.setState({ phase: { kind: 'paused' } })
  }

  resume(): void {
    if (this.state.getState().phase.kind !== 'paused') return
    this.state.setState({ phase: { kind: 'running' } })
    this.openGate()
  }

  stop(): void {
    if (!isUnderWay(this.state.getState().phase)) return
    this.state.setState({ phase: { kind: 'stopping' } })
    this.controller.abort()
    this.openGate()
  }

  /** The adapter of a checkpoint on show; null when it is gone. */
  async filesAt(steps: number): Promise<AdapterFiles | null> {
    const { run } = this.state.getState()
    return this.files.get(steps) ?? (run === null ? null : await this.kept.files(run.id, steps))
  }

  /** The adapter as it is at this moment, whether it is learning or not. */
  async exportNow(): Promise<AdapterFiles | null> {
    const { adapter, checkpoints } = this.state.getState()
    const { model } = this.session
    if (adapter !== null && model !== null && model === this.model)
      return model.exportAdapter([{ id: adapter, scale: 1 }], { format: 'peft' })
    return this.filesAt(checkpoints.at(-1)?.steps ?? 0)
  }

  async findEarlier(): Promise<void> {
    if (this.state.getState().earlier !== null) return
    try {
      this.state.setState({ earlier: await this.kept.list() })
    } catch (error) {
      this.state.setState({ earlier: [] })
      this.session.report(error)
    }
  }

  /** Shows a run of before, with its settings, its data and its checkpoints. */
  async open({ info, curve, checkpoints, text }: KeptRun): Promise<void> {
    if (isUnderWay(this.state.getState().phase)) return
    this.files.clear()
    this.curve = curve
    this.state.setState({
      run: info,
      settings: info.settings,
      checkpoints,
      adapter: null,
      isKept: true,
      phase: { kind: 'stopped' },
      prompt: checkpoints.at(-1)?.sample.prompt ?? '',
      isOwnPrompt: true,
      looked: null,
    })
    this.bump()
    if (text !== null) await this.data.take(text, { name: info.data, set: null })
  }

  async forget({ info: { id } }: KeptRun): Promise<void> {
    await this.kept.remove(id).catch((error: unknown) => this.session.report(error))
    this.state.setState(({ earlier }) => ({ earlier: earlier?.filter(({ info }) => info.id !== id) ?? null }))
  }

  private get adapters(): Adapters {
    return adaptersOf(this.session)
  }

  /** Makes the adapter, and measures where it begins. */
  private async begin(model: Model, settings: TrainSettings, examples: RunExamples, origin: Origin | null) {
    const data = this.data.state.getState()
    const { tracks } = this.adapters.state.getState()
    const called = data.set ?? (data.name.replace(/\.\w+$/, '') || 'trained')
    const before = origin === null ? null : this.state.getState().run
    const name = freeName(
      before?.name ?? called,
      tracks.map((track) => track.name),
    )
    const { id, report } = origin
      ? await model.addAdapter(origin.files, { name, scale: 1 })
      : await model.newAdapter(adapterOptions(settings, name))
    this.adapters.put(
      { id, name, scale: 1, enabled: true, origin: { kind: 'files' }, report },
      origin?.files ?? null,
    )
    const info = { name, model: model.info.id, data: data.name, settings }
    this.state.setState({
      run: { ...info, id: before?.id ?? crypto.randomUUID(), startedAt: before?.startedAt ?? Date.now() },
      adapter: id,
      ...(this.state.getState().isOwnPrompt
        ? {}
        : { prompt: await firstPrompt(model, [...examples.held, ...examples.train]) }),
      looked: null,
    })
    this.cutBack(origin?.steps ?? null)
    if (origin === null) await this.checkpoint(model, 0, examples)
  }

  /** What lies beyond the place a run goes on from is given up; null: everything. */
  private cutBack(steps: number | null): void {
    const kept = steps ?? -1
    this.curve = {
      steps: this.curve.steps.filter(({ index }) => index < kept),
      held: this.curve.held.filter((one) => one.steps <= kept),
    }
    for (const at of this.files.keys()) if (at > kept) this.files.delete(at)
    this.state.setState(({ checkpoints }) => ({
      checkpoints: checkpoints.filter((one) => one.steps <= kept),
    }))
    this.bump()
  }

  private async learn(
    model: Model,
    settings: TrainSettings,
    { train, held, split }: RunExamples,
    from: number,
  ) {
    const { adapter } = this.state.getState()
    if (adapter === null) return
    const { signal } = this.controller
    const track = this.adapters.state.getState().tracks.find(({ id }) => id === adapter)
    const norms = track !== undefined && readsNorms(track.report)
    const options = { ...trainOptions(settings), norms, signal }
    let since = this.now()
    if (this.state.getState().phase.kind === 'starting') this.state.setState({ phase: { kind: 'running' } })
    const texts = train.map(({ ids, mask }) => ({ ids, mask }))
    for await (const step of model.train(adapter, texts, options)) {
      this.add({ ...step, index: from + step.index }, this.now() - since)
      const taken = from + step.index + 1
      if (taken % settings.every === 0 || step.index === settings.steps - 1)
        await this.checkpoint(model, taken, { train, held, split })
      await this.gate?.opened
      since = this.now()
    }
  }

  private add(step: TrainedStep, ms: number): void {
    this.curve.steps.push({ ...step, ms })
    this.bump()
  }

  /** Measures the adapter as it is, and keeps it. */
  private async checkpoint(model: Model, steps: number, { held }: RunExamples): Promise<void> {
    const { adapter: id } = this.state.getState()
    if (id === null) return
    const startedAt = this.now()
    const { signal } = this.controller
    this.state.setState({ measuring: true })
    try {
      const adapters = scalesWith(id, this.adapters.scales)
      const heldLoss = await heldOutLoss(model, held, { adapters, signal })
      const spoken = await this.speak(model, adapters, signal)
      signal.throwIfAborted()
      const last = this.curve.steps.at(-1)
      // An untrained B is zero: nothing has moved yet.
      const norms = last === undefined ? [] : normsOf(await model.analyseAdapter(id), last.norms)
      const files = await model.exportAdapter([{ id, scale: 1 }], { format: 'peft' })
      if (heldLoss !== null) this.curve.held.push({ steps, loss: heldLoss })
      await this.keep({ steps, heldLoss, norms, ...spoken, bytes: bytesOf(files) }, files)
    } finally {
      this.measuringMs = this.now() - startedAt
      this.state.setState({ measuring: false })
      this.bump()
    }
  }

  private speak(model: Model, adapters: readonly AdapterScale[], signal: AbortSignal) {
    const { examples } = this.data.state.getState()
    return speak(model, this.state.getState().prompt, examples, { adapters, signal })
  }

  /** Asks an adapter that stands for a checkpoint what the prompt as it is now brings. */
  async ask(model: Model, steps: number, id: string, others: readonly AdapterScale[]): Promise<void> {
    const { adapter } = this.state.getState()
    const beside = others.filter((other) => other.id !== adapter)
    const spoken = await this.speak(model, scalesWith(id, beside), new AbortController().signal)
    this.state.setState(({ checkpoints }) => ({
      checkpoints: checkpoints.map((one) => (one.steps === steps ? { ...one, ...spoken } : one)),
    }))
  }

  private async keep(checkpoint: Checkpoint, files: AdapterFiles): Promise<void> {
    const { checkpoints, run } = this.state.getState()
    const list = thinned([...checkpoints.filter(({ steps }) => steps !== checkpoint.steps), checkpoint])
    this.files.set(checkpoint.steps, files)
    const numbers = list.map(({ steps }) => steps)
    for (const steps of this.files.keys()) if (!numbers.includes(steps)) this.files.delete(steps)
    this.state.setState({ checkpoints: list })
    if (run === null) return
    this.adapters.sources.set(run.name, files)
    const { text } = this.data.state.getState()
    const whole: KeptRun = {
      info: run,
      curve: plainCurve(this.curve),
      checkpoints: list,
      text: text.length <= MOST_TEXT ? text : null,
    }
    try {
      const isKept = await this.kept.keep(whole, { steps: checkpoint.steps, files })
      this.state.setState({ isKept })
      if (isKept) await this.kept.prune(run.id, numbers)
    } catch (error) {
      this.state.setState({ isKept: false })
      this.session.report(error)
    }
  }

  /** A run that was stopped between two checkpoints gets one where it stands, as long as its model answers. */
  private async end(model: Model, phase: TrainPhase, examples: RunExamples): Promise<void> {
    const { checkpoints } = this.state.getState()
    const last = this.curve.steps.at(-1)
    const taken = last === undefined ? 0 : last.index + 1
    this.gate = null
    if (phase.kind === 'failed' && last === undefined) await this.dropAdapter()
    if (
      phase.kind === 'stopped' &&
      model === this.session.model &&
      taken > (checkpoints.at(-1)?.steps ?? 0)
    ) {
      this.controller = new AbortController()
      await this.checkpoint(model, taken, examples).catch((error: unknown) => this.session.report(error))
    }
    this.state.setState({ phase, earlier: null })
    this.bump()
  }

  /** An adapter that could not learn at all is no use to anybody. */
  private async dropAdapter(): Promise<void> {
    const { adapter } = this.state.getState()
    if (adapter !== null && this.session.model === this.model) await this.adapters.remove(adapter)
    this.state.setState({ adapter: null })
  }

  private openGate(): void {
    this.gate?.open()
    this.gate = null
  }

  /** A model that is gone takes its run with it; what was kept stays. */
  private followModel(): void {
    if (this.model === null || this.session.model === this.model) return
    this.model = null
    this.state.setState({ adapter: null })
    this.controller.abort()
    this.openGate()
  }
}

const bytesOf = (files: AdapterFiles): number =>
  [...files.values()].reduce((sum, { length }) => sum + length, 0)
