import { createStore } from 'zustand/vanilla'
import { adaptersOf } from '../../../state/adapters.ts'
import { isRunning } from '../../../state/app.ts'
import { editsOf } from '../edits/store.ts'
import { historyOf } from '../../../state/history.ts'
import { isSameRun, readPastRuns, writePastRuns, type SavedRun } from './pastRunsMemory.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

/** A text that was written, with everything it was written under. */
export interface PastRun extends SavedRun {
  id: number
}

/** The texts written in this tab, newest first: each can be put back with its prompt, settings, adapters and edits. */
export class PastRuns {
  readonly state = createStore<{ runs: readonly PastRun[] }>()(() => ({ runs: [] }))
  private readonly session: Session
  private serial = 0
  /** The run that a continuation of the text on the page belongs to. */
  private epoch: number | null = null

  constructor(session: Session) {
    this.session = session
    this.show(readPastRuns())
    this.save()
    session.app.subscribe((state, previous) => {
      if (isRunning(previous.run) && !isRunning(state.run)) this.save()
    })
  }

  /** Puts a run back onto the page, as one step of undo; another model than its own stays, and the views say so. */
  restore(run: PastRun): Promise<void> {
    const previous = this.read(0)
    return historyOf(this.session).perform('runs.did.restore', {
      redo: () => this.bringBack(run),
      undo: () => this.bringBack(previous),
    })
  }

  remove(id: number): void {
    this.put(this.state.getState().runs.filter((run) => run.id !== id))
  }

  clear(): void {
    this.put([])
  }

  /** The text on the page joins the list; one that goes on takes the place of its beginning. */
  private save(): void {
    const { log } = this.session
    const run = this.read(Date.now())
    if (run.log === null || run.log.tokens.length === 0) return
    const { runs } = this.state.getState()
    const [latest] = runs
    const goesOn = latest !== undefined && log.epoch === this.epoch && log.runStart > 0
    const isKnown = runs.some((other) => isSameRun(other, run))
    this.epoch = log.epoch
    if (isKnown) return
    this.put([{ ...run, id: this.serial++ }, ...(goesOn ? runs.slice(1) : runs)])
  }

  private read(at: number): SavedRun {
    const { app, log } = this.session
    const { prompt, modelId, settings } = app.getState()
    const adapters = adaptersOf(this.session)
    const { spans, scored } = adapters.text.state.getState()
    const snapshot = log.snapshot()
    return {
      at,
      prompt,
      modelId,
      settings: log.settings ?? settings,
      log: snapshot && { ...snapshot, tokens: snapshot.tokens.map((token) => ({ ...token, top: [] })) },
      spans,
      scored,
      adapters: adapters.arrangement,
      edits: editsOf(this.session).saved,
    }
  }

  private async bringBack({
    prompt,
    settings,
    log,
    spans,
    scored,
    adapters,
    edits,
  }: SavedRun): Promise<void> {
    const { session } = this
    session.app.setState({ prompt, settings })
    editsOf(session).bringBack(edits)
    session.showText(log)
    const page = adaptersOf(session)
    page.text.bringBack({ spans, scored })
    await page.arrange(adapters)
  }

  private show(saved: readonly SavedRun[]): void {
    this.state.setState({ runs: saved.map((run) => ({ ...run, id: this.serial++ })) })
  }

  private put(runs: readonly PastRun[]): void {
    this.state.setState({ runs: writePastRuns(runs) })
  }
}

/** The list of a page: one, which hears of runs by itself. */
export const pastRunsOf = perSession((session) => new PastRuns(session))
