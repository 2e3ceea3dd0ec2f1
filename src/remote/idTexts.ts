import type { Model } from '../api/model.ts'

/** Ids decoded before the one in question: enough for any character and for joiners between words. */
const WINDOW = 6
/** Lookups in flight at a time. */
const BATCH = 32

const settled = (text: string) => text.replace(/\ufffd+$/u, '')

/**
 * The text each id adds where it stands. A single id decoded alone loses its leading space in some vocabularies
 * and part of a character in others, so each text is the difference between two decoded windows.
 */
async function textInContext(
  model: Pick<Model, 'decode'>,
  contextIds: readonly number[],
  id: number,
): Promise<string> {
  const window = contextIds.slice(-WINDOW)
  const [without, complete] = await Promise.all([
    window.length === 0 ? '' : model.decode(window),
    model.decode([...window, id]),
  ])
  const base = settled(without)
  const settledText = settled(complete)
  return settledText.startsWith(base) ? settledText.slice(base.length) : settledText
}

/** Texts of a whole prompt, in order; joining them gives the prompt as the model read it. */
export async function promptTexts(model: Pick<Model, 'decode'>, ids: readonly number[]): Promise<string[]> {
  const texts: string[] = []
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH)
    const pieces = await Promise.all(
      batch.map((id, offset) => textInContext(model, ids.slice(0, from + offset), id)),
    )
    texts.push(...pieces)
  }
  return texts
}
