import { useStore } from 'zustand'
import { comparisonOf, type Comparison, type CompareState } from './compareStore.ts'
import { scalesOf, scalesText, type NamedScale, type Track } from '../../../state/adapterScales.ts'
import { adaptersOf, type Adapters, type AdaptersState } from '../../../state/adapters.ts'
import type { TextScalesState } from '../../../state/adapterText.ts'
import { useSession, useTranslate } from '../../context.ts'

export function useAdapters(): Adapters {
  return adaptersOf(useSession())
}

/** A slice of the adapters' state; select primitives or objects kept in it. */
export function useAdaptersState<T>(select: (state: AdaptersState) => T): T {
  return useStore(useAdapters().state, select)
}

export function useTextScales<T>(select: (state: TextScalesState) => T): T {
  return useStore(useAdapters().text.state, select)
}

export function useComparison(): Comparison {
  return comparisonOf(useSession())
}

export function useCompareState<T>(select: (state: CompareState) => T): T {
  return useStore(useComparison().state, select)
}

/** What acts now. */
export function useScales(): readonly NamedScale[] {
  const tracks = useAdaptersState((state) => state.tracks)
  const solo = useAdaptersState((state) => state.solo)
  const merged = useAdaptersState((state) => state.merged)
  return merged ?? scalesOf(tracks, solo)
}

/** Scales as people read them. */
export function useScalesText(): (scales: readonly NamedScale[]) => string {
  const t = useTranslate()
  return (scales) => scalesText(scales, t('adapters.base'))
}

export function useSelectedTrack(): Track | null {
  const tracks = useAdaptersState((state) => state.tracks)
  const selected = useAdaptersState((state) => state.selected)
  return tracks.find(({ id }) => id === selected) ?? tracks[0] ?? null
}
