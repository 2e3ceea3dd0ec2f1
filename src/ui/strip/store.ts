import { createStore } from 'zustand/vanilla'
import type { LensCell, Model } from '../../api/model.ts'
import { adaptersOf } from '../../state/adapters.ts'
import { isRunning } from '../../state/app.ts'
import { perSession } from '../../state/perSession.ts'
import type { Session } from '../../state/session.ts'
import { readableIds } from '../../state/textIdentity.ts'
import { sameSelection, selectedRow } from '../../state/selection.ts'

/** The most likely next token of one layer; of an encoder that of the row's own place. */
export interface StripCell {
  /** −1 is the embedding. */
  layer: number
  id: number
  text: string
  probability: number
}

/** What the layers predict after row `row`; `ids` ends with the token of that row. */
export interface StripLine {
  row: number
  ids: readonly number[]
  cells: readonly StripCell[]
}

/** Why there is nothing to show. */
export type Absence = 'no-model' | 'no-text' | 'running' | 'other-model' | 'failed'

export interface StripState {
  line: StripLine | null
  absence: Absence | null
  isReading: boolean
}

/** Milliseconds a selection rests before it is read: moving on within that time reads nothing. */
const DEBOUNCE_MS = 160
/** Lines kept. */
const CACHE_SIZE = 64

/** Reads the logit lens of only the selected token, while the text rests and the strip is on show. */
export class LensStrip {
  readonly state = createStore<StripState>()(() => ({ line: null, absence: 'no-text', isReading: false }))
  private readonly session: Session
  private readonly kept = new Map<string, readonly StripCell[]>()
  private model: Model | null = null
  private viewers = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0

  constructor(session: Session) {
    this.session = session
    session.app.subscribe((state, previous) => {
      if (state.model !== previous.model || state.run !== previous.run || !sameSelection(state, previous))
        this.sync()
    })
    session.log.subscribe(() => this.sync())
    adaptersOf(session).state.subscribe(() => this.sync())
  }

  /** Reads while a strip is on show; returns the function that lets go. */
  watch(): () => void {
    this.viewers += 1
    this.sync()
    return () => {
      this.viewers -= 1
    }
  }

  private sync(): void {
    clearTimeout(this.timer)
    this.run += 1
    if (this.viewers === 0) return
    const absence = this.absence()
    if (absence !== null) {
      this.notify({ line: null, absence, isReading: false })
      return
    }
    this.notify({ absence: null, isReading: true })
    this.timer = setTimeout(() => void this.read(), DEBOUNCE_MS)
  }

  private absence(): Absence | null {
    const { app, log, model } = this.session
    if (model === null) return 'no-model'
    if (isRunning(app.getState().run)) return 'running'
    if (log.promptIds.length + log.tokens.length === 0) return 'no-text'
    return log.modelId === model.info.id ? null : 'other-model'
  }

  private async read(): Promise<void> {
    const { model } = this.session
    if (model === null) return
    const run = ++this.run
    const all = readableIds(this.session)
    const row = selectedRow(this.session, all.length)
    const contextIds = all.slice(0, row + 1)
    // Rows of an encoder see what follows.
    const ids = model.info.tasks.includes('generate') ? contextIds : all
    try {
      // The adapters are those the engine has, whichever view set them.
      const scales = (await model.listAdapters()).map(({ id, scale }) => `${id}:${scale}`)
      const key = `${scales.join(' ')}|${row}|${ids.join(' ')}`
      if (this.model !== model) this.kept.clear()
      this.model = model
      const cells = this.kept.get(key) ?? (await this.readCells(model, ids, row))
      this.cacheLine(key, cells)
      if (run === this.run)
        this.notify({ line: { row, ids: contextIds, cells }, absence: null, isReading: false })
    } catch (error) {
      if (run !== this.run) return
      this.notify({ line: null, absence: 'failed', isReading: false })
      this.session.report(error)
    }
  }

  private async readCells(model: Model, ids: readonly number[], row: number): Promise<readonly StripCell[]> {
    const { cells } = await model.lens(ids, { positions: [row], topK: 1, cached: ids.length === row + 1 })
    const pending = cells.map((cell) => this.spell(ids.slice(0, row + 1), cell))
    return (await Promise.all(pending)).filter((cell) => cell !== null)
  }

  private async spell(ids: readonly number[], { layer, top }: LensCell): Promise<StripCell | null> {
    const best = top[0]
    if (best === undefined) return null
    return { layer, ...best, text: await this.session.lookUpText(ids, best.id) }
  }

  private cacheLine(key: string, cells: readonly StripCell[]): void {
    this.kept.delete(key)
    this.kept.set(key, cells)
    const [oldest] = this.kept.keys()
    if (this.kept.size > CACHE_SIZE && oldest !== undefined) this.kept.delete(oldest)
  }

  private notify(next: Partial<StripState>): void {
    const current = this.state.getState()
    const changed = (Object.keys(next) as (keyof StripState)[]).some((name) => next[name] !== current[name])
    if (changed) this.state.setState(next)
  }
}

/** The strip of a page: one, wherever it is shown. */
export const lensStripOf = perSession((session) => new LensStrip(session))
