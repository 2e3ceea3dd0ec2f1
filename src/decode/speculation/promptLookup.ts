import { certain } from './acceptance.ts'
import type { DraftProposer } from './drafter.ts'

/**
 * What followed the last tokens of a text when they stood in it before: of up to `length` tokens, longest and latest match
 * first. A copy that reaches the end of the text goes on with what it has copied, so a repetition repeats.
 */
export function lookUp(text: readonly number[], length: number, count: number): number[] {
  for (let n = Math.min(length, text.length - 1); n >= 1; n--) {
    const matchAt = latestMatch(text, n)
    if (matchAt === -1) continue
    const copied: number[] = []
    for (let at = matchAt + n; copied.length < count; at++) copied.push(text[at] ?? copied[at - text.length]!)
    return copied
  }
  return []
}

/** Where the last `n` tokens stood before, −1 if nowhere. */
function latestMatch(text: readonly number[], n: number): number {
  const tail = text.length - n
  for (let start = tail - 1; start >= 0; start--) {
    let same = 0
    while (same < n && text[start + same] === text[tail + same]) same += 1
    if (same === n) return start
  }
  return -1
}

/** Copies from the text; costs no forward. */
export function promptLookup(length: number): DraftProposer {
  return {
    propose: (text, count) =>
      Promise.resolve(
        lookUp(text, length, count).map((id) => ({ id, probability: 1, distribution: certain(id) })),
      ),
    close: () => undefined,
  }
}
