import { createStore } from 'zustand/vanilla'
import type { LensCell, Model } from '../../../api/model.ts'
import { isRunning } from '../../../state/app.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { readableIds } from '../../../state/textIdentity.ts'
import type { RunTiming } from '../../../state/tokenLog.ts'

/** What every layer predicts behind the newest token that was followed. */
export interface LiveColumn {
  position: number
  /** The token at that position. */
  text: string
  id: number
  cells: readonly LensCell[]
  /** Texts of the most probable tokens. */
  texts: ReadonlyMap<number, string>
}

/** What following has cost the run, as measured: tokens and milliseconds while a column was read, and between two. */
export interface LiveCost {
  columns: number
  whileReading: { tokens: number; ms: number }
  between: { tokens: number; ms: number }
  /** Of the last column. */
  lastMs: number
}

export interface LiveState {
  on: boolean
  /** Of the run under way or the last one; null before its first column. */
  column: LiveColumn | null
  cost: LiveCost
  /** Tokens from which on the run was not followed, because columns took too long; null while it is. */
  beyond: number | null
}

interface Moment {
  /** Milliseconds. */
  at: number
  /** On the page by then. */
  tokens: number
}

/** Alternatives captured with a live cell. */
const LIVE_TOP = 3
/** Milliseconds between two columns at least. */
const MIN_INTERVAL_MS = 300
/**
 * Rest after a column, in columns: reading takes at most a tenth of the time, so that even a GPU that does nothing else meanwhile
 * loses no more than a tenth of its tokens.
 */
const REST_COLUMNS = 9
/** What the first column ever is taken to last at most, in milliseconds: it compiles kernels. */
const MAX_FIRST_MS = 100
/** A column that takes longer, twice in a row, holds the stream up visibly: the rest of the run goes without. */
const MAX_COLUMN_MS = 250

const NO_COST: LiveCost = {
  columns: 0,
  whileReading: { tokens: 0, ms: 0 },
  between: { tokens: 0, ms: 0 },
  lastMs: 0,
}

/** Share of the tokens per second that following took; null until enough was measured on both sides. */
export function slowdown({ whileReading, between }: LiveCost): number | null {
  if (between.tokens < 8 || whileReading.ms === 0) return null
  const undisturbed = between.tokens / between.ms
  const all = (between.tokens + whileReading.tokens) / (between.ms + whileReading.ms)
  return Math.max(0, 1 - all / undisturbed)
}

const grow = (sum: { tokens: number; ms: number }, from: Moment, to: Moment) => ({
  tokens: sum.tokens + to.tokens - from.tokens,
  ms: sum.ms + to.at - from.at,
})

/** Follows a run with the logit lens of its newest token, at a pace that leaves the run its speed. */
export class LiveLens {
  readonly state = createStore<LiveState>()(() => ({ on: true, column: null, cost: NO_COST, beyond: null }))
  private readonly session: Session
  private readonly now: () => number
  private viewers = 0
  private prepared: Model | null = null
  /** The run that is followed; another object for every run. */
  private timing: RunTiming | null = null
  private busy = false
  private nextAt = 0
  /** What a column takes, in milliseconds: the quicker of the last two. */
  private usual = 0
  /** Columns in a row that took too long. */
  private long = 0
  /** Until when the run has been measured; null while no view shows it. */
  private last: Moment | null = null

  constructor(session: Session, now: () => number = () => performance.now()) {
    this.session = session
    this.now = now
    session.log.subscribe(() => this.sync())
    session.app.subscribe((state, previous) => {
      if (isRunning(previous.run) && !isRunning(state.run)) this.endRun()
    })
  }

  /** Follows while a view looks; returns the function that lets go. */
  watch(): () => void {
    this.viewers += 1
    this.last = null
    void this.prepare()
    return () => {
      this.viewers -= 1
    }
  }

  follow(on: boolean): void {
    this.last = null
    this.state.setState(on ? { on, beyond: null } : { on, column: null })
  }

