import { invariant, throwIfAborted } from '../../../errors.ts'
import type { Edit, Model, ScoredToken, TensorData, TracedRows } from '../../../api/model.ts'
import { compareRows, rowLogits, type EditedRow, type EditedSource } from '../../../analysis/editedRows.ts'
import { directionNorms, type DirectionNorms } from '../../../analysis/steering.ts'
import { SCORE_LIMIT } from '../../../analysis/divergence.ts'
import { breather } from '../../../analysis/breather.ts'
import { Activations } from './forward.ts'
import { editsOf, type EditEntry } from './store.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { scalesKey } from '../../../state/textIdentity.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

export interface EditedText {
  /** The edits that were on. */
  entries: readonly EditEntry[]
  /** The adapters, as {@link scalesKey} names them. */
  scales: string
  /** Of all rows so far. */
  rows: readonly EditedRow[]
  source: EditedSource
}

/** Alternatives captured of a long text. */
const CAPTURED = 24
/** Milliseconds a slider rests before the text is run again. */
const DEBOUNCE_MS = 90

const wait = (milliseconds = 0) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

interface GrowingOptions {
  signal: AbortSignal
  edits: readonly Edit[]
  /** All of them, where they are there already. */
  ready: TensorData | null
}

/** Logits of a text, `[ids.length, vocab]`, whose rows come one after the other. */
class GrowingLogits {
  readonly logits: TensorData
  /** Rows that are there. */
  rows = 0
  private readonly parts: AsyncIterator<TracedRows> | null

  constructor(model: Model, ids: readonly number[], { signal, edits, ready }: GrowingOptions) {
    const { vocab } = model.info
    this.logits = ready ?? { shape: [ids.length, vocab], data: new Float32Array(ids.length * vocab) }
    this.rows = ready ? ids.length : 0
    const probes = ['logits']
    this.parts = ready ? null : model.traceRows(ids, { probes, edits, signal })[Symbol.asyncIterator]()
  }

  async grow(): Promise<void> {
    const next = await this.parts?.next()
    const rows = next?.done === true ? undefined : next?.value.tensors.get('logits')
    invariant(next && next.done !== true && rows, 'rows come until all are there')
    this.logits.data.set(rows.data, next.value.begin * (rows.shape.at(-1) ?? 0))
    this.rows = next.value.end
  }

  /** Lets go of rows that are still to come. */
  async end(): Promise<void> {
    await this.parts?.return?.()
  }
}

/** The text on the page under the edits, against itself without them; run again whenever either changes. */
export class EditedRun {
  readonly measurement: TextMeasurement<EditedText>
  readonly activations: Activations
  private readonly session: Session
  /** Ends when no earlier reading is under way: a slider in motion never queues up forwards. */
  private turn = Promise.resolve()
  /** The text without edits, which every change of the edits is held against. */
  private base: { model: Model; key: string; logits: TensorData } | null = null

  constructor(session: Session) {
    this.session = session
    this.activations = new Activations(session.app)
    this.measurement = new TextMeasurement(session, (model, ids, signal) => this.read(model, ids, signal), {
      done: ({ rows }) => rows.length,
    })
    editsOf(session).state.subscribe(({ entries }, previous) => {
      if (acting(entries) !== acting(previous.entries)) this.measurement.refresh()
    })
  }

  /** Lengths of a direction and of the two activations it is the difference of; null while no model is loaded. */
  async measureDirection(step: string, toward: string, away: string): Promise<DirectionNorms | null> {
    const { model } = this.session
    if (model === null) return null
    const { to, from } = await this.activations.ends(model, step, toward, away)
    return directionNorms(to, from)
  }

  private async *read(model: Model, ids: readonly number[], signal: AbortSignal): AsyncIterable<EditedText> {
    const previousTurn = this.turn
    let leave = (): void => undefined
    this.turn = new Promise((resolve) => (leave = resolve))
    try {
      await Promise.all([previousTurn, wait(DEBOUNCE_MS)])
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
    entries: readonly EditEntry[],
    signal: AbortSignal,
  ): AsyncIterable<Pick<EditedText, 'rows' | 'source'>> {
    const key = `${await scalesKey(model)}|${ids.join(' ')}`
    const edits = await this.activations.editsFor(model, entries)
    throwIfAborted(signal)
    const ready = this.base?.model === model && this.base.key === key ? this.base.logits : null
    const base = new GrowingLogits(model, ids, { signal, edits: [], ready })
    const edited = edits.length === 0 ? base : new GrowingLogits(model, ids, { signal, edits, ready: null })
    const rows: EditedRow[] = []
    const breathe = breather()
    try {
      while (rows.length < ids.length) {
        for (const side of new Set([base, edited])) if (side.rows <= rows.length) await side.grow()
        for (const end = Math.min(base.rows, edited.rows); rows.length < end;) {
          const row = rows.length
          const [plain, changed] = [rowLogits(base.logits, row), rowLogits(edited.logits, row)]
          rows.push(compareRows(plain, edited === base ? plain : changed, ids[row + 1]))
          await breathe()
          throwIfAborted(signal)
        }
        yield { rows: [...rows], source: { kind: 'logits', base: base.logits, edited: edited.logits } }
      }
      this.base = { model, key, logits: base.logits }
    } finally {
      await Promise.all([base.end(), edited.end()])
    }
  }

  /** A text whose logits are too many to be held: the tokens that stand there, a chunk at a time. */
  private async *score(
    model: Model,
    ids: readonly number[],
    entries: readonly EditEntry[],
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
export const acting = (entries: readonly EditEntry[]): string =>
  JSON.stringify(entries.filter(({ on }) => on).map(({ change }) => change))

export const editedRunOf = perSession((session) => new EditedRun(session))
