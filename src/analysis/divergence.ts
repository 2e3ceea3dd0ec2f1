import { breather } from './breather.ts'
import { klDivergence, logSoftmax } from '../maths/distribution.ts'
import type { TensorData } from '../api/model.ts'

/** Largest positions × vocabulary that is scored at once: 64 MB of logits. */
export const SCORE_LIMIT = 16_000_000
function rowOf({ data, shape }: TensorData, row: number): Float32Array {
  const vocab = shape[1] ?? 0
  return data.subarray(row * vocab, (row + 1) * vocab)
}

/** One position of a text that two sets of scales were asked about. */
export interface ScoredPosition {
  /** Log-probabilities of the token that stands there. */
  a: number
  b: number
  /** KL(b ‖ a), nats. */
  kl: number
}

/** Both sides' view of every token but the first. */
export async function scoreBoth(
  a: TensorData,
  b: TensorData,
  ids: readonly number[],
): Promise<ScoredPosition[]> {
  const scored: ScoredPosition[] = []
  const breathe = breather()
  for (let at = 1; at < ids.length; at++) {
    const [p, q] = [logSoftmax(rowOf(a, at - 1)), logSoftmax(rowOf(b, at - 1))]
    const id = ids[at] ?? 0
    scored.push({ a: p[id] ?? -Infinity, b: q[id] ?? -Infinity, kl: klDivergence(q, p) })
    await breathe()
  }
  return scored
}

/** One line of two distributions side by side; null where that side did not capture it. */
export interface PairRow {
  id: number
  text: string
  a: number | null
  b: number | null
}

interface Captured {
  id: number
  text: string
  logprob: number
}

/** The most probable tokens of either side, by the larger of the two probabilities. */
export function pairRows(a: readonly Captured[], b: readonly Captured[], limit: number): PairRow[] {
  const rows = new Map<number, PairRow>()
  for (const [side, list] of [
    ['a', a],
    ['b', b],
  ] as const) {
    for (const { id, text, logprob } of list) {
      const row = rows.get(id) ?? { id, text, a: null, b: null }
      row[side] = Math.exp(logprob)
      if (row.text === '') row.text = text
      rows.set(id, row)
    }
  }
  const larger = (row: PairRow) => Math.max(row.a ?? 0, row.b ?? 0)
  return [...rows.values()].sort((x, y) => larger(y) - larger(x) || x.id - y.id).slice(0, limit)
}

/** KL below which two distributions count as one, nats. */
const SAME = 0.1

/**
 * Places where two runs part: the first position whose tokens differ, and every peak of KL above {@link SAME}. Null values
 * (one side has ended) are no places.
 */
export function divergences(kl: readonly (number | null)[], firstDifference: number): number[] {
  const at = (i: number) => kl[i] ?? 0
  return kl.flatMap((_, i) => {
    const peak = at(i) > SAME && at(i) >= at(i - 1) && at(i) > at(i + 1)
    return peak || i === firstDifference ? [i] : []
  })
}
