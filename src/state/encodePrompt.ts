import type { Model } from '../api/model.ts'
import { TokenscopeError } from '../errors.ts'

/** Ids of what the person typed: text through the tokenizer, or the numbers themselves for a model without one. */
export async function encodePrompt(
  model: Pick<Model, 'encode' | 'info'>,
  prompt: string,
): Promise<readonly number[]> {
  const { hasTokenizer, bosId } = model.info
  const ids = hasTokenizer ? await model.encode(prompt, { addSpecialTokens: true }) : parseIds(prompt)
  if (ids.length > 0) return ids
  if (bosId !== null) return [bosId]
  throw new TokenscopeError('bad-argument', 'The prompt is empty.', {
    hint: 'Type a few words: this model has no token that starts a text by itself.',
  })
}

function parseIds(text: string): number[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  return words.map((word) => {
    if (/^\d+$/.test(word)) return Number(word)
    throw new TokenscopeError('bad-argument', `“${word}” is not a token id.`, {
      hint: 'This model has no tokenizer: write its token ids, separated by spaces.',
      details: { got: word, expected: 'a whole number' },
    })
  })
}
