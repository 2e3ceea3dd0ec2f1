import type { StoreApi } from 'zustand/vanilla'
import type { ModelSource } from '../api/model.ts'
import type { LinkedTrack } from './adapterLink.ts'
import type { SavedTrack } from './adapterMemory.ts'
import type { Addition, AdaptersState } from './adapterState.ts'

/** Rows as they stood. */
export interface Arrangement {
  /** `source`: what a row was loaded from in this visit; without it, its origin says where from. */
  tracks: readonly (SavedTrack & { source?: ModelSource | null })[]
  /** Name of the row that alone acts. */
  solo: string | null
}

export function arrangementOf(
  { tracks, solo }: { tracks: readonly LinkedTrack[]; solo: string | null },
  sourceOf: (track: SavedTrack) => ModelSource | null,
): Arrangement {
  return {
    tracks: tracks.map(({ name, scale, enabled, origin }) => {
      const saved = { name, scale, enabled, origin }
      return { ...saved, source: sourceOf(saved) }
    }),
    solo: (solo === null ? undefined : tracks.find(({ id }) => id === solo))?.name ?? null,
  }
}

interface Rows {
  state: StoreApi<AdaptersState>
  sourceOf: (track: SavedTrack) => ModelSource | null
  add: (addition: Addition) => Promise<void>
  drop: (id: string) => Promise<boolean>
}

/**
 * Puts rows back as they stood: those that are still there keep their adapters, others are loaded or removed, and those whose
 * files are gone are said to be missing.
 */
export async function bringBack({ tracks: wanted, solo }: Arrangement, rows: Rows): Promise<void> {
  const { state, sourceOf, add, drop } = rows
  const named = (name: string) => state.getState().tracks.find((track) => track.name === name)
  for (const { id, name } of state.getState().tracks)
    if (!wanted.some((one) => one.name === name)) await drop(id)
  for (const { source: held, ...saved } of wanted) {
    if (named(saved.name) !== undefined) continue
    const source = held ?? sourceOf(saved)
    if (source !== null) await add({ ...saved, source })
    else if (!state.getState().absent.some(({ name }) => name === saved.name))
      state.setState(({ absent }) => ({ absent: [...absent, { ...saved, refused: null }] }))
  }
  const tracks = wanted.flatMap(({ name, scale, enabled }) => {
    const track = named(name)
    return track === undefined ? [] : [{ ...track, scale, enabled }]
  })
  // What a person has added meanwhile stays, behind the others.
  const added = state.getState().tracks.filter(({ name }) => !wanted.some((one) => one.name === name))
  state.setState({ tracks: [...tracks, ...added], solo: solo === null ? null : (named(solo)?.id ?? null) })
}

/** Loads rows of before onto the model that is there now; `miss` hears of those whose files are gone (null) or that it refuses. */
export async function carryOver(
  wanted: readonly SavedTrack[],
  rows: Pick<Rows, 'sourceOf' | 'add'> & {
    isWanted: () => boolean
    /** Hears which rows are still to come. */
    leaves: (coming: readonly SavedTrack[]) => void
    miss: (saved: SavedTrack, error: unknown) => void
  },
): Promise<void> {
  const { isWanted, sourceOf, add, miss, leaves } = rows
  for (const [at, { name, scale, enabled, origin }] of wanted.entries()) {
    if (!isWanted()) return
    leaves(wanted.slice(at))
    const saved: SavedTrack = { name, scale, enabled, origin }
    const source = sourceOf(saved)
    if (source === null) {
      miss(saved, null)
      continue
    }
    try {
      await add({ ...saved, source })
    } catch (error) {
      if (isWanted()) miss(saved, error)
    }
  }
  if (isWanted()) leaves([])
}
