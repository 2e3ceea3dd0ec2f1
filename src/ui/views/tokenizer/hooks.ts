import { tokenizersOf, type TokenizerSlot, type SlotName } from './store.ts'
import { hooksOf } from '../../context.ts'

export const [useTokenizers, useTokenizerState] = hooksOf(tokenizersOf)

export function useSlot(name: SlotName): TokenizerSlot {
  return useTokenizerState((state) => state[name])
}
