import { speculationOf } from './store.ts'
import { slotsOf, type RoundPlace, type RoundSlot } from '../../../analysis/speculatedRounds.ts'
import type { SpeculatedRound } from '../../../api/model.ts'
import { hooksOf } from '../../context.ts'

export const [useSpeculation, useSpeculateState] = hooksOf(speculationOf)

/** The rounds on show, rendering again as they grow. */
export function useRounds(): readonly SpeculatedRound[] {
  useSpeculateState((state) => state.version)
  return useSpeculation().rounds
}

/** The inspected place, with its round; null while none is selected. */
export function useSelectedSlot(): { place: RoundPlace; round: SpeculatedRound; slot: RoundSlot } | null {
  const rounds = useRounds()
  const place = useSpeculateState((state) => state.selected)
  const round = place === null ? undefined : rounds[place.round]
  const slot = round === undefined || place === null ? undefined : slotsOf(round)[place.slot]
  return place === null || round === undefined || slot === undefined ? null : { place, round, slot }
}
