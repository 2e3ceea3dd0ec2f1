import { TokenscopeError } from '../errors.ts'
import type { Mix } from '../engine/adapterSet.ts'
import type { BatchRow, LogitRow } from '../run/batch.ts'
import type { Sequence } from '../run/cache.ts'
import type { ToolContext } from '../engine/tools.ts'
import { MATVEC_ROWS } from '../program/fuse.ts'
import { MAX_LOGIT_ROWS } from '../run/runner.ts'
import type { Child, Fork, Model, NextTokens, TokenAlternative } from '../api/model.ts'
import { entropyNats, topN, type RankedToken } from './distribution.ts'
import { checkIds, checkOptions } from './options.ts'

/** Rows of a chunk of text that is no longer cached: small enough for the tab to stay responsive on a slow GPU. */
const CHUNK_ROWS = 32

/** What one call reads under. */
interface Reading {
  readonly context: ToolContext
  readonly mix: Mix
  /** Alternatives per prediction. */
  readonly top: number
}

/** Computes one row behind the parent's pages; see {@link Model.fork}. */
export async function forkText(
  context: ToolContext,
  ...[ids, position, token, options = {}]: Parameters<Model['fork']>
): Promise<Fork> {
  checkWhole('position', position, 0, ids.length)
  const branch = [...ids.slice(0, position), token]
  checkIds(branch, context.model.info.vocab, context.model.info.context + 1)
  const reading = await startReading(context, options)
  const { sequence, reused } = takeOver(reading, branch)
  try {
    const next = nextTokens(reading, await feed(reading, sequence, branch))
    return { ids: branch, next, reused }
  } finally {
    leave(reading, sequence)
  }
}

/** The most probable children of a text as rows of one batch; see {@link Model.expand}. */
export async function expandText(
  context: ToolContext,
  ...[ids, count, options = {}]: Parameters<Model['expand']>
): Promise<readonly Child[]> {
  const { vocab } = context.model.info
  checkWhole('count', count, 1, Math.min(MAX_LOGIT_ROWS, vocab))
  checkIds(ids, vocab, context.model.info.context)
  const reading = await startReading(context, options)
  const parent = takeOver(reading, ids).sequence
  const family = [parent]
  try {
    const tokens = topN(await feed(reading, parent, ids), count)
    // The first child grows out of the parent's own sequence, so no page is copied for it.
    while (family.length < tokens.length)
      family.push(context.runner.sequences.fork(parent, ids.length, reading.mix.key))
    const logits = await feedChildren(reading, family, tokens)
    return tokens.map((token, i) => ({
      token: spelled(reading, token),
      next: nextTokens(reading, logits.subarray(i * vocab, (i + 1) * vocab)),
    }))
  } finally {
    for (const sequence of family) leave(reading, sequence)
  }
}

async function startReading(
  context: ToolContext,
  options: NonNullable<Parameters<Model['fork']>[3]>,
): Promise<Reading> {
  const { topLogprobs: top } = checkOptions({ topLogprobs: options.topLogprobs }, [])
  await context.runner.prepareSelect()
  return { context, mix: context.mixOf(options), top }
}

/** A sequence that shares what the cache holds of these tokens. The last one always runs: its logits are wanted. */
function takeOver({ context, mix }: Reading, ids: readonly number[]): { sequence: Sequence; reused: number } {
  const { sequences } = context.runner
  const best = sequences.longestPrefix(ids, mix)
  const reused = Math.min(best?.length ?? 0, ids.length - 1)
  return { sequence: sequences.fork(reused > 0 && best ? best.sequence : null, reused, mix.key), reused }
}

/** Lets a sequence rest; one that only says what another does would take the place of a third. */
function leave({ context }: Reading, sequence: Sequence): void {
  const { sequences } = context.runner
  const { mix, tokens } = sequence
  const isTold = (other: Sequence): boolean =>
    other !== sequence && other.mix === mix && tokens.every((token, i) => other.tokens[i] === token)
  if (sequences.all().some(isTold)) return sequences.drop(sequence)
  sequences.truncate(sequence, tokens.length)
  sequences.rest(sequence)
}

