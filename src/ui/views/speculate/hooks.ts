import { useStore } from 'zustand'
import { speculationOf, type SpeculateState, type Speculation } from './store.ts'
import { slotsOf, type RoundPlace, type Slot } from '../../../analysis/speculatedRounds.ts'
import type { SpeculatedRound } from '../../../api/model.ts'
import { useSession } from '../../context.ts'

export function useSpeculation(): Speculation {
  return speculationOf(useSession())
}

/** A slice of the view's state; select primitives or objects kept in the store. */
export function useSpeculateState<T>(select: (state: SpeculateState) => T): T {
  return useStore(useSpeculation().state, select)
}

/** The rounds on show, rendering again as they grow. */
export function useRounds(): readonly SpeculatedRound[] {
  useSpeculateState((state) => state.version)
  return useSpeculation().rounds
}

/** The inspected place, with its round; null while none is selected. */
export function useSelectedSlot(): { place: RoundPlace; round: SpeculatedRound; slot: Slot } | null {
  const rounds = useRounds()
  const place = useSpeculateState((state) => state.selected)
  const round = place === null ? undefined : rounds[place.round]
  const slot = round === undefined || place === null ? undefined : slotsOf(round)[place.slot]
  return place === null || round === undefined || slot === undefined ? null : { place, round, slot }
}
