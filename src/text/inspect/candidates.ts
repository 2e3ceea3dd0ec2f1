import type { WhatIf, WhatIfRequest } from './types.ts'

/** Tokens that a vocabulary may be extended by at once. */
export const MAX_ADDED = 20_000

const UNITS = { syllables: /[가-힣]/g, words: /\p{L}[\p{L}\p{M}\p{N}]*/gu } as const

interface Measures {
  count: number
  /** Tokens a piece takes by itself. */
  lengthOf: (piece: string) => number
  /** Whether the vocabulary has it already. */
  isToken: (piece: string) => boolean
}

/** The syllables or words of a text that would save most as tokens of their own: by how often they stand there, times the tokens each saves. */
export function candidates(
  text: string,
  unit: WhatIfRequest['unit'],
  { count, lengthOf, isToken }: Measures,
): Omit<WhatIf['added'][number], 'id'>[] {
  const times = new Map<string, number>()
  for (const [piece] of text.matchAll(UNITS[unit])) times.set(piece, (times.get(piece) ?? 0) + 1)
  return [...times]
    .map(([piece, often]) => ({ text: piece, times: often, tokens: lengthOf(piece) }))
    .filter((one) => one.tokens > 1 && !isToken(one.text))
    .sort((a, b) => b.times * (b.tokens - 1) - a.times * (a.tokens - 1) || (a.text < b.text ? -1 : 1))
    .slice(0, count)
}
