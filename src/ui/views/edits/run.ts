import { klDivergence, logSoftmax, topN } from '../../../maths/distribution.ts'
import { throwIfAborted, TokenscopeError } from '../../../errors.ts'
import type { Model, ScoredToken, TensorData } from '../../../api/model.ts'
import { SCORE_LIMIT } from '../../../analysis/divergence.ts'
import { Activations } from './forward.ts'
import { editsOf, type Entry } from './store.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { scalesKey } from '../../../state/textIdentity.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

/** What one row predicts with edits, against the same row without: log-probabilities of the token that comes next. */
export interface EditedRow {
  /** KL(edited ‖ base) of the whole distributions, nats; null where only single tokens were scored. */
  kl: number | null
  /** Null at the last row: nothing comes next. */
  base: number | null
  edited: number | null
}

export interface EditedText {
  /** The edits that were on. */
  entries: readonly Entry[]
  /** The adapters, as {@link scalesKey} names them. */
  scales: string
  /** Of all rows so far. */
  rows: readonly EditedRow[]
  /** `[rows, vocab]` each; of a text too long for them the scored tokens. */
  source:
    | { kind: 'logits'; base: TensorData; edited: TensorData }
    | { kind: 'scored'; base: readonly ScoredToken[]; edited: readonly ScoredToken[] }
}

/** One candidate of a row: probabilities, null where that side did not capture it. */
export interface PairLine {
  id: number
  base: number | null
  edited: number | null
}

export interface DirectionNorms {
  direction: number
  toward: number
  away: number
}

/** Rows between two pauses, so that the page stays responsive. */
const ROWS_AT_ONCE = 16
/** Alternatives captured of a long text. */
const CAPTURED = 24
/** Milliseconds a slider rests before the text is run again. */
const DEBOUNCE_MS = 90

const wait = (milliseconds = 0) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

export function rowLogits({ data, shape }: TensorData, row: number): Float32Array {
  const vocab = shape[1] ?? 0
  return data.subarray(row * vocab, (row + 1) * vocab)
}

/** Compares a row of two runs; `next` is the token that came after it. */
export function compareRows(base: Float32Array, edited: Float32Array, next: number | undefined): EditedRow {
  const [p, q] = [logSoftmax(edited), logSoftmax(base)]
  const at = (values: Float64Array) => (next === undefined ? null : (values[next] ?? null))
  return { kl: base === edited ? 0 : klDivergence(p, q), base: at(q), edited: at(p) }
}

/** The most probable tokens of a row on either side, by the larger of their two probabilities. */
export function pairLines({ source }: EditedText, row: number, limit: number): PairLine[] {
  const sides =
    source.kind === 'logits'
      ? [source.edited, source.base].map((side) => wholeSide(rowLogits(side, row), limit))
      : [source.edited, source.base].map((side) => capturedSide(side[row]))
  const [edited, base] = sides
  if (edited === undefined || base === undefined) return []
  const ids = new Set([...edited.top, ...base.top])
  const larger = (line: PairLine) => Math.max(line.base ?? 0, line.edited ?? 0)
  return Array.from(ids, (id) => ({ id, base: base.of(id), edited: edited.of(id) }))
    .sort((a, b) => larger(b) - larger(a) || a.id - b.id)
    .slice(0, limit)
}

interface PairSide {
  top: readonly number[]
  of(id: number): number | null
}

function wholeSide(logits: Float32Array, limit: number): PairSide {
  const logs = logSoftmax(logits)
  return { top: topN(logits, limit).map(({ id }) => id), of: (id) => Math.exp(logs[id] ?? -Infinity) }
}

function capturedSide(scored: ScoredToken | undefined): PairSide {
  const known = new Map(scored?.top.map(({ id, logprob }) => [id, Math.exp(logprob)]))
  if (scored !== undefined) known.set(scored.id, Math.exp(scored.logprob))
  return { top: [...known.keys()], of: (id) => known.get(id) ?? null }
}

/** The text on the page under the edits, against itself without them; run again whenever either changes. */
export class EditedRun {
  readonly measurement: TextMeasurement<EditedText>
  readonly activations: Activations
  private readonly session: Session
  private controller = new AbortController()
  /** Ends when no earlier reading is under way: a slider in motion never queues up forwards. */
  private turn = Promise.resolve()
  /** The text without edits, which every change of the edits is held against. */
  private base: { model: Model; key: string; logits: TensorData } | null = null

