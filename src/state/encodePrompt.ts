import type { Model } from '../api/model.ts'
import type { AppState } from './app.ts'
import { TokenscopeError } from '../errors.ts'

/**
 * Ids of what the person typed: text through the tokenizer, the same in every view, or the numbers themselves for a model without one.
 * Whether special tokens that are written out are read as such is the page's to say.
 */
export async function encodePrompt(
  model: Pick<Model, 'encode' | 'info'>,
  prompt: string,
  { parseSpecial }: Pick<AppState, 'parseSpecial'>,
): Promise<readonly number[]> {
  const { hasTokenizer, bosId } = model.info
  const ids = hasTokenizer
    ? await model.encode(prompt, { addSpecialTokens: true, parseSpecial })
    : parseIds(prompt)
  if (ids.length > 0) return ids
  if (bosId !== null) return [bosId]
  throw new TokenscopeError('bad-argument', 'The prompt is empty.', {
    hint: 'Type a few words: this model has no token that starts a text by itself.',
  })
}

/** True for a prompt that fills the context; an engine elsewhere knows its own. */
export const tooLong = ({ info }: Pick<Model, 'info'>, ids: readonly number[]): boolean =>
  !info.remote && ids.length >= info.context

/** Refuses a prompt before it takes the text of before off the page. */
export async function refuseTooLong({ info }: Pick<Model, 'info'>, ids: readonly number[]): Promise<void> {
  const { checkIds } = await import('../decode/options.ts')
  checkIds(ids, info.vocab, info.context)
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
