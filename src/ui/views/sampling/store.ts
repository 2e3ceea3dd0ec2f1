import { createStore } from 'zustand/vanilla'
import { randomUniform } from '../../../maths/rng.ts'
import { orderAll } from '../../../maths/fullRanking.ts'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { GeneratedToken, Model, SamplingOptions } from '../../../api/model.ts'
import { isRunning } from '../../../state/app.ts'
import { plainRow, type PlainRow } from '../../../analysis/samplingStages.ts'
import { askNext, sentRow } from './sentRow.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

/** The settings the explorer moves. */
export const EXPLORER_SETTINGS = ['repetitionPenalty', 'temperature', 'topK', 'topP', 'minP'] as const
export type ExplorerSetting = (typeof EXPLORER_SETTINGS)[number]

/** One place of the text where a token is drawn. */
export interface ExplorerPlace {
  /** Among the generated tokens; behind the last one, the token that would come next. */
  index: number
  /** What was written there; null for the next token. */
  token: GeneratedToken | null
  plain: PlainRow
  /** Ids before it, which the penalty reads. */
  contextIds: readonly number[]
  /** Settings of the run that wrote it, or those the next run would have. */
  settings: Readonly<SamplingOptions>
  /** The number of that draw, in [0, 1). */
  random: number
  /** Null when the token was drawn by that number; a greedy one, one put there, and the next one only could have been. */
  undrawn: 'greedy' | 'put' | 'next' | 'elsewhere' | null
  /** The logits were computed again: they had left the engine's buffer. */
  recomputed: boolean
}

export type ExplorerPhase =
  { kind: 'empty' } | { kind: 'reading' } | { kind: 'ready' } | { kind: 'failed'; error: ErrorData }

export interface ExplorerState {
  phase: ExplorerPhase
  /** What is on show; a new object for every place. */
  place: ExplorerPlace | null
  /** Looks at the token that would come next instead of the selected one. */
  next: boolean
  /** Settings moved here; the others are as in the run. */
  moved: Partial<Pick<SamplingOptions, ExplorerSetting>>
  /** Draws made here; the last of them is on show, and with none the run's own. */
  draws: number
}

/**
 * The sampling view: one row of logits, read once, and what settings make of it. Nothing here changes the page's own settings. Reads
 * only while a view looks and no text is being written.
 */
export class SamplingExplorer {
  readonly state = createStore<ExplorerState>()(() => ({
    phase: { kind: 'empty' },
    place: null,
    next: false,
    moved: {},
    draws: 0,
  }))
  private readonly session: Session
  private viewers = 0
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0
  private wanted = ''
  /** Epoch of the text that the place on show belongs to. */
  private epoch = -1

  constructor(session: Session) {
    this.session = session
    session.app.subscribe((state, previous) => {
      const moved =
        state.pinned !== previous.pinned || state.model !== previous.model || state.run !== previous.run
      if (moved || (this.state.getState().next && state.settings !== previous.settings)) this.sync()
    })
    session.log.subscribe(() => this.sync())
  }

  /** Reads while a view looks; returns the function that lets go. */
  watch(): () => void {
    this.viewers += 1
    this.sync()
    return () => {
      this.viewers -= 1
    }
  }

  /** Looks at the next token, or back at the selected one. */
  lookAhead(next: boolean): void {
    this.state.setState({ next, draws: 0 })
    this.sync()
  }

  move(name: ExplorerSetting, value: number): void {
    this.state.setState(({ moved }) => ({ moved: { ...moved, [name]: value } }))
  }

  /** Settings and random number as in the run. */
  reset(): void {
    this.state.setState({ moved: {}, draws: 0 })
  }

  draw(count: number): void {
    this.state.setState(({ draws }) => ({ draws: draws + count }))
  }

  /** Tries again after a failure. */
  refresh(): void {
    this.wanted = ''
    this.sync()
  }

  private sync(): void {
    const { app, log, model } = this.session
    if (model === null || log.modelId !== model.info.id || log.promptIds.length === 0) return this.drop()
    const { run, pinned, settings } = app.getState()
    if (this.viewers === 0 || isRunning(run)) return
    const last = log.tokens.length
    const { next } = this.state.getState()
    const index = next || last === 0 ? last : Math.min(pinned ?? last - 1, last - 1)
    const shaping =
      index === last ? EXPLORER_SETTINGS.map((name) => settings[name]).join() + settings.seed : ''
    const wanted = `${log.epoch}:${last}:${index}:${shaping}`
    if (wanted === this.wanted) return
    this.wanted = wanted
    void this.read(model, index)
  }

