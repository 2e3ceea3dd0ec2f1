import { tokenizersOf, type Slot, type SlotName } from './store.ts'
import { hooksOf } from '../../context.ts'

export const [useTokenizers, useTokenizerState] = hooksOf(tokenizersOf)

export function useSlot(name: SlotName): Slot {
  return useTokenizerState((state) => state[name])
}
