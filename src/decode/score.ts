import type { Model, ScoredToken } from '../api/model.ts'
import { TokenscopeError, invariant, throwIfAborted } from '../errors.ts'
import type { DecodeContext } from './context.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { Conditions } from '../run/conditions.ts'
import { InspectionRun, type BoundForward } from '../run/inspectionRun.ts'
import { MAX_ROWS, ROW_BUCKETS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'
import { SPELL_WINDOW } from '../text/alternatives.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import { checkIds, checkOptions } from './options.ts'
import { largestIds } from '../maths/selection.ts'

const DEFAULT_TOP = 5
/** Bytes of logits of one chunk: they are read back piece by piece, none is held for long. */
const CHUNK_BYTES = 16 * 1024 * 1024
/** Logits read back at a time, so that the worker hears an abort between two pieces. */
const PIECE = 1 << 20
/** Rows of the first chunk: something shows soon. */
const FIRST_ROWS = 8
/** A chunk should take about this long. */
const CHUNK_MS = 250

interface ScoreRequest {
  ids: readonly number[]
  topLogprobs: number
  signal: AbortSignal | undefined
  tokenizer: TextTokenizer | null
}

/** What a row of logits says of one token, natural logs, in f64. */
export interface RowScore {
  logprob: number
  rank: number
  entropy: number
  /** The most probable ids, descending, ties by lower id. */
  top: readonly { id: number; logprob: number }[]
}

/** Scores token `id` by the logits [vocab] that predicted it. Entropies and logprobs are NaN where a logit is NaN or +∞. */
export function scoreRow(logits: Float32Array, id: number, topLogprobs: number): RowScore {
  const idLogit = logits[id] ?? -Infinity
  let peak = -Infinity
  let rank = 0
  for (let other = 0; other < logits.length; other++) {
    const logit = logits[other]!
    if (logit > peak) peak = logit
    if (logit > idLogit || (logit === idLogit && other < id)) rank += 1
  }
  let mass = 0
  let moment = 0
  for (let other = 0; other < logits.length; other++) {
    const below = logits[other]! - peak
    const weight = Math.exp(below)
    mass += weight
    // e^below · below tends to 0, where 0 · −∞ would be NaN.
    if (weight !== 0) moment += weight * below
  }
  const normaliser = peak + Math.log(mass)
  return {
    logprob: idLogit - normaliser,
    rank,
    entropy: Math.max(0, Math.log(mass) - moment / mass),
    top: Array.from(largestIds(logits, topLogprobs), (best) => ({
      id: best,
      logprob: logits[best]! - normaliser,
    })),
  }
}

/**
 * A text run once from its start, row by row predicting the next token, over pages of its own: what live sequences keep in theirs
 * stays, and no prefix is taken over, since every row's logits are wanted.
 */
class ScoringPass {
  private readonly runner: Runner
  private readonly rows: readonly number[]
  private readonly inspection: InspectionRun
  private readonly logits: LedgerBuffer
  /** Most rows whose logits fit a chunk. */
  private readonly mostRows: number
  private readonly bound = new Map<number, BoundForward>()

  /** `textLength`: tokens of the whole text, the last of which is only scored. */
  constructor(runner: Runner, rows: readonly number[], textLength: number, conditions: Conditions) {
    this.runner = runner
    this.rows = rows
    const rowBytes = runner.model.vocab * 4
    const fitting = Math.min(MAX_ROWS, Math.floor(CHUNK_BYTES / rowBytes))
    this.mostRows = ROW_BUCKETS.filter((rows) => rows <= fitting).at(-1) ?? 1
    this.inspection = new InspectionRun(runner, rows.length, conditions, { textLength })
    const { STORAGE, COPY_SRC } = GPUBufferUsage
    try {
      this.logits = this.inspection.create('logits', this.mostRows * rowBytes, STORAGE | COPY_SRC)
    } catch (error) {
      this.inspection.dispose()
      throw error
    }
  }

  /** Size of the first chunk. */
  get firstRows(): number {
    return Math.min(FIRST_ROWS, this.mostRows)
  }

  /** Rows that should take {@link CHUNK_MS}, after `count` took `milliseconds`. */
  nextRows(count: number, milliseconds: number): number {
    const affordable = (count * CHUNK_MS) / Math.max(1, milliseconds)
    const size = ROW_BUCKETS.filter((rows) => rows <= affordable).at(-1) ?? 1
    return Math.min(this.mostRows, Math.max(this.firstRows, size))
  }

  /** The program of the next larger size, bound on first use. */
  private async program(count: number): Promise<BoundForward> {
    const rows = ROW_BUCKETS.find((size) => count <= size)
    invariant(rows !== undefined && rows <= this.mostRows, `a chunk of ${count} rows fits a program`)
    const cached = this.bound.get(rows)
    if (cached) return cached
    const size = { rows, logitRows: rows, positions: this.rows.length }
    const program = this.runner.record(size, ['logits'], this.inspection.changes)
    const bound = await this.inspection.bind(program, new Map([['logits', this.logits]]))
    this.bound.set(rows, bound)
    return bound
  }

  /** Compiles what a chunk of this size needs. */
  async prepare(count: number): Promise<void> {
    await this.program(count)
  }

  /** Runs rows [begin, begin + count); their logits are then in the buffer, row by row. */
  async run(begin: number, count: number): Promise<void> {
    const { runner, inspection } = this
    if (runner.adapters !== inspection.changes.adapters) {
      throw new TokenscopeError('aborted', 'The adapters were changed while the text was being scored.', {
        hint: 'Score it again.',
      })
    }
    const forward = await this.program(count)
    const rows = inspection.rows(this.rows, begin, true, begin + count)
    inspection.submit(forward, rows, { label: 'score' })
  }

  /** The logits of the last chunk, row by row. */
  async *logitRows(count: number): AsyncGenerator<Float32Array> {
    const { vocab } = this.runner.model
    const atOnce = Math.max(1, Math.floor(PIECE / vocab))
    for (let from = 0; from < count; from += atOnce) {
      const rows = Math.min(atOnce, count - from)
      const range = [from * vocab, (from + rows) * vocab] as const
      const data = await this.runner.executor.readElements(this.logits.gpu, [range])
      for (let row = 0; row < rows; row++) yield data.subarray(row * vocab, (row + 1) * vocab)
    }
  }

  dispose(): void {
    this.inspection.dispose()
  }
}

function notFinite(position: number): TokenscopeError {
  return new TokenscopeError('bad-file', `The model computed NaN or infinity for position ${position}.`, {
    hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
    details: { position },
  })
}

/** Scores of a chunk that has run, in order. */
async function readChunk(
  pass: ScoringPass,
  [begin, count]: readonly [number, number],
  { ids, topLogprobs, signal, tokenizer }: ScoreRequest,
): Promise<ScoredToken[]> {
  const scored: ScoredToken[] = []
  for await (const logits of pass.logitRows(count)) {
    throwIfAborted(signal)
    const position = begin + scored.length + 1
    const id = ids[position] ?? 0
    const { top, ...score } = scoreRow(logits, id, topLogprobs)
    if (Number.isNaN(score.entropy)) throw notFinite(position)
    const spell = tokenizer?.speller(ids.slice(Math.max(0, position - SPELL_WINDOW), position))
    scored.push({ position, id, ...score, top: top.map((one) => ({ ...one, text: spell?.(one.id) ?? '' })) })
  }
  return scored
}

/**
 * Scores a text by teacher forcing: row i, having read tokens 0 … i, predicts token i + 1. A text of one token has nothing to score.
 * Chunks grow as fast as the device allows.
 * @throws `bad-argument` and `context-full` for ids that are none or too many, `aborted`, `bad-file` when a logit is no number
 */
export async function* scoreText(
  context: DecodeContext,
  ...[ids, options = {}]: Parameters<Model['score']>
): AsyncGenerator<readonly ScoredToken[]> {
  const { runner, tokenizer, info } = context
  const { signal } = options
  const { topLogprobs } = checkOptions({ topLogprobs: options.topLogprobs ?? DEFAULT_TOP }, [])
  checkIds(ids, info.vocab, info.context + 1)
  const total = ids.length - 1
  throwIfAborted(signal)
  if (total === 0) return
  const request = { ids, topLogprobs, signal, tokenizer }
  const pass = new ScoringPass(runner, ids.slice(0, total), ids.length, context.conditionsOf(options))
  try {
    let rows = pass.firstRows
    for (let begin = 0; begin < total;) {
      const chunk = [begin, Math.min(rows, total - begin)] as const
      context.checkHealth()
      // Adapters come and go between two chunks, never within one.
      const { scored, next } = await context.read(() =>
        runner.exclusive(async () => {
          throwIfAborted(signal)
          await pass.prepare(chunk[1])
          const started = performance.now()
          await pass.run(...chunk)
          const scored = await readChunk(pass, chunk, request)
          return { scored, next: pass.nextRows(chunk[1], performance.now() - started) }
        }),
      )
      begin += chunk[1]
      rows = next
      yield scored
    }
  } finally {
    pass.dispose()
  }
}
