import type { Model } from '../api/model.ts'

/** Ids before the one in question: enough for any character and for joiners between words. */
const WINDOW = 6

/**
 * The text an id adds behind others; empty for a part of a character. A single id alone loses its leading space in some
 * vocabularies and part of a character in others, so a few ids before it go with it.
 */
export async function textInContext(
  model: Pick<Model, 'tokenTexts'>,
  contextIds: readonly number[],
  id: number,
): Promise<string> {
  const texts = await model.tokenTexts([...contextIds.slice(-WINDOW), id])
  return (texts.at(-1) ?? '').replace(/\ufffd+$/u, '')
}