  private async read(model: Model, index: number): Promise<void> {
    const { session } = this
    const run = ++this.run
    const { epoch } = session.log
    this.state.setState({ phase: { kind: 'reading' } })
    try {
      const contextIds = session.log.idsBefore(index)
      const cached = this.knownLogits(index, contextIds)
      const logits = cached ?? (await this.readLogits(model, index, contextIds))
      if (run !== this.run) return
      const order = logits.plain?.order ?? orderAll(logits.data)
      // Sorting a large vocabulary is a task of its own: the page breathes before the next.
      if (logits.plain === null) await new Promise((resolve) => setTimeout(resolve))
      if (run !== this.run) return
      const plain = logits.plain ?? plainRow(order)
      const place = { ...this.drawAt(index), index, plain, contextIds, recomputed: logits.recomputed }
      this.epoch = epoch
      this.state.setState({ phase: { kind: 'ready' }, place, draws: 0 })
    } catch (error) {
      if (run === this.run)
        this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) }, place: null })
    }
  }

  /** The row on show when only settings have changed around it. */
  private knownLogits(index: number, contextIds: readonly number[]) {
    const { place } = this.state.getState()
    const { tokens, epoch } = this.session.log
    if (place?.index !== index || index < tokens.length || epoch !== this.epoch) return null
    if (
      place.contextIds.length !== contextIds.length ||
      place.contextIds.some((id, i) => id !== contextIds[i])
    )
      return null
    return { data: place.plain.order.logits, recomputed: place.recomputed, plain: place.plain }
  }

  private async readLogits(model: Model, index: number, contextIds: readonly number[]) {
    const { session } = this
    if (model.info.remote) return this.readSent(model, index, contextIds)
    if (index < session.log.tokens.length) return { ...(await session.tokenLogits(index)), plain: null }
    // The next token is not written yet: nothing was captured that had to be computed again.
    return { ...(await model.logitsAt(contextIds)), recomputed: false, plain: null }
  }

  /** Of an engine elsewhere: what it sent with the token. */
  private async readSent(model: Model, index: number, contextIds: readonly number[]) {
    const token = this.session.log.tokens[index]
    const drawn = token !== undefined && !Number.isNaN(token.logprob) ? [token] : []
    const top = token?.top ?? (await askNext(model, contextIds))
    const plain = sentRow([...top, ...drawn], model.info.vocab)
    return { data: plain.order.logits, recomputed: false, plain }
  }

  /** The settings and the number of a draw: the run's that made it, or the next run's first. */
  private drawAt(index: number): Pick<ExplorerPlace, 'token' | 'settings' | 'random' | 'undrawn'> {
    const { log, app } = this.session
    const token = log.tokens[index] ?? null
    const pageSettings = app.getState().settings
    if (token === null)
      return { token, settings: pageSettings, random: randomUniform(pageSettings.seed, 0), undrawn: 'next' }
    const settings = log.settings ?? pageSettings
    const put = this.session.model?.info.remote ? 'elsewhere' : 'put'
    const undrawn = token.random !== null ? null : settings.temperature === 0 ? 'greedy' : put
    const random = token.random ?? randomUniform(settings.seed, Math.max(0, index - log.runStart))
    return { token, settings, random, undrawn }
  }

  private drop(): void {
    if (this.wanted === '') return
    this.run += 1
    this.wanted = ''
    this.state.setState({ phase: { kind: 'empty' }, place: null, draws: 0 })
  }
}

/** Puts another token at a place and lets the model write on behind it; the text it leaves stays as a branch. */
export async function continueWith(
  session: Session,
  { index }: Pick<ExplorerPlace, 'index'>,
  id: number,
): Promise<void> {
  const { branchesOf } = await import('../branches/store.ts')
  const branches = branchesOf(session)
  const parent = branches.currentPath()[session.log.promptIds.length + index - 1]
  if (parent === undefined) return
  await branches.grow(parent, [id])
  const node = branches.selected()
  if (node?.id === id && node.parent === parent) await branches.continueFrom(node)
}

/** The options on show: the run's with what was moved. */
export function explorerOptions({ place, moved }: ExplorerState): SamplingOptions | null {
  if (place === null) return null
  const { temperature, topK, topP, minP, repetitionPenalty, seed } = place.settings
  return { temperature, topK, topP, minP, repetitionPenalty, seed, ...moved }
}

/** The explorer of a page: one, whichever panel asks. */
export const samplingExplorerOf = perSession((session) => new SamplingExplorer(session))