  constructor(session: Session) {
    this.session = session
    this.activations = new Activations(session.app)
    this.measurement = new TextMeasurement(session, (model, ids) => this.read(model, ids))
    editsOf(session).state.subscribe(({ entries }, before) => {
      if (acting(entries) !== acting(before.entries)) this.measurement.refresh()
    })
  }

  /** Gives up what is being read. */
  cancel(): void {
    this.controller.abort()
    this.measurement.fail(new TokenscopeError('aborted', 'The comparison was cancelled.'))
  }

  /** Lengths of a direction and of the two activations it is the difference of; null while no model is loaded. */
  async measureDirection(step: string, toward: string, away: string): Promise<DirectionNorms | null> {
    const { model } = this.session
    if (model === null) return null
    const { to, from } = await this.activations.ends(model, step, toward, away)
    const difference = to.map((value, index) => value - (from[index] ?? 0))
    return { direction: Math.hypot(...difference), toward: Math.hypot(...to), away: Math.hypot(...from) }
  }

  private async *read(model: Model, ids: readonly number[]): AsyncIterable<EditedText> {
    this.controller.abort()
    const controller = new AbortController()
    this.controller = controller
    const { signal } = controller
    const before = this.turn
    let leave = (): void => undefined
    this.turn = new Promise((resolve) => (leave = resolve))
    try {
      await Promise.all([before, wait(DEBOUNCE_MS)])
      throwIfAborted(signal)
      const entries = editsOf(this.session).entries.filter(({ on }) => on)
      const scales = await scalesKey(model)
      const large = ids.length * model.info.vocab > SCORE_LIMIT
      const parts = large
        ? this.score(model, ids, entries, signal)
        : this.readLogits(model, ids, entries, signal)
      for await (const part of parts) {
        throwIfAborted(signal)
        yield { entries, scales, ...part }
      }
    } finally {
      leave()
    }
  }

  private async *readLogits(
    model: Model,
    ids: readonly number[],
    entries: readonly Entry[],
    signal: AbortSignal,
  ): AsyncIterable<Pick<EditedText, 'rows' | 'source'>> {
    const base = await this.baseLogits(model, ids)
    const edits = await this.activations.editsFor(model, entries)
    throwIfAborted(signal)
    const edited = edits.length === 0 ? base : await model.logits(ids, { edits })
    const rows: EditedRow[] = []
    for (let row = 0; row < ids.length; row++) {
      const own = rowLogits(base, row)
      throwIfAborted(signal)
      rows.push(compareRows(own, edits.length === 0 ? own : rowLogits(edited, row), ids[row + 1]))
      if (row % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await wait()
    }
    yield { rows, source: { kind: 'logits', base, edited } }
  }

  /** Logits of a text without edits; those of the latest text are kept. */
  async baseLogits(model: Model, ids: readonly number[]): Promise<TensorData> {
    const key = `${await scalesKey(model)}|${ids.join(' ')}`
    if (this.base?.model === model && this.base.key === key) return this.base.logits
    const logits = await model.logits(ids)
    this.base = { model, key, logits }
    return logits
  }

  /** A text whose logits are too many to be held: the tokens that stand there, a chunk at a time. */
  private async *score(
    model: Model,
    ids: readonly number[],
    entries: readonly Entry[],
    signal: AbortSignal,
  ): AsyncIterable<Pick<EditedText, 'rows' | 'source'>> {
    const edits = await this.activations.editsFor(model, entries)
    const options = { topLogprobs: CAPTURED, signal }
    const base: ScoredToken[] = []
    for await (const chunk of model.score(ids, options)) base.push(...chunk)
    const edited: ScoredToken[] = []
    for await (const chunk of edits.length === 0 ? [base] : model.score(ids, { ...options, edits })) {
      edited.push(...chunk)
      const rows = edited.map(({ logprob }, row) => ({
        kl: null,
        base: base[row]?.logprob ?? null,
        edited: logprob,
      }))
      yield { rows: [...rows], source: { kind: 'scored', base, edited: [...edited] } }
    }
  }
}

/** What the list does to a run, as one word: entries that are off do nothing. */
export const acting = (entries: readonly Entry[]): string =>
  JSON.stringify(entries.filter(({ on }) => on).map(({ change }) => change))

export const editedRunOf = perSession((session) => new EditedRun(session))
