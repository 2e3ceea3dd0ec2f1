import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { Model, ScoredToken } from '../../../api/model.ts'
import type { NamedScale } from '../../../state/adapterScales.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'
import {
  countedTokens,
  markerRoles,
  MARKERS,
  markSpan,
  moveSpans,
  spanRoles,
  writtenTexts,
  type MarkerIds,
  type Role,
  type TextSpan,
} from '../../../analysis/scoreSpans.ts'

/** What counts towards the loss: everything, what was marked by hand, or what markers in the text say. */
export const SPAN_MODES = ['all', 'hand', 'markers'] as const
export type SpanMode = (typeof SPAN_MODES)[number]

/** Which of the two texts. */
export type BoxName = 'a' | 'b'

export type ScorePhase =
  | { kind: 'empty' }
  | { kind: 'scoring'; done: number; total: number }
  | { kind: 'done' }
  | { kind: 'stopped' }
  | { kind: 'failed'; error: ErrorData }

/** A text as it was scored, so far. */
export interface ScoreResult {
  /** As it stood in the box. */
  source: string
  modelId: string
  vocab: number
  bosId: number | null
  eosIds: readonly number[]
  ids: readonly number[]
  /** Text of every id where it stands; special tokens have none. */
  texts: readonly string[]
  /** Ids that stand for no text: special tokens. */
  special: readonly number[]
  markers: readonly MarkerIds[]
  /** The adapters it was scored under. */
  scales: readonly NamedScale[]
  tokens: readonly ScoredToken[]
}

export interface ScoreBox {
  text: string
  spans: readonly TextSpan[]
  phase: ScorePhase
  result: ScoreResult | null
  /** Row of a token: 0 is the first of the text. */
  selected: number | null
  hovered: number | null
}

export interface ScoreState {
  mode: SpanMode
  /** A second text stands beside the first. */
  second: boolean
  /** The box whose token the panel tells about. */
  active: BoxName
  a: ScoreBox
  b: ScoreBox
}

/** Alternatives kept of every token. */
const TOP = 10

const EMPTY: ScoreBox = {
  text: '',
  spans: [],
  phase: { kind: 'empty' },
  result: null,
  selected: null,
  hovered: null,
}

const NOTHING_TAKEN = { text: '', modelId: '', ids: [], texts: [] }

/** How well given texts are predicted, token by token. */
export class Scores {
  readonly state = createStore<ScoreState>()(() => ({
    mode: 'all',
    second: false,
    active: 'a',
    a: EMPTY,
    b: EMPTY,
  }))
  private readonly session: Session
  private readonly running: Partial<Record<BoxName, AbortController>> = {}
  /** The page's text as it was taken over: the very tokens the model wrote, which encoding it again need not give. */
  private taken: Pick<ScoreResult, 'modelId' | 'ids' | 'texts'> & { text: string } = NOTHING_TAKEN

  constructor(session: Session) {
    this.session = session
    session.app.subscribe(({ model }, previous) => {
      if (model === previous.model || model.kind === 'ready') return
      this.cancel('a')
      this.cancel('b')
    })
  }

  setText(name: BoxName, text: string): void {
    const { text: previousText, spans } = this.box(name)
    this.change(name, { text, spans: moveSpans(spans, previousText, text) })
  }

  /** Gives a span of a text a role, or takes it away. */
  mark(name: BoxName, from: number, to: number, role: Role | null): void {
    if (from < to) this.change(name, { spans: markSpan(this.box(name).spans, from, to, role) })
  }

  /** Puts the text on the page into a box; false while there is none. */
  takePage(name: BoxName): boolean {
    const { log } = this.session
    if (!hasPageText(this.session)) return false
    const ids = log.idsBefore(log.tokens.length)
    const texts = [...log.promptTexts, ...log.tokens.map((token) => token.text)]
    const text = texts.join('')
    this.taken = { modelId: log.modelId, text, ids, texts }
    this.change(name, { text, spans: [] })
    return true
  }

  cancel(name: BoxName): void {
    this.running[name]?.abort()
  }

