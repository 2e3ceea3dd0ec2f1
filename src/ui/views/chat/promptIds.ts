import type { Model } from '../../../api/model.ts'
import { beginsWith } from '../../../state/textIdentity.ts'
import type { Answer } from './turns.ts'

/** A rendered chat carries all its special tokens itself. */
const AS_RENDERED = { addSpecialTokens: false, parseSpecial: true } as const

/**
 * Ids of a rendered chat. Where it goes on behind an earlier answer, that one keeps the tokens it was written in, which encoding
 * its text again need not give: so its keys and values are those in the cache. `previous`: the last answer that the chat holds.
 */
export async function chatIds(
  model: Pick<Model, 'encode' | 'tokenTexts'>,
  text: string,
  previous: Answer | null,
): Promise<readonly number[]> {
  const ids = await model.encode(text, AS_RENDERED)
  if (previous === null) return ids
  const { promptIds, tokens, endIds } = previous.text
  const written = tokens.filter((token) => !endIds.includes(token.id))
  const knownIds = [...promptIds, ...written.map((token) => token.id)]
  const said = previous.prompt + written.map((token) => token.text).join('')
  if (beginsWith(ids, knownIds) || !text.startsWith(said)) return ids
  const rest = await model.encode(text.slice(said.length), AS_RENDERED)
  // Between ordinary text and a special token nothing merges; elsewhere something might.
  const [first] = await model.tokenTexts(rest.slice(0, 1))
  return first === '' ? [...knownIds, ...rest] : ids
}

/** A token of a rendered prompt. */
export interface PromptToken {
  id: number
  /** As it stands in the rendered text, special tokens spelled; empty within a character. */
  text: string
  special: boolean
}

/** What special tokens may look like: `<|im_start|>`, `<s>`, `[INST]`, `<｜User｜>`. */
const TAG = /<[^<>\s]{1,48}>|\[\/?[A-Z_]{2,40}\]/g

/** Every token of a rendered prompt with its piece of the text. */
export async function promptTokens(
  model: Pick<Model, 'encode' | 'tokenTexts'>,
  text: string,
  ids: readonly number[],
  specials: readonly string[],
): Promise<PromptToken[]> {
  const tagsById = new Map<number, string>()
  for (const tag of new Set([...specials, ...(text.match(TAG) ?? [])])) {
    const [id, ...more] = await model.encode(tag, AS_RENDERED)
    if (id !== undefined && more.length === 0) tagsById.set(id, tag)
  }
  const texts = await model.tokenTexts(ids)
  let at = 0
  return ids.map((id, index) => {
    const tag = tagsById.get(id)
    const special = tag !== undefined && texts[index] === '' && text.startsWith(tag, at)
    const piece = special ? tag : (texts[index] ?? '')
    at += piece.length
    return { id, text: piece, special }
  })
}
