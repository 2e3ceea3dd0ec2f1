import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { FinishReason, DraftModel, LoadProgress, Model, SpeculatedRound } from '../../../api/model.ts'
import type { NamedScale } from '../../../state/adapterScales.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { isRunning } from '../../../state/app.ts'
import { oncePerFrame } from '../../../state/frames.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'
import type { Settings } from '../../../state/settings.ts'
import { keepInLink } from './link.ts'
import { slotsOf, totalsOf, type RoundPlace } from '../../../analysis/speculatedRounds.ts'

export type SpeculatePhase =
  | { kind: 'empty' }
  | { kind: 'making'; progress: LoadProgress }
  | { kind: 'prefill'; done: number; total: number }
  | { kind: 'running' }
  | { kind: 'done'; reason: FinishReason }
  | { kind: 'stopped' }
  | { kind: 'failed'; error: ErrorData }

/** What the rounds on show were made with. */
export interface SpeculateRun {
  draft: DraftModel
  ahead: number
  prompt: string
  settings: Settings
  /** The adapters the model ran under; draft models run without any. */
  scales: readonly NamedScale[]
}

/** A part of a run, measured on the page from the end of the prompt to the last token. */
export interface Measured {
  tokens: number
  ms: number
}

export interface SpeculateState {
  draft: DraftModel['kind']
  layers: number
  ahead: number
  phase: SpeculatePhase
  shown: SpeculateRun | null
  selected: RoundPlace | null
  /** Of the rounds on show; null before any. */
  speed: Measured | null
  /** A plain run of the same prompt, settings and length; null until one was asked for. */
  plain: Measured | null
  measuring: boolean
  /** Counts up as rounds arrive. */
  version: number
}

/** Alternatives captured with every token. */
const CAPTURED = 10

/** Speculative decoding of the page's prompt. Rounds are outside the store; `version` says they grew. */
export class Speculation {
  readonly state = createStore<SpeculateState>()(() => ({
    draft: 'prompt-lookup',
    layers: 3,
    ahead: 4,
    phase: { kind: 'empty' },
    shown: null,
    selected: null,
    speed: null,
    plain: null,
    measuring: false,
    version: 0,
  }))
  readonly rounds: SpeculatedRound[] = []
  private readonly session: Session
  private readonly now: () => number
  private model: Model | null = null
  private promptIds: readonly number[] = []
  private controller: AbortController | null = null
  /** Counts runs, plain ones included; what arrives for an older one is dropped. */
  private run = 0
  /** However fast rounds come, one render a frame. */
  private readonly bumpSoon = oncePerFrame(() => this.bump())

  constructor(session: Session, now: () => number) {
    this.session = session
    this.now = now
    this.adopt()
    session.app.subscribe(({ model }, previous) => {
      if (model !== previous.model) this.adopt()
    })
  }

  get working(): boolean {
    const { phase, measuring } = this.state.getState()
    return measuring || phase.kind === 'making' || phase.kind === 'prefill' || phase.kind === 'running'
  }

  stop(): void {
    this.controller?.abort()
  }

  /** Writes from the page's prompt with the draft model as chosen. */
  async start(): Promise<void> {
    const { model } = this.session
    if (model === null) return
    const { run, signal } = this.begin()
    const { settings, prompt } = this.session.app.getState()
    const { ahead } = this.state.getState()
    const { scales } = adaptersOf(this.session)
    const shown: SpeculateRun = { draft: this.chosenDraft(), ahead, prompt, settings, scales }
    this.rounds.length = 0
    this.state.setState({
      phase: { kind: 'prefill', done: 0, total: 0 },
      shown,
      selected: null,
      speed: null,
      plain: null,
    })
    this.bump()
    try {
      this.promptIds = await encodePrompt(model, prompt, this.session.app.getState())
      if (run !== this.run) return
      await this.consume(run, model, shown, signal)
      // A draft model that was made for this run takes room.
      const memory = await model.memory()
      if (run === this.run) this.session.app.setState({ memory })
    } catch (error) {
      this.failed(run, error)
    }
  }

  /** Writes as many tokens of the same prompt one by one, only for their speed. */
  async measurePlain(): Promise<void> {
    const { model } = this.session
    const { shown } = this.state.getState()
    if (model === null || shown === null || this.rounds.length === 0) return
    const { run, signal } = this.begin()
    this.state.setState({ measuring: true, plain: null })
    try {
      const plain = await this.runPlain(model, shown, signal)
      if (run === this.run) this.state.setState({ measuring: false, plain })
    } catch (error) {
      if (run !== this.run) return
      this.state.setState({ measuring: false })
      if (toErrorData(error).code !== 'aborted') this.session.report(error)
    }
  }

