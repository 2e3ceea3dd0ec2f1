import type { Model } from '../api/model.ts'
import type { EngineContext } from './context.ts'

/** Text to ids and back. */
export function textMethods(
  context: EngineContext,
): Pick<
  Model,
  | 'encode'
  | 'decode'
  | 'tokenTexts'
  | 'alternativeTexts'
  | 'applyChatTemplate'
  | 'chatTemplate'
  | 'companions'
> {
  return {
    encode: async (text, options) => context.needTokenizer().encode(text, options),
    decode: async (ids) => context.needTokenizer().decode(ids),
    applyChatTemplate: async (...args) => context.needTokenizer().applyChatTemplate(...args),
    companions: () => context.readCompanions(),
    chatTemplate: async () => context.needTokenizer().chatTemplate(),
    alternativeTexts: async (contextIds, ids) => ids.map(context.needTokenizer().speller(contextIds)),
    tokenTexts: async (ids) => context.needTokenizer().tokenTexts(ids),
  }
}