  /** Has the kernels of a column compiled while nothing runs: the first one then costs a run no more than the others. */
  private async prepare(): Promise<void> {
    const { app, log, model } = this.session
    const ids = readableIds(this.session)
    if (model === null || model === this.prepared || log.modelId !== model.info.id) return
    if (ids.length < 2 || !this.state.getState().on || isRunning(app.getState().run)) return
    this.prepared = model
    try {
      await model.lens(ids, { positions: [ids.length - 1], topK: LIVE_TOP, cached: true })
    } catch (error) {
      this.session.report(error)
    }
  }

  private sync(): void {
    const { app, log, model } = this.session
    if (log.timing !== this.timing) this.startRun(log.timing)
    const { on, beyond } = this.state.getState()
    if (!on || beyond !== null || this.viewers === 0 || this.busy || model === null) return
    if (!isRunning(app.getState().run) || (log.timing?.firstTokenAt ?? null) === null) return
    this.last ??= { at: this.now(), tokens: log.tokens.length }
    if (this.now() >= this.nextAt) void this.read(model, readableIds(this.session))
  }

  private startRun(timing: RunTiming | null): void {
    this.timing = timing
    this.rest()
    this.long = 0
    this.last = null
    const { lastMs } = this.state.getState().cost
    this.state.setState({ column: null, cost: { ...NO_COST, lastMs }, beyond: null })
  }

  /** What was written behind the last column counts too. */
  private endRun(): void {
    const { log } = this.session
    const at = log.timing?.lastTokenAt ?? null
    const { last } = this
    if (at !== null && last !== null && at > last.at)
      this.state.setState(({ cost }) => ({
        cost: { ...cost, between: grow(cost.between, last, { at, tokens: log.tokens.length }) },
      }))
    this.last = null
  }

  /** No column for so long that the next takes no more than its share; a new run expects what the last one saw. */
  private rest(): void {
    this.nextAt = this.now() + Math.max(MIN_INTERVAL_MS, REST_COLUMNS * this.usual)
  }

  private async read(model: Model, ids: readonly number[]): Promise<void> {
    const { timing } = this
    const { log } = this.session
    this.busy = true
    const began: Moment = { at: this.now(), tokens: log.tokens.length }
    try {
      const position = ids.length - 1
      const { cells } = await model.lens(ids, { positions: [position], topK: LIVE_TOP, cached: true })
      const ended: Moment = { at: this.now(), tokens: log.tokens.length }
      const texts = await this.spell(ids, cells)
      if (timing !== this.timing || !this.state.getState().on) return
      const text = log.tokens[position - log.promptIds.length]?.text ?? ''
      this.count(began, ended, ids.length)
      this.state.setState({ column: { position, text, id: ids[position] ?? 0, cells, texts } })
    } catch (error) {
      if (timing !== this.timing) return
      this.follow(false)
      this.session.report(error)
    } finally {
      this.busy = false
    }
  }

  /** Adds a column to the measurement, and sets when the next may begin. */
  private count(began: Moment, ended: Moment, length: number): void {
    const { cost } = this.state.getState()
    const lastMs = ended.at - began.at
    this.usual = Math.min(lastMs, cost.lastMs === 0 ? MAX_FIRST_MS : cost.lastMs)
    this.rest()
    this.long = lastMs > MAX_COLUMN_MS ? this.long + 1 : 0
    this.state.setState({
      beyond: this.long >= 2 ? length : null,
      cost: {
        columns: cost.columns + 1,
        lastMs,
        whileReading: grow(cost.whileReading, began, ended),
        between: this.last === null ? cost.between : grow(cost.between, this.last, began),
      },
    })
    this.last = ended
  }

  private async spell(
    ids: readonly number[],
    cells: readonly LensCell[],
  ): Promise<ReadonlyMap<number, string>> {
    const tops = [...new Set(cells.flatMap(({ top }) => top.map(({ id }) => id)))]
    return new Map(
      await Promise.all(tops.map(async (id) => [id, await this.session.lookUpText(ids, id)] as const)),
    )
  }
}

/** The live lens of a page: one, whichever panel asks. */
export const liveLensOf = perSession((session) => new LiveLens(session))
