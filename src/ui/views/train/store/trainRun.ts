import { createStore } from 'zustand/vanilla'
import type { AdapterScale, Model, TrainedStep } from '../../../../api/model.ts'
import { toErrorData } from '../../../../errors.ts'
import { adaptersOf, type Adapters } from '../../../../state/adapters.ts'
import { freeName } from '../../../../state/adapterScales.ts'
import { oncePerFrame } from '../../../../state/frames.ts'
import type { Session } from '../../../../state/session.ts'
import { Checkpointing } from './checkpointing.ts'
import { readsNorms } from './checkpoints.ts'
import { emptyCurve, type Curve } from './curve.ts'
import { fingerprintOf } from './fingerprint.ts'
import { KeptRuns, type AdapterFiles, type KeptRun, type RunInfo } from './keptRuns.ts'
import { firstPrompt } from './measure.ts'
import { isPreference, pairOf } from './preferences.ts'
import { RunFiles } from './runFiles.ts'
import { isUnderWay, NO_RUN, type TrainPhase, type TrainRunState } from './runState.ts'
import { adapterOptions, trainOptions, type RunSettings } from './settings.ts'
import type { RunExamples, TrainData } from './trainData.ts'

/** Where a run goes on from. */
interface Origin {
  steps: number
  files: AdapterFiles
  /** Its optimiser's; null where that begins anew. */
  moments: Uint8Array | null
}

