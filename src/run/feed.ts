import { throwIfAborted } from '../errors.ts'
import { MATVEC_ROWS } from '../ops/linear.ts'
import { FROM_SAMPLER, type BatchRow, type LogitRow } from './batch.ts'
import type { Sequence } from './cache.ts'
import type { Conditions } from './conditions.ts'
import { MAX_ROWS } from './rows.ts'
import type { Runner } from './runner.ts'

interface ReadOptions {
  /** Rows of the next chunk, given how many are left. */
  chunk?: (left: number) => number
  signal?: AbortSignal | undefined
  /** Tokens read so far. */
  onRead?: ((count: number) => void) | undefined
}

interface SubmitOptions {
  /** Rows and rows with logits of the program to run on, where that is not the one for so many rows. */
  program?: readonly [rows: number, logitRows: number]
  /** Copies behind the forward. */
  after?: ((encoder: GPUCommandEncoder) => void) | undefined
}

/** Rows of the program that some rows run on: a few take the 8-row one that loading has compiled, not one of their own. */
export function programRows(rows: number): number {
  return rows === 1 ? 1 : Math.max(rows, MATVEC_ROWS)
}

/** Compiles what a forward of so many rows needs, and runs it. */
export async function submitRows(
  runner: Runner,
  rows: readonly BatchRow[],
  { edits }: Pick<Conditions, 'edits'>,
  { program, after }: SubmitOptions = {},
): Promise<void> {
  const [size, logitRows] = program ?? [programRows(rows.length), rows.filter(({ logits }) => logits).length]
  await runner.withLive(size, logitRows, edits, (bound) => runner.submit(bound, rows, after))
}

/** A sequence under the conditions of a text, which shares what the cache holds of these tokens. */
function shared(runner: Runner, conditions: Conditions, tokens: readonly number[], length: number): Sequence {
  const origin = runner.origin(conditions, length)
  const best = runner.sequences.longestPrefix(tokens, origin)
  return runner.sequences.fork(best?.sequence ?? null, best?.length ?? 0, origin.key)
}

/** One text on its way through the model: its sequence in the cache, and what it runs under. */
export class Feed {
  /** Positions that were found in the cache. */
  readonly reused: number
  readonly #runner: Runner
  readonly #conditions: Conditions
  #sequence: Sequence
  /** Length of the text that its rotation was chosen for. */
  #length: number

  private constructor(runner: Runner, conditions: Conditions, sequence: Sequence, length: number) {
    this.#runner = runner
    this.#conditions = conditions
    this.#sequence = sequence
    this.#length = length
    this.reused = sequence.tokens.length
  }

  /**
   * A sequence that shares what the cache holds of these tokens. The last one always runs: its logits are wanted. `length`: tokens
   * of the whole text, where more of it is known to come.
   */
  static open(runner: Runner, conditions: Conditions, ids: readonly number[], length = ids.length): Feed {
    return new Feed(runner, conditions, shared(runner, conditions, ids.slice(0, -1), length), length)
  }

  /** Another sequence that begins as this one is. */
  fork(): Feed {
    const { sequences } = this.#runner
    const { sequence } = this
    const forked = sequences.fork(sequence, sequence.tokens.length, sequence.key)
    return new Feed(this.#runner, this.#conditions, forked, this.#length)
  }

  get sequence(): Sequence {
    return this.#sequence
  }

  /** True when a text of `length` tokens turns otherwise than this one began, for being short. */
  outgrows(length: number): boolean {
    return this.#runner.turnedAs(this.#length) === 0 && this.#runner.turnedAs(length) !== 0
  }

  /** Tokens that may follow a text of `length` before it outgrows its rotation. */
  roomBehind(length: number): number {
    return this.outgrows(Infinity) ? this.#runner.turnBorder - length : Infinity
  }

  /**
   * Before rows are fed up to `length` tokens: where the text outgrows the rotation it began with, `tokens`, all that was fed so far,
   * are read again under that of a text of `reach` tokens. Resolves to true then.
   */
  async renew(
    length: number,
    tokens: readonly number[],
    reach: number,
    options?: ReadOptions,
  ): Promise<boolean> {
    if (!this.outgrows(length)) return false
    this.park()
    this.#length = Math.max(length, reach)
    this.#sequence = shared(this.#runner, this.#conditions, tokens, this.#length)
    await this.read(tokens.slice(this.tokens.length), options)
    return true
  }

  /** Tokens whose keys and values are in the pages. */
  get tokens(): readonly number[] {
    return this.sequence.tokens
  }

  /**
   * Rows that go on `ahead` positions behind the sequence; the last of them want logits as `wanted` says.
   * @throws `limit`, `out-of-memory` or `context-full` where there is no room for them
   */
  async rows(tokens: readonly number[], wanted: readonly LogitRow[] = [], ahead = 0): Promise<BatchRow[]> {
    const { sequence } = this
    const begin = sequence.tokens.length + ahead
    await this.#runner.makeRoom(sequence, begin + tokens.length)
    const pages = [...sequence.pages]
    const first = tokens.length - wanted.length
    return tokens.map((token, i) => ({
      token,
      position: begin + i,
      pages,
      slot: sequence.slot,
      textLength: this.#length,
      scales: this.#conditions.scales,
      logits: wanted[i - first],
    }))
  }

  /** Runs rows of this text. */
  submit(rows: readonly BatchRow[], options?: SubmitOptions): Promise<void> {
    return submitRows(this.#runner, rows, this.#conditions, options)
  }

  /** Takes tokens that were submitted into the sequence; those that the GPU draws itself are not known yet. */
  accept(tokens: readonly number[]): void {
    this.sequence.tokens.push(...tokens.filter((token) => token !== FROM_SAMPLER))
  }

  /** Reads tokens whose predictions are not wanted, chunk by chunk, so that other work gets its turn. */
  async read(
    tokens: readonly number[],
    { chunk = () => MAX_ROWS, signal, onRead }: ReadOptions = {},
  ): Promise<void> {
    for (let at = 0; at < tokens.length;) {
      throwIfAborted(signal)
      const part = tokens.slice(at, at + chunk(tokens.length - at))
      await this.submit(await this.rows(part))
      await this.#runner.device.queue.onSubmittedWorkDone()
      this.accept(part)
      at += part.length
      onRead?.(at)
    }
  }

  /** Forgets positions from `length` on; where windows have passed what the next row would see, all of them. */
  truncate(length: number): void {
    this.#runner.sequences.truncate(this.sequence, length)
  }

  /** Ends the use of the sequence; its pages stay until they are needed. Rows that never came lose theirs. */
  park(): void {
    this.truncate(this.tokens.length)
    this.#runner.sequences.park(this.sequence)
  }

  drop(): void {
    this.#runner.sequences.drop(this.sequence)
  }
}
