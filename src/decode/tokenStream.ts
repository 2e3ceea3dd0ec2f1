import { SPELL_WINDOW } from '../text/alternatives.ts'
import type { Detokenizer } from '../text/detokenizer.ts'
import type { StopMatcher } from '../text/stopMatcher.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'

/** The last ids of a prompt and the text behind it: as many as what follows may depend on. */
export const lastIds = (prompt: readonly number[], tokens: readonly number[]): number[] =>
  [...prompt.slice(-SPELL_WINDOW), ...tokens.slice(-SPELL_WINDOW)].slice(-SPELL_WINDOW)

/** Gives a token to the stream: its text, or, of a special one, its spelling for stop strings alone. No detokenizer: nothing of it. */
export function pushToken(
  matcher: StopMatcher,
  tokenizer: TextTokenizer | null,
  detokenizer: Detokenizer | null,
  id: number,
): { text: string; stopped: boolean } {
  if (tokenizer === null || detokenizer === null) return matcher.push('')
  if (!tokenizer.isSpecial(id)) return matcher.push(detokenizer.push(id))
  return matcher.push(tokenizer.decode([id], { special: true }), true)
}
