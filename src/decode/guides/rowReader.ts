import { invariant, throwIfAborted, TokenscopeError } from '../../errors.ts'
import type { Mix } from '../../engine/adapterSet.ts'
import { FROM_SAMPLER, type BatchRow, type LogitRow } from '../../run/batch.ts'
import type { Sequence } from '../../run/cache.ts'
import type { LedgerBuffer } from '../../gpu/ledger.ts'
import { MATVEC_ROWS } from '../../program/fuse.ts'
import { MAX_LOGIT_ROWS, MAX_ROWS, type Runner } from '../../run/runner.ts'
import { MAX_CANDIDATES, parseRecord, RECORD_BYTES, type SelectRecord } from '../../ops/select.ts'
import type { SamplingOptions } from '../../api/model.ts'
import { filtered, type Filtered } from './acceptance.ts'

/** Texts longer than this are read in chunks of many rows; others take the program that loading has compiled. */
const SHORT = 32
const RECORDS_BYTES = MAX_LOGIT_ROWS * RECORD_BYTES

/** What is predicted behind one row. */
export interface Prediction {
  record: SelectRecord
  /** All logits [vocab], where the filters may need more than the record holds. */
  logits: Float32Array | null
  /** The next row's token, and its logit here; null behind the last row. */
  next: { id: number; logit: number } | null
}

export interface ReaderOptions {
  runner: Runner
  sequence: Sequence
  mix: Pick<Mix, 'scales' | 'edits'>
  sampling: SamplingOptions
  /** Alternatives every prediction's record holds at least. */
  top: number
  /** Most rows of one forward whose logits are wanted. */
  widest: number
  /** Names the reader in errors: `The model`, `The guide`. */
  name: string
}

/** Reads one text row by row, several rows to a forward, and brings what is predicted behind them to the host. */
export class RowReader {
  private readonly options: ReaderOptions
  private readonly whole: boolean
  private readonly candidates: number
  private readonly staging: LedgerBuffer

  constructor(options: ReaderOptions) {
    this.options = options
    const { runner, sampling, top, widest } = options
    const { temperature, topK } = sampling
    // Top-k within a record's candidates decides everything behind it; greedy needs one.
    this.whole = temperature > 0 && !(topK > 0 && topK <= MAX_CANDIDATES)
    this.candidates = Math.max(1, top, temperature > 0 && !this.whole ? topK : 1)
    const perRow = this.whole ? runner.spec.vocab * 4 : 4
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    this.staging = runner.ledger.create('staging:rows', RECORDS_BYTES + widest * perRow, usage)
  }

  /** Tokens whose keys and values are in the pages. */
  get tokens(): readonly number[] {
    return this.options.sequence.tokens
  }

  /** Forgets positions from `length` on. */
  truncate(length: number): void {
    this.options.runner.sequences.truncate(this.options.sequence, length)
  }

  /** Reads tokens whose predictions nobody wants. */
  async skip(
    tokens: readonly number[],
    signal?: AbortSignal,
    onRead?: (count: number) => void,
  ): Promise<void> {
    const { runner, mix } = this.options
    for (let at = 0; at < tokens.length;) {
      throwIfAborted(signal)
      const left = tokens.length - at
      const rows = this.rows(tokens.slice(at, at + (left > SHORT ? MAX_ROWS : MATVEC_ROWS)), 0)
      runner.submit(await runner.live(Math.max(rows.length, MATVEC_ROWS), 0, mix.edits), rows)
      await runner.device.queue.onSubmittedWorkDone()
      this.accept(rows)
      at += rows.length
      onRead?.(at)
    }
  }