/** Computes the rows a sequence lacks of `ids`. Resolves to the logits [vocab] behind the last. */
async function feed(reading: Reading, sequence: Sequence, ids: readonly number[]): Promise<Float32Array> {
  const { context } = reading
  const { sequences, device } = context.runner
  for (;;) {
    const from = sequence.tokens.length
    const chunk = ids.slice(from, from + CHUNK_ROWS)
    const last = from + chunk.length === ids.length
    sequences.reserve(sequence, from + chunk.length)
    const pages = [...sequence.pages]
    const rows = chunk.map((token, i) =>
      rowOf(reading, { sequence, pages }, token, from + i, last && i === chunk.length - 1 ? 0 : null),
    )
    await forward(reading, rows)
    sequence.tokens.push(...chunk)
    if (last) return readLogits(reading, 1)
    await device.queue.onSubmittedWorkDone()
    context.checkHealth()
  }
}

/** One row of every child, one batch. Resolves to their logits [children, vocab]. */
async function feedChildren(
  reading: Reading,
  children: readonly Sequence[],
  tokens: readonly RankedToken[],
): Promise<Float32Array> {
  const { sequences } = reading.context.runner
  const rows = children.map((sequence, i) => {
    const position = sequence.tokens.length
    sequences.reserve(sequence, position + 1)
    const pages = [...sequence.pages]
    return rowOf(reading, { sequence, pages }, tokens[i]?.id ?? 0, position, i)
  })
  await forward(reading, rows)
  children.forEach((sequence, i) => sequence.tokens.push(rows[i]?.token ?? 0))
  return readLogits(reading, rows.length)
}

function rowOf(
  { mix }: Reading,
  { sequence, pages }: { sequence: Sequence; pages: readonly number[] },
  token: number,
  position: number,
  ringRow: number | null,
): BatchRow {
  const logits = ringRow === null ? undefined : plainLogits(ringRow)
  return { token, position, pages, slot: sequence.slot, scales: mix.scales, logits }
}

/** Nothing is drawn: the host reads the logits themselves. */
function plainLogits(ringRow: number): LogitRow {
  const off = { inverseTemperature: 0, topK: 0, topP: 1, minP: 0 }
  return { ringRow, candidates: 1, ...off, seed: [0, 0], counter: 0 }
}

async function forward({ context, mix }: Reading, rows: readonly BatchRow[]): Promise<void> {
  const { runner } = context
  // A few rows take the program that loading has compiled, not one of their own.
  const size = rows.length === 1 ? 1 : Math.max(rows.length, MATVEC_ROWS)
  const bound = await runner.live(size, rows.filter(({ logits }) => logits).length, mix.edits)
  runner.submit(bound, rows)
}

async function readLogits({ context }: Reading, rows: number): Promise<Float32Array> {
  const { runner } = context
  const logits = new Float32Array(await runner.read(runner.logits.gpu, 0, rows * runner.spec.vocab * 4))
  context.checkHealth()
  if (logits.every(Number.isFinite)) return logits
  throw new TokenscopeError('bad-file', 'The model computed NaN or infinity for a branch.', {
    hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
  })
}

function nextTokens(reading: Reading, logits: Float32Array): NextTokens {
  const top = topN(logits, reading.top).map((token) => spelled(reading, token))
  return { top, entropy: entropyNats(logits) }
}

function spelled({ context }: Reading, { id, logprob }: RankedToken): TokenAlternative {
  return { id, text: context.tokenizer?.decode([id], { special: true }) ?? '', logprob }
}

function checkWhole(field: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  const allowed = `a whole number from ${min} to ${max}`
  throw new TokenscopeError('bad-argument', `Argument ${field} is ${value}; allowed is ${allowed}.`, {
    hint: `Set ${field} to ${allowed}.`,
    details: { field, got: value, expected: allowed },
  })
}