  /** Selects the place next to the selected one; from nowhere, forwards starts at the first. */
  walk(by: number): void {
    const places = this.rounds.flatMap((round) =>
      slotsOf(round).map((_, slot): RoundPlace => ({ round: round.index, slot })),
    )
    const { selected } = this.state.getState()
    const at = places.findIndex((place) => place.round === selected?.round && place.slot === selected.slot)
    const next = at < 0 ? (by > 0 ? 0 : places.length - 1) : at + by
    this.state.setState({ selected: places[Math.min(places.length - 1, Math.max(0, next))] ?? null })
  }

  /** Where a generated token stands in the rounds. */
  placeOf(index: number): RoundPlace | null {
    for (const { index: round, tokens } of this.rounds) {
      const slot = tokens.findIndex((token) => token.index === index)
      if (slot >= 0) return { round, slot }
    }
    return null
  }

  private chosenDraft(): DraftModel {
    const { draft: kind, layers } = this.state.getState()
    return kind === 'first-layers' ? { kind, layers } : { kind }
  }

  /** A new run: whatever the page or this view was writing ends. */
  private begin(): { run: number; signal: AbortSignal } {
    const { session } = this
    this.stop()
    if (isRunning(session.app.getState().run)) session.stop()
    this.controller = new AbortController()
    this.run += 1
    this.state.setState({ measuring: false })
    return { run: this.run, signal: this.controller.signal }
  }

  private async consume(
    run: number,
    model: Model,
    { draft, ahead, settings }: SpeculateRun,
    signal: AbortSignal,
  ): Promise<void> {
    const { repetitionPenalty: _, ...sampling } = settings
    let startedAt = 0
    const stream = model.speculate(this.promptIds, {
      ...sampling,
      draft,
      ahead,
      topLogprobs: Math.min(CAPTURED, model.info.vocab),
      signal,
      onProgress: (progress) => {
        if (run === this.run && this.rounds.length === 0) this.setPhase({ kind: 'making', progress })
      },
      onPrefill: (done, total) => {
        startedAt = this.now()
        if (run === this.run) this.setPhase({ kind: 'prefill', done, total })
      },
    })
    let tokens = 0
    for await (const round of stream) {
      if (run !== this.run) return
      if (this.rounds.length === 0) this.setPhase({ kind: 'running' })
      this.rounds.push(round)
      tokens += round.tokens.length
      this.state.setState({ speed: { tokens, ms: this.now() - startedAt } })
      this.bumpSoon()
    }
    if (run !== this.run) return
    const reason = this.rounds.at(-1)?.tokens.at(-1)?.finish ?? 'abort'
    this.setPhase(reason === 'abort' ? { kind: 'stopped' } : { kind: 'done', reason })
    this.bump()
  }

  private async runPlain(model: Model, { settings }: SpeculateRun, signal: AbortSignal): Promise<Measured> {
    const { tokens: maxTokens } = totalsOf(this.rounds)
    let [startedAt, endedAt, tokens] = [0, 0, 0]
    const stream = model.generate(this.promptIds, {
      ...settings,
      repetitionPenalty: 1,
      maxTokens,
      topLogprobs: Math.min(CAPTURED, model.info.vocab),
      signal,
      onPrefill: () => (startedAt = this.now()),
    })
    for await (const token of stream) {
      endedAt = this.now()
      tokens = token.index + 1
    }
    return { tokens, ms: endedAt - startedAt }
  }

  private setPhase(phase: SpeculatePhase): void {
    this.state.setState({ phase })
  }

  private failed(run: number, error: unknown): void {
    if (run !== this.run) return
    const data = toErrorData(error)
    this.setPhase(data.code === 'aborted' ? { kind: 'stopped' } : { kind: 'failed', error: data })
    this.bump()
  }

  /** The rounds are of one model; another one starts anew, within its own layers. */
  private adopt(): void {
    const { model } = this.session
    if (model === this.model) return
    this.model = model
    this.stop()
    this.run += 1
    this.rounds.length = 0
    const { draft, layers } = this.state.getState()
    const deepest = model === null ? Infinity : model.info.layers - 1
    this.state.setState({
      layers: Math.max(1, Math.min(layers, deepest)),
      draft: draft === 'first-layers' && deepest === 0 ? 'prompt-lookup' : draft,
      phase: { kind: 'empty' },
      shown: null,
      selected: null,
      speed: null,
      plain: null,
      measuring: false,
    })
    this.bump()
  }

  private bump(): void {
    this.state.setState(({ version }) => ({ version: version + 1 }))
  }
}

/** The speculation of a page: one, whichever panel asks. */
export const speculationOf = perSession((session) => {
  const speculation = new Speculation(session, () => performance.now())
  keepInLink(session, speculation)
  return speculation
})
