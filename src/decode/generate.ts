import { invariant, throwIfAborted, type TokenscopeError } from '../errors.ts'
import { FROM_SAMPLER, type LogitRow } from '../run/batch.ts'
import type { Conditions } from '../run/conditions.ts'
import { Feed, programRows } from '../run/feed.ts'
import { MAX_ROWS, ROW_BUCKETS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'
import { MAX_CANDIDATES, type SelectRecord } from '../ops/select.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import { createStopMatcher, type StopMatcher } from '../text/stopMatcher.ts'
import { lastIds, pushToken } from './tokenStream.ts'
import type { FinishReason, GeneratedToken } from '../api/model.ts'
import type { CheckedOptions } from './options.ts'
import { ReadbackRing, type Readback } from './readback.ts'
import { randomUniform, seedWords } from '../maths/rng.ts'
import { sampleToken } from './samplers.ts'

/** Forwards in flight while the host reads earlier ones. */
const RUN_AHEAD = 3
/** A chunk of the prompt should take about this long, so that the tab stays responsive. */
const CHUNK_MS = 60

export interface GenerateContext {
  runner: Runner
  tokenizer: TextTokenizer | null
  /** The adapters this run is made under, to its end. */
  conditions: Conditions
  /** Throws when the device has failed outside a call. */
  checkHealth(): void
  /** Finds the first layer with NaN for a sequence of ids, for the error message. */
  explainNotFinite(ids: readonly number[]): Promise<TokenscopeError>
}

/** What is known of the last run, for {@link Model.tokenLogits} and continuing. */
export interface RunRecord {
  readonly prompt: readonly number[]
  readonly tokens: number[]
  readonly conditions: Conditions
  /** Forwards with logits that were submitted; the ring holds the last of them. */
  submitted: number
}

/** Below this temperature f32 exponents lose the draw's precision; the host draws in f64. */
const MIN_TEMPERATURE = 1e-3

/** True when the draw can be made on the GPU and tokens submitted ahead. */
export function drawsOnGpu({ sampling }: CheckedOptions): boolean {
  if (sampling.repetitionPenalty !== 1) return false
  if (sampling.temperature === 0) return true
  if (sampling.temperature < MIN_TEMPERATURE) return false
  if (sampling.topK > 0) return sampling.topK <= MAX_CANDIDATES
  return sampling.topP < 1 || sampling.minP > 0
}

/** A token as it was chosen. */
interface Drawn {
  id: number
  /** The model's own logit of it. */
  logit: number
  random: number | null
  /** True when the GPU had chosen another and gone on from that. */
  redrawn: boolean
}

/** One generation: feeds the prompt, then draws token after token. */
class Generation {
  readonly run: RunRecord
  private readonly feed: Feed
  private readonly ring: ReadbackRing
  private readonly onGpu: boolean
  private readonly candidates: number
  private readonly seed: readonly [number, number]
  private readonly seen: Set<number>
  private readonly matcher: StopMatcher
  private readonly detokenizer
  private readonly inFlight: Readback[] = []
  private readonly context: GenerateContext
  private readonly options: CheckedOptions
  /** Position the next submitted row takes. */
  private position: number
  private chunkRows: number = 8
  /** Set until the next token says so. */
  private readAgain = false

  constructor(context: GenerateContext, prompt: readonly number[], options: CheckedOptions) {
    const { runner, tokenizer, conditions } = context
    this.context = context
    this.options = options
    this.run = { prompt, tokens: [], conditions, submitted: 0 }
    this.feed = Feed.open(runner, conditions, prompt)
    this.position = this.feed.reused
    this.onGpu = drawsOnGpu(options)
    this.ring = new ReadbackRing(runner, RUN_AHEAD + 1, !this.onGpu)
    const { temperature, topK } = options.sampling
    const drawn = !this.onGpu || temperature === 0 ? 1 : topK > 0 ? topK : MAX_CANDIDATES
    this.candidates = Math.max(options.topLogprobs, drawn)
    this.seed = seedWords(options.sampling.seed)
    this.seen = new Set(prompt)
    this.matcher = createStopMatcher(options.stopStrings)
    this.detokenizer = tokenizer?.detokenizer({ after: prompt }) ?? null
  }

  private logitRow(): LogitRow {
    const { sampling } = this.options
    const index = this.run.submitted
    return {
      ringRow: index % this.context.runner.ringRows,
      candidates: this.candidates,
      inverseTemperature: this.onGpu && sampling.temperature > 0 ? 1 / sampling.temperature : 0,
      topK: sampling.topK,
      topP: sampling.topP,
      minP: sampling.minP,
      seed: this.seed,
      counter: index,
    }
  }

  /** Reads the prompt in chunks; the last one brings the first token. */
  async prefill(): Promise<void> {
    const { runner } = this.context
    const { prompt } = this.run
    const total = prompt.length
    while (this.position < total) {
      this.options.onPrefill?.(this.position, total)
      throwIfAborted(this.options.signal)
      const count = Math.min(this.chunkRows, total - this.position)
      const last = this.position + count === total
      // Compiling is not part of the time that the chunk size is adapted to.
      await runner.live(programRows(count), last ? 1 : 0, this.context.conditions.edits)
      const started = performance.now()
      await this.submit(prompt.slice(this.position, this.position + count), last)
      if (!last) {
        await runner.device.queue.onSubmittedWorkDone()
        this.context.checkHealth()
        this.adaptChunk(count, performance.now() - started)
      }
    }
    this.options.onPrefill?.(total, total)
  }

  private adaptChunk(count: number, milliseconds: number): void {
    const affordable = (count * CHUNK_MS) / Math.max(1, milliseconds)
    this.chunkRows = ROW_BUCKETS.filter((bucket) => bucket <= affordable).at(-1) ?? 1
    this.chunkRows = Math.min(MAX_ROWS, Math.max(8, this.chunkRows))
  }

  /** Submits the next rows of the sequence; with `logits`, a readback of the last row's record is put in flight. */
  private async submit(tokens: readonly number[], logits: boolean): Promise<void> {
    const logitRow = logits ? this.logitRow() : undefined
    const ahead = this.position - this.feed.tokens.length
    const rows = await this.feed.rows(tokens, logitRow ? [logitRow] : [], ahead)
    const readback = logitRow ? this.ring.next(logitRow.ringRow) : null
    const after = readback ? (encoder: GPUCommandEncoder) => readback.copy(encoder) : undefined
    await this.feed.submit(rows, { after })
    if (readback) {
      readback.map()
      this.inFlight.push(readback)
      this.run.submitted += 1
    }
    this.feed.accept(tokens)
    this.position += tokens.length
  }

  async *tokens(): AsyncGenerator<GeneratedToken> {
    for (;;) {
      if (this.onGpu) await this.fill()
      const readback = this.inFlight.shift()
      invariant(readback, 'a token is in flight')
      const record = await readback.record()
      this.context.checkHealth()
      if (record.notFinite) {
        throw await this.context.explainNotFinite([...this.run.prompt, ...this.run.tokens])
      }
      const drawn = await this.draw(record, readback)
      readback.release()
      const token = this.emit(drawn, record)
      yield token
      if (token.finish !== null) return
      if (drawn.redrawn) await this.restartFrom(token.id)
      else if (this.inFlight.length === 0) await this.feedToken(token.id)
      else this.feed.accept([token.id])
    }
  }

  /** Keeps forwards in flight whose tokens the GPU draws itself. */
  private async fill(): Promise<void> {
    const { maxTokens } = this.options
    while (
      this.inFlight.length > 0 &&
      this.inFlight.length < RUN_AHEAD &&
      this.run.submitted < maxTokens &&
      this.position < this.context.runner.context &&
      !this.feed.outgrows(this.position + 1)
    ) {
      await this.submit([FROM_SAMPLER], true)
    }
  }

  /** The GPU's draw, or one from full logits where the host must decide. */
  private async draw(record: SelectRecord, readback: Readback): Promise<Drawn> {
    const { sampling } = this.options
    if (this.onGpu && !record.notCovered) {
      const logit = record.logits[record.ids.indexOf(record.token)] ?? NaN
      return { id: record.token, logit, random: record.random, redrawn: false }
    }
    const index = this.run.tokens.length
    const random = randomUniform(sampling.seed, index)
    const logits = await readback.logits()
    const id = sampleToken(logits, sampling, { seenIds: this.seen, random })
    return {
      id,
      logit: logits[id] ?? NaN,
      random: sampling.temperature === 0 ? null : random,
      redrawn: this.onGpu && id !== record.token,
    }
  }

  /** Drops what was submitted ahead on a token that was not chosen, and goes on from the chosen one. */
  private async restartFrom(id: number): Promise<void> {
    const stale = this.inFlight.splice(0)
    await Promise.all(
      stale.map(async (readback) => {
        await readback.record()
        readback.release()
      }),
    )
    this.run.submitted -= stale.length
    this.position -= stale.length
    await this.feedToken(id)
  }

  /** Feeds a token that the host knows. A text that has outgrown the rotation of short ones is read again first. */
  private async feedToken(id: number): Promise<void> {
    const { prompt, tokens } = this.run
    const { maxTokens, signal } = this.options
    const reach = Math.min(prompt.length + maxTokens, this.context.runner.context)
    const contextIds = [...prompt, ...tokens.slice(0, -1)]
    if (await this.feed.renew(this.position + 1, contextIds, reach, { signal })) this.readAgain = true
    await this.submit([id], true)
  }

  private emit({ id, logit, random }: Drawn, record: SelectRecord): GeneratedToken {
    const { tokenizer, runner } = this.context
    const { options, run } = this
    const spell = tokenizer?.speller(lastIds(run.prompt, run.tokens))
    run.tokens.push(id)
    this.seen.add(id)
    const index = run.tokens.length - 1
    const isStop = options.stopIds.has(id)
    const { text, stopped } = pushToken(this.matcher, tokenizer, isStop ? null : this.detokenizer, id)
    const position = run.prompt.length + index
    const finish: FinishReason | null =
      isStop || stopped
        ? 'stop'
        : options.signal?.aborted
          ? 'abort'
          : index + 1 >= options.maxTokens
            ? 'length'
            : position >= runner.context
              ? 'context-full'
              : null
    const rest = finish !== null && !stopped ? this.ending() : ''
    const again = this.readAgain ? { readAgain: true } : {}
    this.readAgain = false
    return {
      index,
      position,
      id,
      text: text + rest,
      logprob: logit - record.logSumExp,
      top: Array.from(record.ids.subarray(0, options.topLogprobs), (top, i) => ({
        id: top,
        text: spell?.(top) ?? '',
        logprob: (record.logits[i] ?? NaN) - record.logSumExp,
      })),
      random,
      finish,
      ...again,
    }
  }

  /** Text held back for a stop string or an unfinished character that will not come any more. */
  private ending(): string {
    const tail = this.detokenizer?.flush() ?? ''
    const { text, stopped } = this.matcher.push(tail)
    return stopped ? text : text + this.matcher.flush()
  }

  /** Parks the sequence with the tokens that are certainly in its pages. */
  async close(): Promise<void> {
    this.feed.park()
    await this.ring.dispose(this.inFlight.splice(0))
  }
}

/** Generates tokens for checked ids. `onRun` hears of the run as soon as it exists. */
export async function* generateTokens(
  context: GenerateContext,
  ids: readonly number[],
  options: CheckedOptions,
  onRun: (run: RunRecord) => void,
): AsyncGenerator<GeneratedToken> {
  throwIfAborted(options.signal)
  await context.runner.prepareSelect()
  const generation = new Generation(context, ids, options)
  onRun(generation.run)
  try {
    await generation.prefill()
    yield* generation.tokens()
  } finally {
    await generation.close()
  }
}
