import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../errors.ts'
import type { Model } from '../api/model.ts'
import { isRunning } from './app.ts'
import type { Session } from './session.ts'
import { beginsWith, readableIds, sameIds, scalesKey } from './textIdentity.ts'

export type MeasurementPhase =
  | { kind: 'empty' }
  /** `done` of `tokens` are read; null where that is not told. */
  | { kind: 'reading'; tokens: number; done: number | null }
  | { kind: 'ready' }
  /** A person ended it: what was read so far is shown. */
  | { kind: 'stopped'; tokens: number; done: number | null }
  | { kind: 'failed'; error: ErrorData }

export interface MeasurementState<T> {
  phase: MeasurementPhase
  /** What has been read, with the model and the tokens it is of; a new object whenever more of it is there. */
  shown: { model: Model; ids: readonly number[]; value: T } | null
}

/** Reads something off a model run over tokens, yielding ever more complete values. */
export type Read<T> = (model: Model, ids: readonly number[], signal: AbortSignal) => AsyncIterable<T>

interface MeasurementOptions<T> {
  /** Tokens that a value is of, where it is not all of them at once. */
  done?: (value: T) => number
}

/**
 * Keeps something read off the text on the page at hand while a view shows it. It is read again once the text, the model or the
 * adapters have changed; what arrives for an older text is dropped. Nothing is read while a text is being written.
 */
export class TextMeasurement<T> {
  readonly state = createStore<MeasurementState<T>>()(() => ({ phase: { kind: 'empty' }, shown: null }))
  private readonly session: Session
  private readonly read: Read<T>
  private readonly doneOf: ((value: T) => number) | undefined
  private controller = new AbortController()
  private viewers = 0
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0
  private wanted: { model: Model; ids: readonly number[]; scales: string | null } | null = null

  constructor(session: Session, read: Read<T>, { done }: MeasurementOptions<T> = {}) {
    this.session = session
    this.read = read
    this.doneOf = done
    session.app.subscribe((state, previous) => {
      if (state.model !== previous.model || state.run !== previous.run) this.sync()
    })
    session.log.subscribe(() => this.sync())
  }

  /** Reads while a view looks; returns the function that lets go, which ends a reading that no other view looks at. */
  watch(): () => void {
    this.viewers += 1
    this.sync()
    if (this.viewers === 1) void this.checkScales()
    return () => {
      this.viewers -= 1
      // The next view may look at the same, in the same turn.
      queueMicrotask(() => this.leave())
    }
  }

  /** What was read so far stays; the next view that looks has it read anew. */
  private leave(): void {
    if (this.viewers > 0 || this.state.getState().phase.kind !== 'reading') return
    this.run += 1
    this.controller.abort()
    this.wanted = null
    this.state.setState({ phase: { kind: 'empty' } })
  }

  /** Reads again, under the adapters that hold now. */
  refresh(): void {
    this.wanted = null
    this.sync()
  }

  /** Ends the reading under way; {@link refresh} begins anew. */
  cancel(): void {
    const { phase } = this.state.getState()
    if (phase.kind !== 'reading') return
    this.run += 1
    this.controller.abort()
    this.state.setState({ phase: { ...phase, kind: 'stopped' } })
  }

  fail(error: unknown): void {
    this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
  }

  private sync(): void {
    const { app, log, model } = this.session
    const ids = readableIds(this.session)
    if (model === null || ids.length === 0 || log.modelId !== model.info.id) return this.drop()
    // The page's texts are those of the new tokens: what was read of other ones must not stand under them.
    const { shown } = this.state.getState()
    if (shown !== null && !beginsWith(ids, shown.ids)) this.drop()
    if (this.viewers === 0 || isRunning(app.getState().run)) return
    const { wanted } = this
    if (wanted !== null && wanted.model === model && sameIds(wanted.ids, ids)) return
    this.wanted = { model, ids, scales: null }
    void this.start(this.wanted)
  }

  private async start(wanted: NonNullable<typeof this.wanted>): Promise<void> {
    const run = ++this.run
    const { model, ids } = wanted
    const kept = this.state.getState().shown
    this.controller.abort()
    const { signal } = (this.controller = new AbortController())
    const tokens = ids.length
    this.state.setState({
      phase: { kind: 'reading', tokens, done: this.doneOf ? 0 : null },
      shown: kept?.model === model ? kept : null,
    })
    try {
      wanted.scales = await scalesKey(model)
      for await (const value of this.read(model, ids, signal)) {
        if (run !== this.run) return
        const done = this.doneOf?.(value) ?? null
        this.state.setState({ shown: { model, ids, value }, phase: { kind: 'reading', tokens, done } })
      }
      if (run === this.run) this.state.setState({ phase: { kind: 'ready' } })
    } catch (error) {
      if (run === this.run) this.fail(error)
    }
  }

  private drop(): void {
    if (this.wanted === null && this.state.getState().shown === null) return
    this.run += 1
    this.controller.abort()
    this.wanted = null
    this.state.setState({ phase: { kind: 'empty' }, shown: null })
  }

  /** Adapters may have been moved while no view was looking: numbers of other scales are not shown as of these. */
  private async checkScales(): Promise<void> {
    const { wanted } = this
    if (wanted === null || wanted.scales === null) return
    try {
      const scales = await scalesKey(wanted.model)
      if (this.wanted === wanted && scales !== wanted.scales) this.refresh()
    } catch (error) {
      this.session.report(error)
    }
  }
}
