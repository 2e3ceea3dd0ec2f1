import type { TokenLogSnapshot } from './tokenLog.ts'

type Written = Pick<TokenLogSnapshot, 'promptIds' | 'promptTexts' | 'tokens' | 'bosId'>

/** A text as people read it, prompt and all; without a tokenizer, its ids. */
export function textOf({ promptIds, promptTexts, tokens, bosId }: Written): string {
  if (promptTexts.length === 0) return [...promptIds, ...tokens.map(({ id }) => id)].join(' ')
  const first = promptIds[0] === bosId ? 1 : 0
  return promptTexts.slice(first).join('') + tokens.map(({ text }) => text).join('')
}
