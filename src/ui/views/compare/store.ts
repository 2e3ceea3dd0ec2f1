import { createStore } from 'zustand/vanilla'
import type { ComparedToken, Lens, Model, TensorData } from '../../../api/model.ts'
import { toErrorData, TokenscopeError } from '../../../errors.ts'
import { scalesOf, type NamedScale } from '../../../state/adapterScales.ts'
import { adaptersOf, type Adapters } from '../../../state/adapters.ts'
import { readAnatomy } from '../../../analysis/anatomy.ts'
import { divergences, SCORE_LIMIT, scoreBoth, type ScoredPosition } from '../../../analysis/divergence.ts'
import { isRunning } from '../../../state/app.ts'
import { oncePerFrame } from '../../../state/frames.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'

/** Which adapters a side runs under: none, all at their scales, or one adapter (`only:<id>`). */
export type ScalesChoice = 'base' | 'scales' | `only:${string}`
export type ComparedSide = 'a' | 'b'
export type CompareMode = 'write' | 'score'

export type ComparePhase =
  | { kind: 'empty' }
  | { kind: 'prefill'; done: number; total: number }
  | { kind: 'running' }
  | { kind: 'done' }
  | { kind: 'stopped' }
  | { kind: 'failed' }

/** A rendered chat that both sides answer: its ids, its text, and what ends an answer. */
export interface ChatPrompt {
  ids: readonly number[]
  text: string
  stop: readonly string[]
}

export interface CompareState {
  mode: CompareMode
  /** Answered in place of the page's prompt; null for the prompt. */
  chat: ChatPrompt | null
  a: ScalesChoice
  b: ScalesChoice
  phase: ComparePhase
  /** The scales behind what is shown; null before any run. */
  shown: { mode: CompareMode; a: readonly NamedScale[]; b: readonly NamedScale[]; prompt: string } | null
  /** Selected position: index among generated tokens, or of scored tokens. */
  selected: number | null
  version: number
}

/** Alternatives captured per token and side. */
const CAPTURED = 64

/** Two sets of scales over the same prompt, or over the same text. Arrays are outside the store; `version` says they grew. */
export class Comparison {
  readonly state = createStore<CompareState>()(() => ({
    mode: 'write',
    chat: null,
    a: 'base',
    b: 'scales',
    phase: { kind: 'empty' },
    shown: null,
    selected: null,
    version: 0,
  }))
  promptIds: readonly number[] = []
  readonly tokens: ComparedToken[] = []
  /** Teacher-forced: the whole text, and both sides' view of every token but its first. */
  scoredIds: readonly number[] = []
  scoredTexts: readonly string[] = []
  scored: readonly ScoredPosition[] = []
  private readonly session: Session
  private readonly adapters: Adapters
  private controller: AbortController | null = null
  private run = 0
  /** However fast tokens come, one render a frame. */
  private readonly bumpSoon = oncePerFrame(() => this.bump())

  constructor(session: Session) {
    this.session = session
    this.adapters = adaptersOf(session)
    session.app.subscribe(({ model }, previous) => {
      if (model === previous.model) return
      if (model.kind !== 'ready') this.stop()
      this.state.setState({ chat: null })
    })
  }

  resolve(choice: ScalesChoice): readonly NamedScale[] {
    const { tracks, solo } = this.adapters.state.getState()
    if (choice === 'base') return []
    if (choice === 'scales') return scalesOf(tracks, solo)
    const track = tracks.find(({ id }) => choice === `only:${id}`)
    return track === undefined ? [] : [{ id: track.id, name: track.name, scale: track.scale }]
  }

  stop(): void {
    this.controller?.abort()
  }

  /** Writes from the prompt, or scores the text on the page, under both sets of scales. */
  async start(): Promise<void> {
    const { session } = this
    const { model } = session
    if (model === null) return
    this.stop()
    if (isRunning(session.app.getState().run)) session.stop()
    const run = (this.run += 1)
    this.controller = new AbortController()
    const { mode, chat, a, b } = this.state.getState()
    const prompt = chat?.text ?? session.app.getState().prompt
    const shown = { mode, a: this.resolve(a), b: this.resolve(b), prompt }
    this.tokens.length = 0
    this.scored = []
    this.state.setState({ phase: { kind: 'prefill', done: 0, total: 0 }, shown, selected: null })
    try {
      await (mode === 'write' ? this.write(run, model, shown, chat) : this.score(run, model, shown))
      if (run !== this.run) return
      const stopped = this.controller.signal.aborted
      this.state.setState({ phase: { kind: stopped ? 'stopped' : 'done' } })
    } catch (error) {
      if (run !== this.run) return
      const aborted = toErrorData(error).code === 'aborted'
      this.state.setState({ phase: { kind: aborted ? 'stopped' : 'failed' } })
      if (!aborted) session.report(error)
    } finally {
      this.bump()
    }
  }

  /** Selects the position before or behind; from nowhere the first or the last. */
  walk(by: 1 | -1): void {
    const { selected } = this.state.getState()
    const last = this.kl.length - 1
    const next = selected === null ? (by > 0 ? 0 : last) : selected + by
    if (last >= 0) this.state.setState({ selected: Math.min(last, Math.max(0, next)) })
  }

  /** KL at every position shown, nats. */
  get kl(): readonly (number | null)[] {
    const { shown } = this.state.getState()
    return shown?.mode === 'score' ? this.scored.map(({ kl }) => kl) : this.tokens.map(({ kl }) => kl)
  }

