import type { Conditions } from '../run/conditions.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'
import { Feed, submitRows } from '../run/feed.ts'
import type { Runner } from '../run/runner.ts'
import type { Detokenizer } from '../text/detokenizer.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type { ComparedToken, FinishReason, GeneratedToken } from '../api/model.ts'
import { klDivergence, logSoftmax, topN } from '../maths/distribution.ts'
import { lastIds } from './tokenStream.ts'
import type { CheckedOptions } from './options.ts'
import { randomUniform } from '../maths/rng.ts'
import { sampleToken } from './samplers.ts'

export interface CompareContext {
  runner: Runner
  tokenizer: TextTokenizer | null
  a: Conditions
  b: Conditions
  checkHealth(): void
}

/** One of the two continuations. */
interface PairSide {
  readonly feed: Feed
  readonly tokens: number[]
  readonly detokenizer: Detokenizer | null
  readonly seen: Set<number>
  finish: FinishReason | null
}

/** Two continuations of one prompt in lock-step, a row each of one batch. Draws are the host's, from full logits. */
class PairedGeneration {
  private readonly sides: readonly [PairSide, PairSide]
  private readonly context: CompareContext
  /** Both rows run one program: the unedited one's strength is 0. */
  private readonly edits: Conditions['edits']
  private readonly prompt: readonly number[]
  private readonly options: CheckedOptions

  constructor(context: CompareContext, prompt: readonly number[], options: CheckedOptions) {
    this.context = context
    this.edits = context.a.edits ?? context.b.edits
    this.prompt = prompt
    this.options = options
    this.sides = [this.side(context.a), this.side(context.b)]
  }

  private side(conditions: Conditions): PairSide {
    const { runner, tokenizer } = this.context
    return {
      feed: Feed.open(runner, conditions, this.prompt),
      tokens: [],
      detokenizer: tokenizer?.detokenizer({ after: this.prompt }) ?? null,
      seen: new Set(this.prompt),
      finish: null,
    }
  }

  /** Feeds the prompt to both sides, all but its last token; that one goes with the first step. */
  async prefill(): Promise<void> {
    const { signal, onPrefill } = this.options
    const end = this.prompt.length - 1
    const read = (): void =>
      onPrefill?.(
        this.sides.reduce((sum, { feed }) => sum + feed.tokens.length, 0),
        2 * end,
      )
    read()
    for (const { feed } of this.sides) {
      await feed.read(this.prompt.slice(feed.tokens.length, end), { signal, onRead: read })
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
    const { vocab } = runner.model
    const active = this.sides.filter(({ finish }) => finish === null)
    const reach = Math.min(this.prompt.length + this.options.maxTokens, runner.context)
    for (const { feed, tokens } of active) {
      const contextIds = [...this.prompt, ...tokens].slice(0, -1)
      await feed.renew(contextIds.length + 1, contextIds, reach, { signal: this.options.signal })
    }
    const rows: BatchRow[] = []
    for (const [i, { feed, tokens }] of active.entries()) {
      const token = tokens.at(-1) ?? this.prompt.at(-1) ?? 0
      rows.push(...(await feed.rows([token], [plainLogits(i)])))
      feed.accept([token])
    }
    await submitRows(runner, rows, { edits: this.edits }, { program: [rows.length, rows.length] })
    const data = new Float32Array(await runner.read(runner.logits.gpu, 0, active.length * vocab * 4))
    return this.sides.map((side) => {
      const at = active.indexOf(side)
      return at < 0 ? null : data.subarray(at * vocab, (at + 1) * vocab)
    })
  }

  private emit(side: PairSide, index: number, logits: Float32Array, logs: Float64Array): GeneratedToken {
    const { options } = this
    const { sampling } = options
    const random = randomUniform(sampling.seed, index)
    const id = sampleToken(logits, sampling, { seenIds: side.seen, random })
    const spell = this.context.tokenizer?.speller(lastIds(this.prompt, side.tokens))
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
        text: spell?.(top.id) ?? '',
        logprob: logs[top.id] ?? NaN,
      })),
      random: sampling.temperature === 0 ? null : random,
      finish: side.finish,
    }
  }

  close(): void {
    for (const { feed } of this.sides) feed.park()
  }
}

/** Runs both continuations to their ends. */
export async function* compareTokens(
  context: CompareContext,
  prompt: readonly number[],
  options: CheckedOptions,
): AsyncGenerator<ComparedToken> {
  await context.runner.prepareSelect()
  const pair = new PairedGeneration(context, prompt, options)
  try {
    await pair.prefill()
    yield* pair.steps()
  } finally {
    pair.close()
  }
}
