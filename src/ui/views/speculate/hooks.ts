import { useEffect } from 'react'
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

const WALKS: Readonly<Record<string, number>> = { j: -1, k: 1, ArrowLeft: -1, ArrowRight: 1 }

/** Here Ctrl/Cmd+Enter speculates, Esc stops, J, K and the arrows walk the places. */
export function useSpeculateKeys(): void {
  const speculation = useSpeculation()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.isComposing || document.querySelector('dialog[open]') !== null) return
      const { target } = event
      const typing =
        target instanceof HTMLElement && target.matches('textarea, select, input, [role=separator]')
      const walk = WALKS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void speculation.start()
      else if (event.key === 'Escape' && speculation.working) speculation.stop()
      else if (typing || event.ctrlKey || event.metaKey || event.altKey || walk === undefined) return
      else speculation.walk(walk)
      event.preventDefault()
    }
    // Before the page's own keys, which write and walk the other text.
    document.addEventListener('keydown', onKeyDown, true)
    return () => document.removeEventListener('keydown', onKeyDown, true)
  }, [speculation])
}
