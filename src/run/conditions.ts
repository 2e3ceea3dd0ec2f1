import type { Mask } from '../program/attrs.ts'
import { EDIT_SLOT } from '../program/batchLayout.ts'
import { maskName } from '../program/mask.ts'
import type { PageOrigin } from './cache.ts'
import type { EditSet } from './editSet.ts'

/** What one forward runs under: a scale for each adapter slot, edits, a mask, and a name for all that pages are kept by. */
export interface Conditions extends PageOrigin {
  /** By slot, then the strength of edits: {@link EDIT_SLOT} + 1 long. */
  readonly scales: Float32Array
  /** Edits of the rows whose strength stands behind the adapters' scales. */
  readonly edits: EditSet | null
  /** Which positions rows see; absent: those of the model's own mask. Live sequences know no other. */
  readonly mask?: Mask
}

/** No adapter and no edit. */
export const BASE_CONDITIONS: Conditions = { scales: new Float32Array(EDIT_SLOT + 1), key: '', edits: null }

/** The same conditions with edits at full strength. */
export function underEdits(conditions: Conditions, edits: EditSet): Conditions {
  const scales = conditions.scales.slice()
  scales[EDIT_SLOT] = 1
  return {
    ...conditions,
    scales,
    key: `${conditions.key}|${edits.key}`,
    edits,
    unedited: { key: conditions.key, below: edits.firstPosition },
  }
}

/** The same conditions under another mask than `modelMask`: no page is shared with what runs under that. */
export function underMask(conditions: Conditions, mask: Mask | undefined, modelMask: Mask): Conditions {
  if (mask === undefined || maskName(mask) === maskName(modelMask)) return conditions
  return { ...conditions, key: `${conditions.key}|mask:${maskName(mask)}`, mask }
}
