import { useMemo } from 'react'
import { useStore } from 'zustand'
import type { Track } from '../../../state/adapterScales.ts'
import { stillComing, type AdaptersState } from '../../../state/adapterState.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import type { TextScalesState } from '../../../state/adapterText.ts'
import { useSession } from '../../context.ts'

/** A slice of the adapters' state; select primitives or objects kept in it. */
export function useAdaptersState<T>(select: (state: AdaptersState) => T): T {
  return useStore(adaptersOf(useSession()).state, select)
}

export function useTextScales<T>(select: (state: TextScalesState) => T): T {
  return useStore(adaptersOf(useSession()).text.state, select)
}

export function useSelectedTrack(): Track | null {
  const tracks = useAdaptersState((state) => state.tracks)
  const selected = useAdaptersState((state) => state.selected)
  return tracks.find(({ id }) => id === selected) ?? tracks[0] ?? null
}

/** Names of adapters on their way in: the one being read, and those behind it. */
export function useComing(): readonly string[] {
  const pending = useAdaptersState((state) => state.pending)
  const coming = useAdaptersState((state) => state.coming)
  const tracks = useAdaptersState((state) => state.tracks)
  const absent = useAdaptersState((state) => state.absent)
  return useMemo(() => {
    const later = stillComing({ coming, tracks, absent }).map(({ name }) => name)
    return [...new Set([...pending, ...later])]
  }, [pending, coming, tracks, absent])
}
