import { klDivergence, logSoftmax, topN } from '../maths/distribution.ts'
import type { ScoredToken, TensorData } from '../api/model.ts'

/** What one row predicts with edits, against the same row without: log-probabilities of the token that comes next. */
export interface EditedRow {
  /** KL(edited ‖ base) of the whole distributions, nats; null where only single tokens were scored. */
  kl: number | null
  /** Null at the last row: nothing comes next. */
  base: number | null
  edited: number | null
}

/** Both sides of a text: `[rows, vocab]` each; of a text too long for them the scored tokens. */
export type EditedSource =
  | { kind: 'logits'; base: TensorData; edited: TensorData }
  | { kind: 'scored'; base: readonly ScoredToken[]; edited: readonly ScoredToken[] }

/** One candidate of a row: probabilities, null where that side did not capture it. */
export interface PairLine {
  id: number
  base: number | null
  edited: number | null
}

export function rowLogits({ data, shape }: TensorData, row: number): Float32Array {
  const vocab = shape[1] ?? 0
  return data.subarray(row * vocab, (row + 1) * vocab)
}

/** Compares a row of two runs; `next` is the token that came after it. */
export function compareRows(base: Float32Array, edited: Float32Array, next: number | undefined): EditedRow {
  const [p, q] = [logSoftmax(edited), logSoftmax(base)]
  const at = (values: Float64Array) => (next === undefined ? null : (values[next] ?? null))
  return { kl: base === edited ? 0 : klDivergence(p, q), base: at(q), edited: at(p) }
}

/** The most probable tokens of a row on either side, by the larger of their two probabilities. */
export function pairLines({ source }: { source: EditedSource }, row: number, limit: number): PairLine[] {
  const sides =
    source.kind === 'logits'
      ? [source.edited, source.base].map((side) => wholeSide(rowLogits(side, row), limit))
      : [source.edited, source.base].map((side) => capturedSide(side[row]))
  const [edited, base] = sides
  if (edited === undefined || base === undefined) return []
  const ids = new Set([...edited.top, ...base.top])
  const larger = (line: PairLine) => Math.max(line.base ?? 0, line.edited ?? 0)
  return Array.from(ids, (id) => ({ id, base: base.of(id), edited: edited.of(id) }))
    .sort((a, b) => larger(b) - larger(a) || a.id - b.id)
    .slice(0, limit)
}

interface PairSide {
  top: readonly number[]
  of(id: number): number | null
}

function wholeSide(logits: Float32Array, limit: number): PairSide {
  const logs = logSoftmax(logits)
  return { top: topN(logits, limit).map(({ id }) => id), of: (id) => Math.exp(logs[id] ?? -Infinity) }
}

function capturedSide(scored: ScoredToken | undefined): PairSide {
  const probabilities = new Map(scored?.top.map(({ id, logprob }) => [id, Math.exp(logprob)]))
  if (scored !== undefined) probabilities.set(scored.id, Math.exp(scored.logprob))
  return { top: [...probabilities.keys()], of: (id) => probabilities.get(id) ?? null }
}

/** How far a row moved: KL, or where none was measured how far the probability of the next token moved. */
export function strength({ kl, base, edited }: EditedRow): number {
  if (kl !== null) return kl
  return base === null || edited === null ? 0 : Math.abs(Math.exp(edited) - Math.exp(base))
}

/** The row whose prediction changed most. */
export function largestRow({ rows }: { rows: readonly EditedRow[] }): number {
  return rows.reduce((best, row, at) => (strength(row) > strength(rows[best]!) ? at : best), 0)
}

/** Means over the text; null where nothing of it was measured. */
export function summarise({ rows }: { rows: readonly EditedRow[] }): {
  mean: number | null
  most: number | null
  /** Sum of ln p(edited) − ln p(base) over the tokens of the text. */
  delta: number
} {
  const kl = rows.flatMap((row) => row.kl ?? [])
  const delta = rows.reduce((sum, { base, edited }) => sum + ((edited ?? 0) - (base ?? 0)), 0)
  if (kl.length === 0) return { mean: null, most: null, delta }
  return { mean: kl.reduce((sum, value) => sum + value, 0) / kl.length, most: Math.max(...kl), delta }
}
