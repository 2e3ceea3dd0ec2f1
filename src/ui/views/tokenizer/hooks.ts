import { useStore } from 'zustand'
import { tokenizersOf, type Slot, type SlotName, type Tokenizers, type TokenizerState } from './store.ts'
import { useSession } from '../../context.ts'

export function useTokenizers(): Tokenizers {
  return tokenizersOf(useSession())
}

/** A slice of the view's state; select primitives or objects kept in it. */
export function useTokenizerState<T>(select: (state: TokenizerState) => T): T {
  return useStore(useTokenizers().state, select)
}

export function useSlot(name: SlotName): Slot {
  return useTokenizerState((state) => state[name])
}
