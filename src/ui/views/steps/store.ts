import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { Edit, Model, StepInfo } from '../../../api/model.ts'
import { isRunning } from '../../../state/app.ts'
import { maskChoiceOf } from '../../../state/maskChoice.ts'
import { perSession } from '../../../state/perSession.ts'
import { selectedRow, selectRow } from '../../../state/selection.ts'
import type { Session } from '../../../state/session.ts'
import { TensorCache } from './tensorCache.ts'
import { layerStep, nextBreakpoint } from './moves.ts'
import { openSteps, type StepsSource } from './source.ts'
import { beginsWith, readableIds, sameIds, scalesKey } from '../../../state/textIdentity.ts'

/** Where the stepper stands with its forward. */
export type StepsPhase =
  | { kind: 'empty' }
  | { kind: 'reading'; tokens: number }
  | { kind: 'ready' }
  | { kind: 'failed'; error: ErrorData }

/** A cell the person chose, kept while the steps have the same shape of columns and slices. */
export interface TensorCell {
  slice: number
  row: number
  col: number
}

export interface StepsState {
  phase: StepsPhase
  /** The forward on show; a new object for every forward. */
  source: StepsSource | null
  /** Name of the current step. */
  step: string
  /** Step names. */
  breakpoints: readonly string[]
  playing: boolean
  /** Steps per second. */
  pace: number
  cell: TensorCell | null
}

export const PACES = [1, 2, 4, 8, 16] as const

/**
 * Moves through the steps of a forward over the text on the page. One run and one selection are shared with every
 * view: the row is the token selected there. Tensors are read once and kept in {@link TensorCache}.
 */
export class Steps {
  readonly state = createStore<StepsState>()(() => ({
    phase: { kind: 'empty' },
    source: null,
    step: '',
    breakpoints: [],
    playing: false,
    pace: 4,
    cell: null,
  }))
  readonly cache = new TensorCache()
  private readonly session: Session
  /** What the forward is run under besides the adapters; null: nothing. */
  private edits: (() => Promise<readonly Edit[]>) | null = null
  private viewers = 0
  /** Counts openings; what arrives for an older one is closed. */
  private opening = 0
  private wanted: { model: Model; ids: readonly number[]; scales: string | null } | null = null
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(session: Session) {
    this.session = session
    session.app.subscribe((state, previous) => {
      if (state.pinned !== previous.pinned || state.promptRow !== previous.promptRow) this.followSelection()
      if (state.model !== previous.model || state.run !== previous.run) this.sync()
    })
    session.log.subscribe(() => this.sync())
    maskChoiceOf(session).onChange(() => this.refresh())
  }

  /** Keeps a forward at hand while a view shows it; returns the function that lets go. */
  watch(): () => void {
    this.viewers += 1
    this.sync()
    if (this.viewers === 1) void this.checkScales()
    return () => {
      this.viewers -= 1
      if (this.viewers > 0) return
      this.pause()
      this.sync()
    }
  }

  get steps(): readonly StepInfo[] {
    return this.state.getState().source?.steps ?? []
  }

  get rows(): number {
    return this.state.getState().source?.ids.length ?? 0
  }

  /** Index of the current step, −1 before any forward. */
  get index(): number {
    const { step } = this.state.getState()
    return this.steps.findIndex(({ name }) => name === step)
  }

  /** Row of the selected token: a generated one, a prompt token, else the last. */
  get row(): number {
    return selectedRow(this.session, this.rows)
  }

  /** To a step by its name; before any forward, to be on show once there is one that has it. */
  goTo(step: string): void {
    if (this.steps.length === 0) return this.state.setState({ step })
    if (step === this.state.getState().step || !this.steps.some(({ name }) => name === step)) return
    this.state.setState({ step })
    this.prefetch()
  }

  /** Selects the token of a row, on this view and on every other. */
  selectRow(row: number): void {
    const last = this.rows - 1
    if (last < 0) return
    selectRow(this.session, Math.min(last, Math.max(0, row)))
  }

  /** Moves by steps, over the ends into the token before or behind; false at the ends of the text. */
  move(by: 1 | -1): boolean {
    const next = this.index + by
    const step = this.steps[next]
    if (step !== undefined) {
      this.goTo(step.name)
      return true
    }
    const row = this.row + by
    const edge = by > 0 ? this.steps[0] : this.steps.at(-1)
    if (edge === undefined || row < 0 || row >= this.rows) return false
    this.selectRow(row)
    this.goTo(edge.name)
    return true
  }

  /** To the same place of the layer behind or before; out of the layers, to the nearest end. */
  moveLayer(by: 1 | -1): void {
    const target = layerStep(this.steps, this.index, by)
    if (target !== null) this.goTo(target)
    else this.move(by)
  }

  moveToken(by: 1 | -1): void {
    this.selectRow(this.row + by)
  }

  /** Runs on to the next breakpoint, through the tokens; at the end of the text it stays on the last step. */
  runToBreakpoint(): void {
    const { breakpoints } = this.state.getState()
    this.pause()
    const target = nextBreakpoint(this.steps, breakpoints, this.index, this.row, this.rows)
    if (target === null) return
    if (target.row !== this.row) this.selectRow(target.row)
    this.goTo(target.step)
  }