/** A run of training: its steps, checkpoints and what was measured at them. Goes on whatever view is open. */
export class TrainRun {
  readonly state = createStore<TrainRunState>()(() => ({ ...NO_RUN }))
  curve: Curve = emptyCurve()
  private readonly session: Session
  private readonly data: TrainData
  private readonly kept: KeptRuns
  private readonly now: () => number
  private readonly files: RunFiles
  private readonly checkpointing: Checkpointing
  /** Aborted when the model is gone; a run that is stopped ends between two steps. */
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
    this.files = new RunFiles(kept)
    const { state, files } = this
    const curveOf = (): Curve => this.curve
    this.checkpointing = new Checkpointing({
      session,
      data,
      state,
      files,
      now,
      get curve() {
        return curveOf()
      },
    })
    session.app.subscribe(() => this.followModel())
  }

  /** Milliseconds that the last look at a checkpoint took. */
  get measuringMs(): number {
    return this.checkpointing.ms
  }

  change(part: Partial<RunSettings>): void {
    this.state.setState(({ settings }) => ({ settings: { ...settings, ...part } }))
    this.data.setLongest(this.state.getState().settings.longest)
  }

  /** Settings in place of all before. */
  setUp(settings: RunSettings): void {
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
  async start(origin: Omit<Origin, 'moments'> | null = null): Promise<void> {
    return this.launch(origin && { ...origin, moments: null })
  }

  /** Whether the run on show can be taken up where it was left: its model, its examples and its optimiser are all there. */
  canGoOn(): boolean {
    const { run, phase, moments, checkpoints } = this.state.getState()
    const { model } = this.session
    if (run === null || model === null || isUnderWay(phase) || moments === null) return false
    const { steps, heldOut, seed } = run.settings
    return (
      checkpoints.at(-1)?.steps === moments &&
      moments < run.from + steps &&
      run.model === model.info.id &&
      run.weights === model.info.weights &&
      run.examples === fingerprintOf(this.data.split(heldOut, seed).train)
    )
  }

  /** Takes the run up where it was left, as if it had never been: the same curve. */
  async goOn(): Promise<void> {
    const { run, moments: steps } = this.state.getState()
    if (!this.canGoOn() || run === null || steps === null) return
    const [files, moments] = [await this.files.at(run, steps), await this.files.moments(run, steps)]
    if (files === null || moments === null) return this.state.setState({ moments: null })
    this.change(run.settings)
    return this.launch({ steps, files, moments })
  }

  private async launch(origin: Origin | null): Promise<void> {
    const { model } = this.session
    if (model === null || isUnderWay(this.state.getState().phase)) return
    const { settings } = this.state.getState()
    const examples = this.data.split(settings.heldOut, settings.seed)
    this.controller = new AbortController()
    this.checkpointing.abort()
    this.model = model
    this.state.setState({ phase: { kind: 'starting' } })
    try {
      await this.begin(model, settings, examples, origin)
      await this.learn(model, settings, examples, origin?.moments ?? null)
      await this.end(model, { kind: this.isStopping ? 'stopped' : 'done' })
    } catch (error) {
      await this.end(model, this.phaseAfter(error))
    }
  }

  private get isStopping(): boolean {
    return this.state.getState().phase.kind === 'stopping'
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

  /** Ends a run behind the step under way: its optimiser is kept with where it stands. */
  stop(): void {
    const { phase } = this.state.getState()
    if (!isUnderWay(phase)) return
    this.state.setState({ phase: { kind: 'stopping' } })
    this.checkpointing.abort()
    this.openGate()
  }

  /** The adapter of a checkpoint on show; null when it is gone. */
  filesAt(steps: number): Promise<AdapterFiles | null> {
    return this.files.at(this.state.getState().run, steps)
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
  async open({ info, curve, checkpoints, text, moments }: KeptRun): Promise<void> {
    if (isUnderWay(this.state.getState().phase)) return
    this.files.clear()
    this.curve = curve
    const momentBytes = moments === null ? 0 : ((await this.files.moments(info, moments))?.length ?? 0)
    this.state.setState({
      run: info,
      settings: info.settings,
      checkpoints,
      adapter: null,
      isKept: true,
      moments: momentBytes === 0 ? null : moments,
      momentBytes,
      phase: { kind: 'stopped' },
      prompt: checkpoints.at(-1)?.sample.prompt ?? '',
      isOwnPrompt: true,
      looked: null,
    })
    this.bump()
    this.data.setLongest(info.settings.longest)
    if (text !== null) await this.data.setText(text, { name: info.data, set: info.set })
  }

  async remove({ info: { id } }: KeptRun): Promise<void> {
    await this.kept.remove(id).catch((error: unknown) => this.session.report(error))
    this.state.setState(({ earlier }) => ({ earlier: earlier?.filter(({ info }) => info.id !== id) ?? null }))
  }

  private get adapters(): Adapters {
    return adaptersOf(this.session)
  }

  /** Makes the adapter, and measures where it begins. */
  private async begin(model: Model, settings: RunSettings, examples: RunExamples, origin: Origin | null) {
    const data = this.data.state.getState()
    const { tracks } = this.adapters.state.getState()
    const called = data.set ?? (data.name.replace(/\.\w+$/, '') || 'trained')
    const previousRun = origin === null ? null : this.state.getState().run
    const name = freeName(
      previousRun?.name ?? called,
      tracks.map((track) => track.name),
    )
    const { id, report } = origin
      ? await model.addAdapter(origin.files, { name, scale: 1 })
      : await model.newAdapter(adapterOptions(settings, name))
    this.adapters.put(
      { id, name, scale: 1, enabled: true, origin: { kind: 'files' }, report },
      origin?.files ?? null,
    )
    const run: RunInfo = {
      name,
      model: model.info.id,
      weights: model.info.weights,
      data: data.name,
      set: data.set,
      examples: fingerprintOf(examples.train),
      objective: examples.train.some(isPreference) ? 'dpo' : 'likelihood',
      settings,
      from: origin === null ? 0 : origin.moments === null ? origin.steps : (previousRun?.from ?? 0),
      id: previousRun?.id ?? crypto.randomUUID(),
      startedAt: previousRun?.startedAt ?? Date.now(),
    }
    const { isOwnPrompt, prompt } = this.state.getState()
    const first = isOwnPrompt ? prompt : await firstPrompt(model, [...examples.held, ...examples.train])
    this.state.setState({ run, adapter: id, prompt: first, looked: null })
    this.cutBack(origin?.steps ?? null)
    if (origin === null) await this.checkpoint(model, 0, examples, false)
  }

  /** What lies beyond the place a run goes on from is given up; null: everything. */
  private cutBack(steps: number | null): void {
    const kept = steps ?? -1
    this.curve = {
      steps: this.curve.steps.filter(({ index }) => index < kept),
      held: this.curve.held.filter((one) => one.steps <= kept),
    }
    this.files.cutBack(kept)
    this.state.setState(({ checkpoints }) => ({
      checkpoints: checkpoints.filter((one) => one.steps <= kept),
    }))
    this.bump()
  }

  private async learn(
    model: Model,
    settings: RunSettings,
    examples: RunExamples,
    resume: Uint8Array | null,
  ): Promise<void> {
    const { adapter, run } = this.state.getState()
    if (adapter === null || run === null) return
    const { signal } = this.controller
    const track = this.adapters.state.getState().tracks.find(({ id }) => id === adapter)
    const norms = track !== undefined && readsNorms(track.report)
    const options = { ...trainOptions(settings, run.objective), norms, signal, ...(resume ? { resume } : {}) }
    if (this.state.getState().phase.kind === 'starting') this.state.setState({ phase: { kind: 'running' } })
    if (this.isStopping) return
    const { train } = examples
    const pairs = train.filter(isPreference)
    const texts = train.map(({ ids, mask }) => ({ ids, mask }))
    let since = this.now()
    for await (const step of model.train(adapter, pairs.length > 0 ? pairs.map(pairOf) : texts, options)) {
      this.add({ ...step, index: run.from + step.index }, this.now() - since)
      await this.afterStep(model, run.from + step.index + 1, examples)
      if (this.isStopping) break
      since = this.now()
    }
  }

  /** Checkpoints where they are due, and where a run is stopped; waits where it is paused. */
  private async afterStep(model: Model, taken: number, examples: RunExamples): Promise<void> {
    const { settings, from } = this.state.getState().run ?? { settings: null, from: 0 }
    if (settings === null) return
    const isDue = taken % settings.every === 0 || taken === from + settings.steps
    if (isDue) await this.checkpoint(model, taken, examples, true)
    await this.gate?.opened
    const last = this.state.getState().checkpoints.at(-1)?.steps ?? 0
    if (this.isStopping && taken > last) await this.checkpoint(model, taken, examples, true)
  }

  private add(step: TrainedStep, ms: number): void {
    this.curve.steps.push({ ...step, ms })
    this.bump()
  }

  /** A person who stops a run does not wait for what is being measured. */
  private async checkpoint(model: Model, steps: number, examples: RunExamples, learning: boolean) {
    const wasStopping = this.isStopping
    try {
      await this.checkpointing.capture(model, steps, examples, learning)
    } catch (error) {
      if (wasStopping || !this.isStopping || toErrorData(error).code !== 'aborted') throw error
    }
    this.bump()
  }

  /** Asks an adapter that stands for a checkpoint what the prompt as it is now brings. */
  ask(model: Model, steps: number, id: string, others: readonly AdapterScale[]): Promise<void> {
    return this.checkpointing.ask(model, steps, id, others)
  }

  /** Counts exact answers of the base and of a checkpoint; {@link stopCounting} ends it. */
  async count(model: Model, steps: number, id: string, others: readonly AdapterScale[]): Promise<void> {
    await this.checkpointing.count(model, steps, id, others)
  }

  stopCounting(): void {
    this.checkpointing.abort()
  }

  /** Held-out prompts that have one right answer. */
  answerable(): number {
    return this.checkpointing.answerable().length
  }

  private async end(model: Model, phase: TrainPhase): Promise<void> {
    const last = this.curve.steps.at(-1)
    this.gate = null
    if (phase.kind === 'failed' && last === undefined) await this.dropAdapter()
    const { adapter } = this.state.getState()
    this.state.setState({ phase, earlier: null })
    this.bump()
    const isThere = adapter !== null && model === this.session.model
    if (phase.kind !== 'done' || !isThere || this.answerable() === 0) return
    const { steps = 0 } = this.state.getState().checkpoints.at(-1) ?? {}
    await this.count(model, steps, adapter, this.adapters.scales).catch((error: unknown) => {
      if (toErrorData(error).code !== 'aborted') this.session.report(error)
    })
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
    this.checkpointing.abort()
    this.openGate()
  }
}
