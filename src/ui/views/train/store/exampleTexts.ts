import type { Model } from '../../../../api/model.ts'
import { writtenTexts } from '../../../../analysis/scoreSpans.ts'
import type { EncodedExample } from './encodeRecords.ts'

/** A token of an example as it is shown: its text, or for one without text what stands in for it. */
export interface ShownToken {
  id: number
  text: string
  /** Null for a token that has a text. */
  label: string | null
}

/** Every token of an example with its text; special ones as they are spelled, else by their number. */
export async function exampleTokens(
  model: Pick<Model, 'tokenTexts' | 'info'>,
  { ids, prompt }: Pick<EncodedExample, 'ids' | 'prompt'>,
): Promise<readonly ShownToken[]> {
  const texts = await model.tokenTexts(ids)
  const textless = ids.filter((_, at) => texts[at] === '')
  const written = writtenTexts(prompt + texts.join(''), ids, texts, textless)
  const { bosId, eosIds } = model.info
  return ids.map((id, at) => {
    const text = texts[at] ?? ''
    if (text !== '') return { id, text, label: null }
    const tag = written[at] ?? ''
    const name = eosIds.includes(id) && at > 0 ? '■' : id === bosId && at === 0 ? '▶' : `#${id}`
    return { id, text: '', label: tag.startsWith('<') ? tag : name }
  })
}
