import { EDIT_SLOT } from '../program/batchLayout.ts'
import type { PageOrigin } from './cache.ts'
import type { EditSet } from './editSet.ts'

/** What one forward runs under: a scale for each adapter slot, edits, and a name for both that pages are kept by. */
export interface Conditions extends PageOrigin {
  /** By slot, then the strength of edits: {@link EDIT_SLOT} + 1 long. */
  readonly scales: Float32Array
  /** Edits of the rows whose strength stands behind the adapters' scales. */
  readonly edits: EditSet | null
}

/** No adapter and no edit. */
export const BASE_CONDITIONS: Conditions = { scales: new Float32Array(EDIT_SLOT + 1), key: '', edits: null }

/** The same conditions with edits at full strength. */
export function underEdits(conditions: Conditions, edits: EditSet): Conditions {
  const scales = conditions.scales.slice()
  scales[EDIT_SLOT] = 1
  return {
    scales,
    key: `${conditions.key}|${edits.key}`,
    edits,
    unedited: { key: conditions.key, below: edits.firstPosition },
  }
}
