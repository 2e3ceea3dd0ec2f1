import { TokenscopeError } from '../errors.ts'
import type { Conditions } from '../run/conditions.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'
import { Feed, submitRows } from '../run/feed.ts'
import { MAX_LOGIT_ROWS } from '../run/rows.ts'
import type { DecodeContext } from './context.ts'
import type { Child, Fork, Model, NextTokens, TokenAlternative } from '../api/model.ts'
import { entropyNats, topN, type RankedToken } from '../maths/distribution.ts'
import { checkIds, checkOptions } from './options.ts'

/** Rows of a chunk of text that is no longer cached: small enough for the tab to stay responsive on a slow GPU. */
const CHUNK_ROWS = 32

/** What one call reads under. */
interface BranchRead {
  readonly context: DecodeContext
  readonly conditions: Conditions
  /** Alternatives per prediction. */
  readonly top: number
}

/** Computes one row behind the parent's pages; see {@link Model.fork}. */
export async function forkText(
  context: DecodeContext,
  ...[ids, position, token, options = {}]: Parameters<Model['fork']>
): Promise<Fork> {
  checkWhole('position', position, 0, ids.length)
  const branch = [...ids.slice(0, position), token]
  checkIds(branch, context.info.vocab, context.info.context + 1)
  const read = await startRead(context, options)
  const feed = Feed.open(context.runner, read.conditions, branch)
  try {
    const next = nextTokens(read, await readAll(read, feed, branch), branch)
    return { ids: branch, next, reused: feed.reused }
  } finally {
    leave(read, feed)
  }
}

/** The most probable children of a text as rows of one batch; see {@link Model.expand}. */
export async function expandText(
  context: DecodeContext,
  ...[ids, count, options = {}]: Parameters<Model['expand']>
): Promise<readonly Child[]> {
  const { vocab } = context.info
  checkWhole('count', count, 1, Math.min(MAX_LOGIT_ROWS, vocab))
  checkIds(ids, vocab, context.info.context)
  const read = await startRead(context, options)
  const parent = Feed.open(context.runner, read.conditions, ids)
  const family = [parent]
  try {
    const tokens = topN(await readAll(read, parent, ids), count)
    const length = ids.length + 1
    const again = (await parent.renew(length, ids, length)) ? { readAgain: true } : {}
    // One child grows out of the parent's own sequence, so no page is copied for it.
    while (family.length < tokens.length) family.push(parent.fork())
    const logits = await feedChildren(read, family, tokens)
    const toAlternative = withText(read, ids)
    return tokens.map((token, i) => ({
      token: toAlternative(token),
      next: nextTokens(read, logits.subarray(i * vocab, (i + 1) * vocab), [...ids, token.id]),
      ...again,
    }))
  } finally {
    for (const feed of family) leave(read, feed)
  }
}

async function startRead(
  context: DecodeContext,
  options: NonNullable<Parameters<Model['fork']>[3]>,
): Promise<BranchRead> {
  const { topLogprobs: top } = checkOptions({ topLogprobs: options.topLogprobs }, [])
  await context.runner.prepareSelect()
  return { context, conditions: context.conditionsOf(options), top }
}

/** Parks a sequence; one that is the beginning of another would only take the place of a third. */
function leave({ context }: BranchRead, feed: Feed): void {
  const { sequence } = feed
  const { key, tokens } = sequence
  const isContained = context.runner.sequences
    .all()
    .some(
      (other) => other !== sequence && other.key === key && tokens.every((id, i) => other.tokens[i] === id),
    )
  if (isContained) feed.drop()
  else feed.park()
}

/** Computes the rows that a sequence lacks of `ids`, the last chunk with logits. Resolves to those [vocab] behind the last row. */
async function readAll(read: BranchRead, feed: Feed, ids: readonly number[]): Promise<Float32Array> {
  const missing = ids.slice(feed.tokens.length)
  const lastChunk = ((missing.length - 1) % CHUNK_ROWS) + 1
  await feed.read(missing.slice(0, -lastChunk), {
    chunk: () => CHUNK_ROWS,
    onRead: () => read.context.checkHealth(),
  })
  const last = missing.slice(-lastChunk)
  await feed.submit(await feed.rows(last, [plainLogits(0)]))
  feed.accept(last)
  return readLogits(read, 1)
}

/** One row of every child, one batch. Resolves to their logits [children, vocab]. */
async function feedChildren(
  read: BranchRead,
  children: readonly Feed[],
  tokens: readonly RankedToken[],
): Promise<Float32Array> {
  const ids = children.map((_, i) => tokens[i]?.id ?? 0)
  const rows: BatchRow[] = []
  for (const [i, feed] of children.entries()) rows.push(...(await feed.rows([ids[i] ?? 0], [plainLogits(i)])))
  await submitRows(read.context.runner, rows, read.conditions)
  children.forEach((feed, i) => feed.accept([ids[i] ?? 0]))
  return readLogits(read, rows.length)
}

async function readLogits({ context }: BranchRead, rows: number): Promise<Float32Array> {
  const { runner } = context
  const logits = new Float32Array(await runner.read(runner.logits.gpu, 0, rows * runner.model.vocab * 4))
  context.checkHealth()
  if (logits.every(Number.isFinite)) return logits
  throw new TokenscopeError('bad-file', 'The model computed NaN or infinity for a branch.', {
    hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
  })
}

function nextTokens(read: BranchRead, logits: Float32Array, contextIds: readonly number[]): NextTokens {
  const top = topN(logits, read.top).map(withText(read, contextIds))
  return { top, entropy: entropyNats(logits) }
}

function withText(
  { context }: BranchRead,
  contextIds: readonly number[],
): (token: RankedToken) => TokenAlternative {
  const spell = context.tokenizer?.speller(contextIds)
  return ({ id, logprob }) => ({ id, text: spell?.(id) ?? '', logprob })
}

function checkWhole(field: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  const allowed = `a whole number from ${min} to ${max}`
  throw new TokenscopeError('bad-argument', `Argument ${field} is ${value}; allowed is ${allowed}.`, {
    hint: `Set ${field} to ${allowed}.`,
    details: { field, got: value, expected: allowed },
  })
}