  /** Those of positions behind the same text, nats: up to the first token that differs, which itself was predicted from the same. */
  get klAlike(): readonly number[] {
    const first = this.state.getState().shown?.mode === 'score' ? -1 : this.firstDifference
    return this.kl.slice(0, first < 0 ? undefined : first + 1).flatMap((value) => value ?? [])
  }

  /** First position whose tokens differ, −1 while none does; a scored text has none. */
  get firstDifference(): number {
    return this.tokens.findIndex(({ a, b }) => a !== null && b !== null && a.id !== b.id)
  }

  /** Selects the next place where the two part, from the first again behind the last. */
  nextDivergence(): void {
    const places = divergences(this.kl, this.firstDifference)
    const { selected } = this.state.getState()
    this.state.setState({ selected: places.find((at) => at > (selected ?? -1)) ?? places[0] ?? null })
  }

  /** Ids before a position, on one side. */
  idsBefore(side: ComparedSide, at: number): number[] {
    if (this.state.getState().shown?.mode === 'score') return this.scoredIds.slice(0, at + 1)
    const ids = this.tokens.slice(0, at).flatMap((token) => token[side]?.id ?? [])
    return [...this.promptIds, ...ids]
  }

  /** What every layer would predict at a position, on one side. */
  async lens(side: ComparedSide, at: number): Promise<Lens> {
    const { model, scales } = this.behind(side)
    const ids = this.idsBefore(side, at)
    return model.lens(ids, { positions: [ids.length - 1], adapters: scales, topK: 1 })
  }

  /** Attention patterns `[heads, rows, positions]` of a layer over what both sides have read at a position. */
  async attention(layer: number, at: number): Promise<{ a: TensorData; b: TensorData }> {
    const first = this.firstDifference
    const ids = this.idsBefore('a', first < 0 ? at : Math.min(at, first))
    const read = async (side: ComparedSide) => {
      const { model, scales } = this.behind(side)
      const probe = (await readAnatomy(model)).layers[layer]?.attention?.probs ?? ''
      const probs = (await model.trace(ids, { probes: [probe], adapters: scales })).get(probe)
      if (probs === undefined) throw new TokenscopeError('bad-argument', `${probe} was not traced.`)
      return probs
    }
    return { a: await read('a'), b: await read('b') }
  }

  private behind(side: ComparedSide): { model: Model; scales: readonly NamedScale[] } {
    const { model } = this.session
    const { shown } = this.state.getState()
    if (model === null || shown === null) {
      throw new TokenscopeError('unsupported', 'Not captured: the model of this comparison is gone.')
    }
    return { model, scales: shown[side] }
  }

  private async write(
    run: number,
    model: Model,
    { a, b, prompt }: { a: readonly NamedScale[]; b: readonly NamedScale[]; prompt: string },
    chat: ChatPrompt | null,
  ): Promise<void> {
    const { settings } = this.session.app.getState()
    const ids = chat?.ids ?? (await encodePrompt(model, prompt, this.session.app.getState()))
    if (run !== this.run) return
    this.promptIds = ids
    const { signal } = this.controller ?? {}
    const stream = model.compare(ids, {
      ...settings,
      ...(chat === null ? {} : { stop: chat.stop }),
      a,
      b,
      topLogprobs: Math.min(CAPTURED, model.info.vocab),
      signal,
      onPrefill: (done, total) => {
        if (run === this.run) this.state.setState({ phase: { kind: 'prefill', done, total } })
      },
    })
    for await (const token of stream) {
      if (run !== this.run) return
      if (this.tokens.length === 0) this.state.setState({ phase: { kind: 'running' } })
      this.tokens.push(token)
      this.bumpSoon()
    }
  }

  private async score(
    run: number,
    model: Model,
    { a, b }: { a: readonly NamedScale[]; b: readonly NamedScale[] },
  ): Promise<void> {
    const { log, app } = this.session
    const written = log.modelId === model.info.id && log.tokens.length > 0
    const ids = written
      ? log.idsBefore(log.tokens.length)
      : await encodePrompt(model, app.getState().prompt, app.getState())
    if (ids.length * model.info.vocab > SCORE_LIMIT) {
      throw new TokenscopeError(
        'limit',
        `The text has ${ids.length} tokens: too long to be scored at once.`,
        {
          hint: 'Write a shorter text.',
          details: { tokens: ids.length, vocab: model.info.vocab, limit: SCORE_LIMIT },
        },
      )
    }
    const total = ids.length * 2
    this.state.setState({ phase: { kind: 'prefill', done: 0, total } })
    const first = await model.logits(ids, { adapters: a })
    if (run !== this.run) return
    this.state.setState({ phase: { kind: 'prefill', done: ids.length, total } })
    const second = await model.logits(ids, { adapters: b })
    const scored = await scoreBoth(first, second, ids)
    const texts = model.info.hasTokenizer ? await model.tokenTexts(ids) : ids.map(() => '')
    if (run !== this.run) return
    this.scoredIds = ids
    this.scoredTexts = texts
    this.scored = scored
  }

  private bump(): void {
    this.state.setState(({ version }) => ({ version: version + 1 }))
  }
}

/** The one comparison of a page. */
export const comparisonOf = perSession((session) => new Comparison(session))