  toggleBreakpoint(step: string): void {
    const { breakpoints } = this.state.getState()
    this.state.setState({
      breakpoints: breakpoints.includes(step)
        ? breakpoints.filter((name) => name !== step)
        : [...breakpoints, step],
    })
  }

  setBreakpoints(steps: readonly string[]): void {
    this.state.setState({ breakpoints: [...new Set(steps)] })
  }

  togglePlay(): void {
    if (this.state.getState().playing) this.pause()
    else this.play()
  }

  setPace(pace: number): void {
    this.state.setState({ pace })
    if (this.state.getState().playing) this.play()
  }

  /** Runs the forward again: its numbers are of the adapters and edits that hold now. */
  refresh(): void {
    this.wanted = null
    this.sync()
  }

  /** Says that values of a forward could not be read; of one that is gone, or gives way to another, it says nothing. */
  fail(source: StepsSource, error: unknown): void {
    const { source: shown, phase } = this.state.getState()
    if (shown !== source || phase.kind === 'reading') return
    this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
  }

  /** Opens the forward anew, under the edits this makes; null: under none. */
  runUnder(edits: (() => Promise<readonly Edit[]>) | null): void {
    this.edits = edits
    this.refresh()
  }

  private play(): void {
    clearInterval(this.timer)
    const { pace } = this.state.getState()
    this.state.setState({ playing: true })
    this.timer = setInterval(() => this.tick(), 1000 / pace)
  }

  private pause(): void {
    clearInterval(this.timer)
    if (this.state.getState().playing) this.state.setState({ playing: false })
  }

  private tick(): void {
    const { source, step, breakpoints } = this.state.getState()
    // A slow read is waited for: what plays is also seen.
    if (source === null || this.cache.peekRow(source, step, this.row) === null) return
    const moved = this.move(1)
    if (!moved || breakpoints.includes(this.state.getState().step)) this.pause()
  }

  /** A cell that is looked at stays in its column, of the token that is chosen now. */
  private followSelection(): void {
    const { cell } = this.state.getState()
    if (cell !== null) this.state.setState({ cell: { ...cell, row: this.row } })
  }

  /** Opens a forward over the text when a view wants one, the text rests and it is not the one at hand. */
  private sync(): void {
    const { app, log, model } = this.session
    const { run } = app.getState()
    if (model === null) {
      if (this.wanted !== null) void this.drop()
      return
    }
    // A forward of the model before is gone with it.
    if (this.wanted !== null && this.wanted.model !== model) void this.drop()
    const ids = readableIds(this.session)
    // One of another text holds memory for nothing once no view shows it.
    if (this.viewers === 0 && this.wanted !== null && !beginsWith(ids, this.wanted.ids)) void this.drop()
    if (this.viewers === 0 || isRunning(run)) return
    if (ids.length === 0 || log.modelId !== model.info.id) {
      if (this.wanted !== null) void this.drop()
      return
    }
    const { wanted } = this
    if (wanted !== null && wanted.model === model && sameIds(wanted.ids, ids)) return
    this.wanted = { model, ids, scales: null }
    void this.open(model, ids)
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

  private async open(model: Model, ids: readonly number[]): Promise<void> {
    const opening = ++this.opening
    this.pause()
    this.state.setState({ phase: { kind: 'reading', tokens: ids.length } })
    try {
      const scales = await scalesKey(model)
      if (opening === this.opening && this.wanted !== null) this.wanted.scales = scales
      const source = await openSteps(
        model,
        ids,
        (await this.edits?.()) ?? [],
        maskChoiceOf(this.session).mask,
      )
      if (opening !== this.opening) return await source.close()
      await this.show(source)
    } catch (error) {
      if (opening === this.opening)
        this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  private async show(source: StepsSource): Promise<void> {
    const previous = this.state.getState()
    this.cache.clear()
    const kept = source.steps.some(({ name }) => name === previous.step)
    this.state.setState({
      phase: { kind: 'ready' },
      source,
      step: kept ? previous.step : (source.steps[0]?.name ?? ''),
      breakpoints: previous.breakpoints.filter((name) => source.steps.some((step) => step.name === name)),
      cell: null,
    })
    this.prefetch()
    await previous.source?.close()
  }

  private async drop(): Promise<void> {
    this.opening += 1
    this.wanted = null
    this.pause()
    const { source } = this.state.getState()
    this.cache.clear()
    this.state.setState({ phase: { kind: 'empty' }, source: null, cell: null })
    try {
      // A model whose device is gone holds nothing any more, and says so.
      await source?.close()
    } catch (error) {
      this.session.report(error)
    }
  }

  /** Reads what is likely shown next: the neighbours, and what the formula of this step is made of. */
  private prefetch(): void {
    const { source } = this.state.getState()
    if (source === null) return
    const { steps, index } = this
    const near = [index, index + 1, index - 1, index + 2].flatMap((at) => steps[at] ?? [])
    const names = near.flatMap((step) => (step === near[0] ? [step.name, ...step.inputs] : [step.name]))
    for (const name of new Set(names)) {
      this.cache.readRow(source, name, this.row).catch((error: unknown) => this.fail(source, error))
    }
  }
}

/** The stepper of a page: one, whichever view asks. */
export const stepsOf = perSession((session) => new Steps(session))
