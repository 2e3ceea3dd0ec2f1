import type { ModelSource } from '../api/model.ts'
import type { ErrorData } from '../errors.ts'
import type { SavedTrack } from './adapterMemory.ts'
import type { AdapterOrigin, NamedScale, Track } from './adapterScales.ts'

/** An adapter of before that is not loaded: its files must be dropped again, or the model refused it. */
export interface Absent extends SavedTrack {
  refused: { model: string; error: ErrorData } | null
}

export interface AdaptersState {
  tracks: readonly Track[]
  /** Id of the row that alone acts. */
  solo: string | null
  /** Id of the row looked into. */
  selected: string | null
  /** What of it is on show. */
  detail: 'report' | 'delta'
  /** Names of adapters being read. */
  pending: readonly string[]
  /** Rows of before that are loaded one after the other; {@link stillComing} says which are to come. */
  coming: readonly SavedTrack[]
  absent: readonly Absent[]
  /** The adapters folded into the weights; null while adapters run beside them. */
  merged: readonly NamedScale[] | null
  working: 'merge' | 'unmerge' | 'export' | null
}

/** Rows of before that are still to be loaded: a page that is left meanwhile has them when it comes back. */
export function stillComing({
  coming,
  tracks,
  absent,
}: Pick<AdaptersState, 'coming' | 'tracks' | 'absent'>): readonly SavedTrack[] {
  return coming.filter(({ name }) => ![...tracks, ...absent].some((row) => row.name === name))
}

/** An adapter to be loaded, and how it is to act. */
export interface Addition {
  source: ModelSource
  origin: AdapterOrigin
  name: string | null
  scale?: number
  enabled?: boolean
}

/** No rows at all. */
export const NO_ADAPTERS: AdaptersState = {
  tracks: [],
  solo: null,
  selected: null,
  detail: 'report',
  pending: [],
  coming: [],
  absent: [],
  merged: null,
  working: null,
}