  /** Scores the text of a box under the adapters as they are set. */
  async score(name: BoxName): Promise<void> {
    const { session } = this
    const { model } = session
    const { text } = this.box(name)
    if (model === null || text === '') return
    this.cancel(name)
    const controller = new AbortController()
    this.running[name] = controller
    const isCurrent = (): boolean => this.running[name] === controller
    this.change(name, { phase: { kind: 'scoring', done: 0, total: 0 }, selected: null, hovered: null })
    try {
      const result = await this.prepare(model, text)
      if (!isCurrent()) return
      this.change(name, { result, phase: { kind: 'scoring', done: 0, total: result.ids.length - 1 } })
      const tokens: ScoredToken[] = []
      for await (const chunk of this.stream(model, result, controller.signal)) {
        if (!isCurrent()) return
        tokens.push(...chunk)
        const phase = { kind: 'scoring', done: tokens.length, total: result.ids.length - 1 } as const
        this.change(name, { phase, result: { ...result, tokens: [...tokens] } })
      }
      if (isCurrent()) this.change(name, { phase: { kind: 'done' } })
    } catch (error) {
      if (isCurrent()) this.change(name, { phase: this.ending(error, controller.signal) })
    }
  }

  private ending(error: unknown, signal: AbortSignal): ScorePhase {
    if (signal.aborted) return { kind: 'stopped' }
    const data = toErrorData(error)
    // A lost device has a state of its own; here only the text is left.
    return data.code === 'device-lost' ? { kind: 'stopped' } : { kind: 'failed', error: data }
  }

  private async prepare(model: Model, text: string): Promise<ScoreResult> {
    const scales = model.info.remote ? [] : adaptersOf(this.session).scales
    const { id: modelId, vocab, bosId, eosIds, hasTokenizer } = model.info
    const taken = this.taken.text === text && this.taken.modelId === modelId ? this.taken : null
    const ids = taken?.ids ?? (await encodePrompt(model, text, this.session.app.getState()))
    const texts = taken?.texts ?? (hasTokenizer ? await model.tokenTexts(ids) : ids.map(() => ''))
    const special = hasTokenizer ? await specialIds(model, ids, texts) : []
    const markers = hasTokenizer ? await markerIds(model, text) : []
    return { source: text, modelId, vocab, bosId, eosIds, ids, texts, special, markers, scales, tokens: [] }
  }

  private stream(model: Model, { ids, scales }: ScoreResult, signal: AbortSignal) {
    const { merged } = adaptersOf(this.session).state.getState()
    const topLogprobs = Math.min(TOP, model.info.vocab)
    // Merged adapters are the base of every run and cannot be asked for.
    return model.score(ids, { topLogprobs, signal, ...(merged === null ? { adapters: scales } : {}) })
  }

  private box(name: BoxName): ScoreBox {
    return this.state.getState()[name]
  }

  private change(name: BoxName, part: Partial<ScoreBox>): void {
    this.state.setState((state) => ({ [name]: { ...state[name], ...part } }))
  }
}

/** The page shows a text of the model that answers, whose tokens all have their texts. */
export function hasPageText({ log, model }: Session): boolean {
  const { promptIds, promptTexts, modelId } = log
  return promptIds.length > 0 && promptTexts.length === promptIds.length && modelId === model?.info.id
}

/** Ids without a text that are no part of a character either. */
async function specialIds(
  model: Model,
  ids: readonly number[],
  texts: readonly string[],
): Promise<readonly number[]> {
  const textless = [...new Set(ids.filter((_, row) => texts[row] === ''))]
  const decoded = await Promise.all(textless.map((id) => model.decode([id])))
  return textless.filter((_, i) => decoded[i] === '')
}

/** The markers that stand in a text, as this model reads them. */
async function markerIds(model: Model, text: string): Promise<MarkerIds[]> {
  const there = MARKERS.filter((marker) => text.includes(marker.text))
  return Promise.all(
    there.map(async ({ text: marker, role }) => ({
      text: marker,
      role,
      ids: await model.encode(marker, { addSpecialTokens: false, parseSpecial: true }),
    })),
  )
}

/** Role of every token of a scored text, and whether it counts. */
export function scoredRoles(
  { source, ids, texts, special, markers }: ScoreResult,
  spans: readonly TextSpan[],
  mode: SpanMode,
): { roles: readonly (Role | 'marker' | null)[]; counted: readonly boolean[] } {
  const roles =
    mode === 'all'
      ? ids.map(() => null)
      : mode === 'hand'
        ? spanRoles(writtenTexts(source, ids, texts, special), spans)
        : markerRoles(ids, markers)
  return { roles, counted: countedTokens(roles) }
}

/** The scores of a page: one, whichever panel asks. */
export const scoresOf = perSession((session) => new Scores(session))
