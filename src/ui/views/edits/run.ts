import { throwIfAborted, TokenscopeError } from '../../../errors.ts'
import type { Model, ScoredToken, TensorData } from '../../../api/model.ts'
import { compareRows, rowLogits, type EditedRow, type EditedSource } from '../../../analysis/editedRows.ts'
import { directionNorms, type DirectionNorms } from '../../../analysis/steering.ts'
import { SCORE_LIMIT } from '../../../analysis/divergence.ts'
import { Activations } from './forward.ts'
import { editsOf, type Entry } from './store.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { scalesKey } from '../../../state/textIdentity.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

export interface EditedText {
  /** The edits that were on. */
  entries: readonly Entry[]
  /** The adapters, as {@link scalesKey} names them. */
  scales: string
  /** Of all rows so far. */
  rows: readonly EditedRow[]
  source: EditedSource
}

/** Rows between two pauses, so that the page stays responsive. */
const ROWS_AT_ONCE = 16
/** Alternatives captured of a long text. */
const CAPTURED = 24
/** Milliseconds a slider rests before the text is run again. */
const DEBOUNCE_MS = 90

const wait = (milliseconds = 0) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** The text on the page under the edits, against itself without them; run again whenever either changes. */
export class EditedRun {
  readonly measurement: TextMeasurement<EditedText>
  readonly activations = new Activations()
  private readonly session: Session
  private controller = new AbortController()
  /** Ends when no earlier reading is under way: a slider in motion never queues up forwards. */
  private turn = Promise.resolve()
  /** The text without edits, which every change of the edits is held against. */
  private base: { model: Model; key: string; logits: TensorData } | null = null

  constructor(session: Session) {
    this.session = session
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
    return directionNorms(to, from)
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
