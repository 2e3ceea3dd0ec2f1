import type { StoreApi } from 'zustand/vanilla'
import type { AdapterScale, Model } from '../../../../api/model.ts'
import { throwIfAborted } from '../../../../errors.ts'
import { adaptersOf, type Adapters } from '../../../../state/adapters.ts'
import type { Session } from '../../../../state/session.ts'
import { normsOf, scalesWith, thinned, type RunCheckpoint } from './checkpoints.ts'
import { plainCurve, type Curve } from './curve.ts'
import { answerable, countExact } from './exact.ts'
import type { AdapterFiles, NewestCheckpoint } from './keptRuns.ts'
import { heldOut, speak } from './measure.ts'
import type { RunFiles } from './runFiles.ts'
import type { TrainRunState } from './runState.ts'
import type { RunExamples, TrainData } from './trainData.ts'

/** Longest data text that is kept with its run, in characters. */
const MAX_TEXT = 2_000_000

/** What checkpoints are taken of. */
export interface CheckpointedRun {
  readonly session: Session
  readonly data: TrainData
  readonly state: StoreApi<TrainRunState>
  readonly files: RunFiles
  readonly now: () => number
  readonly curve: Curve
}

const bytesOf = (files: AdapterFiles): number =>
  [...files.values()].reduce((sum, { length }) => sum + length, 0)

/** Measures a run where it stands, and keeps what it has come to. */
export class Checkpointing {
  /** Milliseconds that the last look at a checkpoint took. */
  ms = 0
  private readonly run: CheckpointedRun
  private controller = new AbortController()

  constructor(run: CheckpointedRun) {
    this.run = run
  }

  private get adapters(): Adapters {
    return adaptersOf(this.run.session)
  }

  /** Ends what is being measured; the next look begins afresh. */
  abort(): void {
    this.controller.abort()
    this.controller = new AbortController()
  }

  /** Measures the adapter as it is, and keeps it. `learning`: its optimiser is there to be kept too. */
  async capture(model: Model, steps: number, { held }: RunExamples, learning: boolean): Promise<void> {
    const { state, curve, now } = this.run
    const { adapter: id, run } = state.getState()
    if (id === null || run === null) return
    const startedAt = now()
    const { signal } = this.controller
    state.setState({ measuring: true })
    try {
      const adapters = scalesWith(id, this.adapters.scales)
      const measured = await heldOut(model, held, { adapters, signal, id, beta: run.settings.beta })
      const spoken = await this.speak(model, adapters, signal)
      throwIfAborted(signal)
      const last = curve.steps.at(-1)
      // An untrained B is zero: nothing has moved yet.
      const norms = last === undefined ? [] : normsOf(await model.analyseAdapter(id), last.norms)
      const files = await model.exportAdapter([{ id, scale: 1 }], { format: 'peft' })
      const moments = learning ? await model.trainingState(id) : null
      if (measured !== null) curve.held.push({ steps, ...measured })
      const heldLoss = measured?.loss ?? null
      await this.save({ steps, heldLoss, norms, ...spoken, bytes: bytesOf(files) }, { steps, files, moments })
    } finally {
      this.ms = now() - startedAt
      state.setState({ measuring: false })
    }
  }

  private speak(model: Model, adapters: readonly AdapterScale[], signal: AbortSignal) {
    const { examples } = this.run.data.state.getState()
    return speak(model, this.run.state.getState().prompt, examples, { adapters, signal })
  }

  /** Scales under which an adapter that stands for a checkpoint is looked at: without the one that learns. */
  private beside(others: readonly AdapterScale[]): readonly AdapterScale[] {
    const { adapter } = this.run.state.getState()
    return others.filter((other) => other.id !== adapter)
  }

  private change(steps: number, part: Partial<RunCheckpoint>): void {
    this.run.state.setState(({ checkpoints }) => ({
      checkpoints: checkpoints.map((one) => (one.steps === steps ? { ...one, ...part } : one)),
    }))
  }

  /** Asks an adapter that stands for a checkpoint what the prompt as it is now brings. */
  async ask(model: Model, steps: number, id: string, others: readonly AdapterScale[]): Promise<void> {
    const scales = scalesWith(id, this.beside(others))
    this.change(steps, await this.speak(model, scales, this.controller.signal))
  }

  /** Held-out examples that have one right answer. */
  answerable(): ReturnType<typeof answerable> {
    const { heldOut: count, seed } = this.run.state.getState().settings
    return answerable(this.run.data.split(count, seed).held)
  }

  /**
   * Counts the held-out prompts that the base, and an adapter that stands for a checkpoint, answer word for word. What is known of the
   * base is not asked again.
   */
  async count(model: Model, steps: number, id: string, others: readonly AdapterScale[]): Promise<void> {
    const { state } = this.run
    const examples = this.answerable()
    const { checkpoints } = state.getState()
    const base = checkpoints.find((one) => one.steps === 0)
    const asks = [
      ...(base !== undefined && base.exact === undefined ? [{ steps: 0, scales: this.beside(others) }] : []),
      ...(steps === 0 ? [] : [{ steps, scales: scalesWith(id, this.beside(others)) }]),
    ]
    const of = asks.length * examples.length
    let askedBefore = 0
    const { signal } = this.controller
    try {
      for (const { steps: at, scales: adapters } of asks) {
        const onAsked = (count: number): void =>
          state.setState({ counting: { asked: askedBefore + count, of } })
        onAsked(0)
        this.change(at, { exact: await countExact(model, examples, { adapters, signal, onAsked }) })
        askedBefore += examples.length
      }
    } finally {
      state.setState({ counting: null })
    }
    await this.write(null)
  }

  private async save(checkpoint: RunCheckpoint, newest: NewestCheckpoint): Promise<void> {
    const { state } = this.run
    const { checkpoints, run } = state.getState()
    const list = thinned([...checkpoints.filter(({ steps }) => steps !== checkpoint.steps), checkpoint])
    const moments = newest.moments === null ? null : newest.steps
    state.setState({ checkpoints: list, moments, momentBytes: newest.moments?.length ?? 0 })
    if (run !== null) this.adapters.sources.set(run.name, newest.files)
    await this.write(newest)
  }

  /** Writes the run as it stands. What cannot be kept is said, and stays on the page. */
  private async write(newest: NewestCheckpoint | null): Promise<void> {
    const { state, files, data, session, curve } = this.run
    const { checkpoints, run: info, moments } = state.getState()
    if (info === null) return
    const { text } = data.state.getState()
    const kept = text.length <= MAX_TEXT ? text : null
    try {
      const run = { info, curve: plainCurve(curve), checkpoints, text: kept, moments }
      const isKept = await (newest === null ? files.note(run) : files.put(run, newest))
      state.setState({ isKept })
    } catch (error) {
      state.setState({ isKept: false })
      session.report(error)
    }
  }
}
