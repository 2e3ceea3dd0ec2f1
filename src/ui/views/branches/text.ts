import type { Model } from '../../../api/model.ts'
import type { Settings } from '../../../state/settings.ts'
import { idsOf, promptLength, type TokenNode } from '../../../analysis/tokenTree.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'

/**
 * Ids of a text that stands behind a token. Some vocabularies put a blank before what they encode, so the tokens are those that
 * the text adds to the token before it, where that token stays what it was.
 */
export async function encodeBehind(
  model: Model,
  parent: TokenNode,
  text: string,
): Promise<readonly number[]> {
  const plain = { addSpecialTokens: false }
  const [prefixIds, fullIds] = await Promise.all([
    model.encode(parent.text, plain),
    model.encode(parent.text + text, plain),
  ])
  const stays = parent.text !== '' && prefixIds.every((id, i) => fullIds[i] === id)
  return stays && fullIds.length > prefixIds.length
    ? fullIds.slice(prefixIds.length)
    : model.encode(text, plain)
}

/** A path of the tree as a text of the page, and its prompt as it would be typed. */
export function pageText(
  { info }: Model,
  path: readonly TokenNode[],
  settings: Settings,
): { prompt: string; snapshot: TokenLogSnapshot } {
  const given = path.slice(0, promptLength(path))
  const promptIds = idsOf(given)
  const promptTexts = given.map(({ text }) => text)
  const tokens = path.slice(given.length).map((node, index) => ({
    index,
    position: given.length + index,
    id: node.id,
    text: node.text,
    logprob: node.logprob ?? NaN,
    // Alternatives that were measured come without their texts.
    top: (node.parent?.next ?? []).filter(({ text }) => text !== ''),
    random: node.random,
    finish: node.finish,
  }))
  const { id: modelId, bosId, eosIds, hasTokenizer } = info
  return {
    prompt: hasTokenizer ? promptTexts.join('') : promptIds.join(' '),
    snapshot: { modelId, promptIds, promptTexts, tokens, settings, bosId, endIds: eosIds },
  }
}
