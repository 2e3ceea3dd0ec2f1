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

/** How rows of before come to a model. */
export interface Coming {
  /** False once the model has given way to another, which has the rows that are still to come. */
  isWanted: () => boolean
  /** Hears which rows are still to come. */
  leaves: (coming: readonly SavedTrack[]) => void
  sourceOf: (track: SavedTrack) => ModelSource | null
  add: (addition: Addition) => Promise<void>
}

interface Rows extends Coming {
  state: StoreApi<AdaptersState>
  drop: (id: string) => Promise<boolean>
}

/**
 * Puts rows back as they stood: those that are still there keep their adapters, others are loaded or removed, and those whose
 * files are gone are said to be missing.
 */
export async function bringBack({ tracks: wanted, solo }: Arrangement, rows: Rows): Promise<void> {
  const { state, leaves, isWanted } = rows
  leaves(wanted.map(({ name, scale, enabled, origin }) => ({ name, scale, enabled, origin })))
  try {
    await bringRows(wanted, rows)
  } finally {
    if (isWanted()) leaves([])
  }
  if (!isWanted()) return
  const { tracks: there } = state.getState()
  const named = (name: string) => there.find((track) => track.name === name)
  const tracks = wanted.flatMap(({ name, scale, enabled }) => {
    const track = named(name)
    return track === undefined ? [] : [{ ...track, scale, enabled }]
  })
  // What a person has added meanwhile stays, behind the others.
  const added = there.filter(({ name }) => !wanted.some((one) => one.name === name))
  state.setState({ tracks: [...tracks, ...added], solo: solo === null ? null : (named(solo)?.id ?? null) })
}

/** Removes rows that are not wanted and loads those that are not there. */
async function bringRows(
  wanted: Arrangement['tracks'],
  { state, sourceOf, add, drop, isWanted }: Rows,
): Promise<void> {
  for (const { id, name } of state.getState().tracks)
    if (!wanted.some((one) => one.name === name)) await drop(id)
  for (const { source: held, ...saved } of wanted) {
    if (!isWanted()) return
    const { tracks, absent } = state.getState()
    if (tracks.some(({ name }) => name === saved.name)) continue
    const source = held ?? sourceOf(saved)
    if (source !== null) await add({ ...saved, source })
    else if (!absent.some(({ name }) => name === saved.name))
      state.setState({ absent: [...absent, { ...saved, refused: null }] })
  }
}

/** Loads rows of before onto the model that is there now; `miss` hears of those whose files are gone (null) or that it refuses. */
export async function carryOver(
  wanted: readonly SavedTrack[],
  rows: Coming & {
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
