import { createStore } from 'zustand/vanilla'
import { toErrorData } from '../errors.ts'
import { addSpan, sameScales, type NamedScale, type ScalesSpan } from './adapterScales.ts'
import { readSpans, writeSpans } from './adapterMemory.ts'
import { isRunning } from './app.ts'
import type { Session } from './session.ts'
import { readableIds } from './textIdentity.ts'

export interface TextScalesState {
  /** What wrote which tokens of the text on the page; empty while nothing is known. */
  spans: readonly ScalesSpan[]
  /** The scales whose probabilities the tokens carry; null: each token its own run's. */
  scored: readonly NamedScale[] | null
  /** The text is being read under these scales; `done` of its tokens are. */
  scoring: { tokens: number; done: number; scales: readonly NamedScale[] } | null
}

type Provenance = Pick<TextScalesState, 'spans' | 'scored'>

/** Texts of which it is known who wrote them; older ones are forgotten. */
const MAX_KNOWN = 100
/** Milliseconds a moved slider rests before the text is read again. */
const DEBOUNCE_MS = 160

/** Keeps account of the scales the text on the page was written under, and reads that text again when they change. */
export class TextScales {
  readonly state = createStore<TextScalesState>()(() => ({
    spans: [],
    scored: null,
    scoring: null,
  }))
  private readonly session: Session
  private readonly current: () => readonly NamedScale[]
  private timing: object | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Counts runs; a late one is dropped. */
  private run = 0
  private stale = false
  /** Who wrote the texts of this visit, by their tokens and the probabilities those carry. */
  private readonly provenances = new Map<string, Provenance>()
  /** The scales of this tab's text before a reload, until a text is there that they may belong to. */
  private saved = readSpans()

  constructor(session: Session, current: () => readonly NamedScale[]) {
    this.session = session
    this.current = current
    this.restore()
    session.textShown = () => this.bringBack(this.provenances.get(this.key()) ?? { spans: [], scored: null })
    session.log.subscribe(() => this.followLog())
    session.app.subscribe((state, previous) => {
      if (!isRunning(previous.run) || isRunning(state.run)) return
      this.remember()
      if (this.stale || !this.isUniform()) this.readAgain()
    })
  }

  /** A text of before is back on the page: what it was written under, and whose probabilities its tokens carry. */
  bringBack(scales: Provenance): void {
    this.state.setState(scales)
    this.remember()
    if (scales.spans.length > 0) this.scalesChanged()
    else this.forgetReading()
  }

  /** The scales have changed: what stands on the page is read again once things are at rest. */
  scalesChanged(): void {
    this.forgetReading()
    this.stale = true
    this.timer = setTimeout(() => this.readAgain(), DEBOUNCE_MS)
  }

  private forgetReading(): void {
    clearTimeout(this.timer)
    this.run += 1
    this.state.setState({ scoring: null })
  }

  /** A new object of timing means a run has begun; an empty text with none means it was cleared or restored. */
  private followLog(): void {
    const { log } = this.session
    if (log.timing === null) this.restore()
    if (log.timing === null || log.timing === this.timing) return
    this.timing = log.timing
    this.saved = null
    this.run += 1
    const scales = this.session.model?.info.remote ? [] : this.current()
    const spans = log.runStart === 0 ? [] : this.state.getState().spans
    this.state.setState({ spans: addSpan(spans, { from: log.runStart, scales }), scoring: null })
    if (log.runStart === 0) this.state.setState({ scored: null })
  }

  private restore(): void {
    const { log } = this.session
    const { saved } = this
    this.timing = log.timing
    if (log.timing === null) {
      if (saved === null || log.tokens.length === 0) return
      this.saved = null
      if (saved.tokens === log.tokens.length)
        this.state.setState({ spans: saved.spans, scored: saved.scored })
    } else if (log.timing !== null) {
      this.state.setState({ spans: [{ from: 0, scales: this.current() }] })
    }
  }

  private remember(): void {
    const { spans, scored } = this.state.getState()
    writeSpans({ tokens: this.session.log.tokens.length, spans, scored })
    this.provenances.set(this.key(), { spans, scored })
    const [oldest] = this.provenances.keys()
    if (oldest !== undefined && this.provenances.size > MAX_KNOWN) this.provenances.delete(oldest)
  }

  private key(): string {
    const { modelId, promptIds, tokens } = this.session.log
    return `${modelId} ${promptIds.join()} ${tokens.map(({ id, logprob }) => `${id}:${logprob}`).join()}`
  }

  /** True when all tokens carry probabilities of the same scales. */
  private isUniform(): boolean {
    const { spans, scored } = this.state.getState()
    return scored === null ? spans.length <= 1 : spans.every(({ scales }) => sameScales(scales, scored))
  }

  private readAgain(): void {
    const { session } = this
    const { model, log } = session
    if (isRunning(session.app.getState().run)) return
    this.stale = false
    if (model === null || model.info.remote || log.modelId !== model.info.id || log.tokens.length === 0)
      return
    const scales = this.current()
    const { spans, scored } = this.state.getState()
    const shown = scored ?? (spans.length === 1 ? spans[0]?.scales : undefined)
    if (shown !== undefined && sameScales(shown, scales)) return
    const ids = readableIds(session)
    const run = (this.run += 1)
    this.score(run, ids, scales).catch((error: unknown) => {
      if (run === this.run) this.state.setState({ scoring: null })
      // Adapters that change while the text is read have it read again once they are at rest.
      if (toErrorData(error).code !== 'aborted') session.report(error)
    })
  }

  private async score(run: number, ids: readonly number[], scales: readonly NamedScale[]): Promise<void> {
    const { model, log } = this.session
    if (model === null) return
    const epoch = log.epoch
    const show = (done: number): void =>
      this.state.setState({ scoring: { tokens: ids.length, done, scales } })
    show(0)
    const scores: number[] = []
    // Omitted adapters mean the scales as they are set, merged ones included.
    for await (const chunk of model.score(ids, { topLogprobs: 0 })) {
      if (run !== this.run || epoch !== log.epoch) return
      for (const { position, logprob } of chunk) if (position >= log.promptIds.length) scores.push(logprob)
      show((chunk.at(-1)?.position ?? 0) + 1)
    }
    if (run !== this.run || epoch !== log.epoch) return
    log.rescore(scores)
    this.state.setState({ scoring: null, scored: scales })
    this.remember()
  }
}
