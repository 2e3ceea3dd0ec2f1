import { throwIfAborted } from '../errors.ts'
import type { Mix } from '../engine/adapterSet.ts'
import type { BatchRow } from '../run/batch.ts'
import type { EditSet } from '../run/editSet.ts'
import type { Sequence } from '../run/cache.ts'
import { MAX_ROWS, type Runner } from '../run/runner.ts'
import type { Detokenizer } from '../text/detokenizer.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type { ComparedToken, FinishReason, GeneratedToken } from '../api/model.ts'
import { klDivergence, logSoftmax, topN } from './distribution.ts'
import type { CheckedOptions } from './options.ts'
import { randomUniform } from './rng.ts'
import { sampleToken } from './samplers.ts'

export interface CompareContext {
  runner: Runner
  tokenizer: TextTokenizer | null
  a: Mix
  b: Mix
  checkHealth(): void
}

/** One of the two continuations. */
interface Side {
  readonly mix: Mix
  readonly sequence: Sequence
  readonly tokens: number[]
  readonly detokenizer: Detokenizer | null
  readonly seen: Set<number>
  finish: FinishReason | null
}

/** Two continuations of one prompt in lock-step, a row each of one batch. Draws are the host's, from full logits. */
class Duet {
  private readonly sides: readonly [Side, Side]
  private readonly context: CompareContext
  /** Both rows run one program: the unedited one's strength is 0. */
  private readonly edits: EditSet | null
  private readonly prompt: readonly number[]
  private readonly options: CheckedOptions

  constructor(context: CompareContext, prompt: readonly number[], options: CheckedOptions) {
    this.context = context
    this.edits = context.a.edits ?? context.b.edits
    this.prompt = prompt
    this.options = options
    this.sides = [this.side(context.a), this.side(context.b)]
  }

  private side(mix: Mix): Side {
    const { runner, tokenizer } = this.context
    const best = runner.sequences.longestPrefix(this.prompt, mix)
    const reused = Math.min(best?.length ?? 0, this.prompt.length - 1)
    return {
      mix,
      sequence: runner.sequences.fork(reused > 0 && best ? best.sequence : null, reused, mix.key),
      tokens: [],
      detokenizer: tokenizer?.detokenizer({ after: this.prompt }) ?? null,
      seen: new Set(this.prompt),
      finish: null,
    }
  }

  /** Rows that feed `ids` to a side; the last one's logits go to ring row `ringRow` when asked for. */
  private rows({ sequence, mix }: Side, ids: readonly number[], ringRow: number | null): BatchRow[] {
    const { runner } = this.context
    const begin = sequence.tokens.length
    runner.sequences.reserve(sequence, begin + ids.length)
    const pages = [...sequence.pages]
    const rows = ids.map((token, i): BatchRow => ({
      token,
      position: begin + i,
      pages,
      slot: sequence.slot,
      scales: mix.scales,
    }))
    const last = rows.at(-1)
    if (last && ringRow !== null) {
      last.logits = {
        ringRow,
        candidates: 1,
        inverseTemperature: 0,
        topK: 0,
        topP: 1,
        minP: 0,
        seed: [0, 0],
        counter: 0,
      }
    }
    sequence.tokens.push(...ids)
    return rows
  }

  private async forward(rows: readonly BatchRow[]): Promise<void> {
    const { runner } = this.context
    const bound = await runner.live(rows.length, rows.filter((row) => row.logits).length, this.edits)
    runner.submit(bound, rows)
  }

  /** Feeds the prompt to both sides, all but its last token; that one goes with the first step. */
  async prefill(): Promise<void> {
    const { runner } = this.context
    const end = this.prompt.length - 1
    for (const side of this.sides) {
      while (side.sequence.tokens.length < end) {
        const done = this.sides.reduce((sum, { sequence }) => sum + sequence.tokens.length, 0)
        this.options.onPrefill?.(done, 2 * end)
        throwIfAborted(this.options.signal)
        const begin = side.sequence.tokens.length
        await this.forward(this.rows(side, this.prompt.slice(begin, Math.min(end, begin + MAX_ROWS)), null))
        await runner.device.queue.onSubmittedWorkDone()
      }
    }
  }

  async *steps(): AsyncGenerator<ComparedToken> {
    for (let index = 0; this.sides.some(({ finish }) => finish === null); index++) {
      const logits = await this.logits()
      this.context.checkHealth()
      const normal = logits.map((values) => (values ? logSoftmax(values) : null))
      const [a, b] = this.sides.map((side, i) => {
        const [values, logs] = [logits[i], normal[i]]
        return values && logs ? this.emit(side, index, values, logs) : null
      })
      const [p, q] = [normal[1], normal[0]]
      yield { a: a ?? null, b: b ?? null, kl: p && q ? klDivergence(p, q) : null }
    }
  }

  /** One batch with a row of every side that goes on; full logits of each, null for a side that has ended. */
  private async logits(): Promise<(Float32Array | null)[]> {
    const { runner } = this.context
    const { vocab } = runner.spec
    const active = this.sides.filter(({ finish }) => finish === null)
    const fed = active.map((side, i) => this.rows(side, [side.tokens.at(-1) ?? this.prompt.at(-1) ?? 0], i))
    await this.forward(fed.flat())
    const data = new Float32Array(await runner.read(runner.logits.gpu, 0, active.length * vocab * 4))
    return this.sides.map((side) => {
      const at = active.indexOf(side)
      return at < 0 ? null : data.subarray(at * vocab, (at + 1) * vocab)
    })
  }

  private emit(side: Side, index: number, logits: Float32Array, logs: Float64Array): GeneratedToken {
    const { options } = this
    const { sampling } = options
    const random = randomUniform(sampling.seed, index)
    const id = sampleToken(logits, sampling, { seenIds: side.seen, random })
    side.tokens.push(id)
    side.seen.add(id)
    const position = this.prompt.length + index
    side.finish = options.stopIds.has(id)
      ? 'stop'
      : options.signal?.aborted
        ? 'abort'
        : index + 1 >= options.maxTokens
          ? 'length'
          : position + 1 >= this.context.runner.context
            ? 'context-full'
            : null
    const piece = side.finish === 'stop' ? '' : (side.detokenizer?.push(id) ?? '')
    return {
      index,
      position,
      id,
      text: side.finish === null ? piece : piece + (side.detokenizer?.flush() ?? ''),
      logprob: logs[id] ?? NaN,
      top: topN(logits, options.topLogprobs).map((top) => ({
        id: top.id,
        text: this.context.tokenizer?.decode([top.id], { special: true }) ?? '',
        logprob: logs[top.id] ?? NaN,
      })),
      random: sampling.temperature === 0 ? null : random,
      finish: side.finish,
    }
  }

  close(): void {
    for (const { sequence } of this.sides) this.context.runner.sequences.rest(sequence)
  }
}

/** Runs both continuations to their ends. */
export async function* compareTokens(
  context: CompareContext,
  prompt: readonly number[],
  options: CheckedOptions,
): AsyncGenerator<ComparedToken> {
  await context.runner.prepareSelect()
  const duet = new Duet(context, prompt, options)
  try {
    await duet.prefill()
    yield* duet.steps()
  } finally {
    duet.close()
  }
}