  /** Reads at most {@link MATVEC_ROWS} tokens in one forward. Resolves to what is predicted behind each of the last `count`. */
  async read(tokens: readonly number[], count: number): Promise<Prediction[]> {
    const { runner, mix, widest } = this.options
    const rows = this.rows(tokens, count)
    const [size, heads] = count > 1 ? [widest, widest] : [tokens.length === 1 ? 1 : MATVEC_ROWS, 1]
    const bound = await runner.live(size, heads, mix.edits)
    const vocab = runner.spec.vocab
    const asked = tokens.slice(tokens.length - count + 1)
    runner.submit(bound, rows, (encoder) => {
      const { gpu } = this.staging
      encoder.copyBufferToBuffer(runner.records.gpu, 0, gpu, 0, count * RECORD_BYTES)
      if (this.whole) {
        encoder.copyBufferToBuffer(runner.logits.gpu, 0, gpu, RECORDS_BYTES, count * vocab * 4)
      } else {
        asked.forEach((id, row) => {
          const from = (row * vocab + id) * 4
          encoder.copyBufferToBuffer(runner.logits.gpu, from, gpu, RECORDS_BYTES + row * 4, 4)
        })
      }
    })
    const bytes = await this.take()
    this.accept(rows)
    const behind = new Float32Array(bytes, RECORDS_BYTES)
    return Array.from({ length: count }, (_, row): Prediction => {
      const logits = this.whole ? behind.subarray(row * vocab, (row + 1) * vocab) : null
      const id = asked[row]
      const next = id === undefined ? null : { id, logit: (logits ? logits[id] : behind[row]) ?? NaN }
      return { record: this.finite(parseRecord(bytes, row * RECORD_BYTES)), logits, next }
    })
  }

  /** Reads tokens, then `count` − 1 rows more, each of the most probable token behind the one before; the host waits once. */
  async readGreedily(tokens: readonly number[], count: number): Promise<SelectRecord[]> {
    const { runner, mix } = this.options
    const fed = this.rows(tokens, 1)
    const first = await runner.live(tokens.length === 1 ? 1 : MATVEC_ROWS, 1, mix.edits)
    const single = await runner.live(1, 1, mix.edits)
    for (let step = 0; step < count; step++) {
      const rows = step === 0 ? fed : this.rows([FROM_SAMPLER], 1, fed.length + step - 1)
      runner.submit(step === 0 ? first : single, rows, (encoder) =>
        encoder.copyBufferToBuffer(
          runner.records.gpu,
          0,
          this.staging.gpu,
          step * RECORD_BYTES,
          RECORD_BYTES,
        ),
      )
    }
    const bytes = await this.take()
    this.accept(fed)
    const records = Array.from({ length: count }, (_, i) => this.finite(parseRecord(bytes, i * RECORD_BYTES)))
    // The last one is proposed, not read.
    this.options.sequence.tokens.push(...records.slice(0, -1).map(({ token }) => token))
    return records
  }

  /** The distribution behind a row, after temperature and filters. */
  distribution({ record, logits }: Pick<Prediction, 'record' | 'logits'>): Filtered {
    const { sampling, runner } = this.options
    return filtered(logits ?? { ...record, vocab: runner.spec.vocab }, sampling)
  }

  dispose(): void {
    this.options.runner.ledger.destroy(this.staging)
  }

  /** Rows behind what was read, `skipped` positions left for rows under way; the last `count` have logits. */
  private rows(tokens: readonly number[], count: number, skipped = 0): BatchRow[] {
    const { runner, sequence, mix } = this.options
    invariant(count <= MAX_LOGIT_ROWS, 'a forward has room for so many rows of logits')
    const begin = sequence.tokens.length + skipped
    runner.sequences.reserve(sequence, begin + tokens.length)
    const pages = [...sequence.pages]
    const first = tokens.length - count
    return tokens.map((token, i) => ({
      token,
      position: begin + i,
      pages,
      slot: sequence.slot,
      scales: mix.scales,
      logits: i < first ? undefined : this.logitRow(i - first),
    }))
  }

  private logitRow(ringRow: number): LogitRow {
    const off = { inverseTemperature: 0, topK: 0, topP: 1, minP: 0 }
    return { ringRow, candidates: this.candidates, ...off, seed: [0, 0], counter: 0 }
  }

  private accept(rows: readonly BatchRow[]): void {
    this.options.sequence.tokens.push(...rows.map(({ token }) => token))
  }

  private async take(): Promise<ArrayBuffer> {
    const bytes = (await this.options.runner.map(this.staging)).slice(0)
    this.staging.gpu.unmap()
    return bytes
  }

  private finite(record: SelectRecord): SelectRecord {
    if (!record.notFinite) return record
    throw new TokenscopeError('bad-file', `${this.options.name} computed NaN or infinity.`, {
      hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
    })
  }
}
