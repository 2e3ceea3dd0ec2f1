import type { SamplingOptions } from '../../api/model.ts'
import { invariant, TokenscopeError } from '../../errors.ts'
import type { LedgerBuffer } from '../../gpu/ledger.ts'
import { MATVEC_ROWS } from '../../ops/linear.ts'
import { MAX_CANDIDATES, parseRecord, RECORD_BYTES, type SelectRecord } from '../../ops/select.ts'
import { FROM_SAMPLER, plainLogits, type BatchRow } from '../../run/batch.ts'
import type { Feed } from '../../run/feed.ts'
import { MAX_LOGIT_ROWS, MAX_ROWS } from '../../run/rows.ts'
import type { Runner } from '../../run/runner.ts'
import { filtered, type Filtered } from './acceptance.ts'

/** Texts longer than this are read in chunks of many rows; others take the program that loading has compiled. */
const MAX_MATVEC_TEXT = 32
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
  feed: Feed
  sampling: SamplingOptions
  /** Alternatives every prediction's record holds at least. */
  top: number
  /** Most rows of one forward whose logits are wanted. */
  widest: number
  /** Names the reader in errors: `The model`, `The draft model`. */
  name: string
}

/** Reads one text row by row, several rows to a forward, and brings what is predicted behind them to the host. */
export class RowReader {
  private readonly options: ReaderOptions
  private readonly readsFullRows: boolean
  private readonly candidates: number
  private readonly staging: LedgerBuffer

  constructor(options: ReaderOptions) {
    this.options = options
    const { runner, sampling, top, widest } = options
    const { temperature, topK } = sampling
    // Top-k within a record's candidates decides everything behind it; greedy needs one.
    this.readsFullRows = temperature > 0 && !(topK > 0 && topK <= MAX_CANDIDATES)
    this.candidates = Math.max(1, top, temperature > 0 && !this.readsFullRows ? topK : 1)
    const perRow = this.readsFullRows ? runner.model.vocab * 4 : 4
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    this.staging = runner.ledger.create('staging:rows', RECORDS_BYTES + widest * perRow, usage)
  }

  /** Tokens whose keys and values are in the pages. */
  get tokens(): readonly number[] {
    return this.options.feed.tokens
  }

  /** Forgets positions from `length` on. */
  truncate(length: number): void {
    this.options.feed.truncate(length)
  }

  /** Reads tokens whose predictions are not wanted. */
  skip(tokens: readonly number[], signal?: AbortSignal, onRead?: (count: number) => void): Promise<void> {
    const chunk = (left: number): number => (left > MAX_MATVEC_TEXT ? MAX_ROWS : MATVEC_ROWS)
    return this.options.feed.read(tokens, { chunk, signal, onRead })
  }

  /** Reads at most {@link MATVEC_ROWS} tokens in one forward. Resolves to what is predicted behind each of the last `count`. */
  async read(tokens: readonly number[], count: number): Promise<Prediction[]> {
    const { runner, widest, feed } = this.options
    const rows = await this.rows(tokens, count)
    const program =
      count > 1 ? ([widest, widest] as const) : ([tokens.length === 1 ? 1 : MATVEC_ROWS, 1] as const)
    const vocab = runner.model.vocab
    const asked = tokens.slice(tokens.length - count + 1)
    const after = (encoder: GPUCommandEncoder): void => {
      const { gpu } = this.staging
      encoder.copyBufferToBuffer(runner.records.gpu, 0, gpu, 0, count * RECORD_BYTES)
      if (this.readsFullRows) {
        encoder.copyBufferToBuffer(runner.logits.gpu, 0, gpu, RECORDS_BYTES, count * vocab * 4)
      } else {
        asked.forEach((id, row) => {
          const from = (row * vocab + id) * 4
          encoder.copyBufferToBuffer(runner.logits.gpu, from, gpu, RECORDS_BYTES + row * 4, 4)
        })
      }
    }
    await feed.submit(rows, { program, after })
    const bytes = await this.readBytes()
    feed.accept(tokens)
    const behind = new Float32Array(bytes, RECORDS_BYTES)
    return Array.from({ length: count }, (_, row): Prediction => {
      const logits = this.readsFullRows ? behind.subarray(row * vocab, (row + 1) * vocab) : null
      const id = asked[row]
      const next = id === undefined ? null : { id, logit: (logits ? logits[id] : behind[row]) ?? NaN }
      return { record: this.finite(parseRecord(bytes, row * RECORD_BYTES)), logits, next }
    })
  }

  /** Reads tokens, then `count` − 1 rows more, each of the most probable token behind the one before; the host waits once. */
  async readGreedily(tokens: readonly number[], count: number): Promise<SelectRecord[]> {
    const { runner, feed } = this.options
    for (let step = 0; step < count; step++) {
      const ahead = tokens.length + step - 1
      const rows = await (step === 0 ? this.rows(tokens, 1) : this.rows([FROM_SAMPLER], 1, ahead))
      const after = (encoder: GPUCommandEncoder): void =>
        encoder.copyBufferToBuffer(runner.records.gpu, 0, this.staging.gpu, step * RECORD_BYTES, RECORD_BYTES)
      await feed.submit(rows, { program: [step === 0 && tokens.length > 1 ? MATVEC_ROWS : 1, 1], after })
    }
    const bytes = await this.readBytes()
    feed.accept(tokens)
    const records = Array.from({ length: count }, (_, i) => this.finite(parseRecord(bytes, i * RECORD_BYTES)))
    // The last one is proposed, not read.
    feed.accept(records.slice(0, -1).map(({ token }) => token))
    return records
  }

  /** The distribution behind a row, after temperature and filters. */
  distribution({ record, logits }: Pick<Prediction, 'record' | 'logits'>): Filtered {
    const { sampling, runner } = this.options
    return filtered(logits ?? { ...record, vocab: runner.model.vocab }, sampling)
  }

  dispose(): void {
    this.options.runner.ledger.destroy(this.staging)
  }

  /** Rows behind what was read, `ahead` positions left for rows under way; the last `count` have logits. */
  private rows(tokens: readonly number[], count: number, ahead = 0): Promise<BatchRow[]> {
    invariant(count <= MAX_LOGIT_ROWS, 'a forward has room for so many rows of logits')
    const wanted = Array.from({ length: count }, (_, ringRow) => plainLogits(ringRow, this.candidates))
    return this.options.feed.rows(tokens, wanted, ahead)
  }

  private async readBytes(): Promise<ArrayBuffer> {
    const bytes = (await this.options.runner.executor.map(this.staging)).slice(0)
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
