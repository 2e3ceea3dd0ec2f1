import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** One prompt of the bundled model with what an f64 forward writes greedily, and how sure of each token it was. */
export interface GreedyCase {
  prompt: string
  ids: number[]
  greedy: number[]
  /** Difference of the two largest logits at each token. */
  margins: number[]
}

const file = resolve(import.meta.dirname, 'fixtures/forward/tales-3m-greedy.json')
export const GREEDY_CASES = (JSON.parse(readFileSync(file, 'utf8')) as { cases: GreedyCase[] }).cases

/** Where f32 may choose otherwise: the two best logits are closer than this. */
const EXCUSED_MARGIN = 1e-4

/** What is wrong with ids written greedily, or null. Past an excused difference the texts are different texts. */
export function greedyDifference(
  expected: Pick<GreedyCase, 'greedy' | 'margins'>,
  got: readonly number[],
): string | null {
  const at = expected.greedy.findIndex((id, i) => got[i] !== id)
  if (at === -1) return got.length === expected.greedy.length ? null : `${got.length} tokens`
  const margin = expected.margins[at] ?? Infinity
  if (margin < EXCUSED_MARGIN) return null
  return `token ${at} is ${got[at]}, expected ${expected.greedy[at]} (margin ${margin})`
}
