import { useStore } from 'zustand'
import { comparisonOf, type Comparison, type CompareState } from '../../../store/adapterCompare.ts'
import { mixOf, mixText, type MixPart, type Track } from '../../../store/adapterMix.ts'
import { adaptersOf, type Adapters, type AdaptersState } from '../../../store/adapters.ts'
import type { TextMixState } from '../../../store/adapterText.ts'
import { useSession, useTranslate } from '../../context.ts'

export function useAdapters(): Adapters {
  return adaptersOf(useSession())
}

/** A slice of the mixer's state; select primitives or objects kept in it. */
export function useAdaptersState<T>(select: (state: AdaptersState) => T): T {
  return useStore(useAdapters().state, select)
}

export function useTextMix<T>(select: (state: TextMixState) => T): T {
  return useStore(useAdapters().text.state, select)
}

export function useComparison(): Comparison {
  return comparisonOf(useSession())
}

export function useCompareState<T>(select: (state: CompareState) => T): T {
  return useStore(useComparison().state, select)
}

/** What acts now. */
export function useMix(): readonly MixPart[] {
  const tracks = useAdaptersState((state) => state.tracks)
  const solo = useAdaptersState((state) => state.solo)
  const merged = useAdaptersState((state) => state.merged)
  return merged ?? mixOf(tracks, solo)
}

/** Mixes as people read them. */
export function useMixText(): (mix: readonly MixPart[]) => string {
  const t = useTranslate()
  return (mix) => mixText(mix, t('adapters.base'))
}

export function useSelectedTrack(): Track | null {
  const tracks = useAdaptersState((state) => state.tracks)
  const selected = useAdaptersState((state) => state.selected)
  return tracks.find(({ id }) => id === selected) ?? tracks[0] ?? null
}
