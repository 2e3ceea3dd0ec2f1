import type { Change } from '../../../store/edits.ts'
import { canEdit, hasHeads } from '../../../store/editForward.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useEdits } from './hooks.ts'
import { changeName } from './words.ts'

const EVERYWHERE = { kind: 'all' } as const

/** Switches whole heads off, or with head null all of a layer's attention. */
export function headsOff(places: readonly { layer: number; head: number | null }[]): Change[] {
  return places.map(({ layer, head }) => ({
    kind: 'scale',
    step: `layers.${layer}.attn.${head === null ? 'o' : 'context'}`,
    head,
    factor: 0,
    span: EVERYWHERE,
  }))
}

/** Keeps these heads from looking along one edge. */
export function cutEdge(
  places: readonly { layer: number; head: number | null }[],
  [query, key]: readonly [query: number, key: number],
): Change[] {
  return places.map(({ layer, head }) => ({ kind: 'mask', layer, head, query, key }))
}

/** A cell of a step, as far as an edit needs to know it. */
export interface EditPlace {
  step: string
  slice: number
  row: number
  col: number
  /** Lanes of a head where the columns lie head by head; else 0. */
  headDim: number
}

/** The edit that fits a cell: its head or its step switched off, an attention edge cut; null where none can be made. */
export function changeAt({ step, slice, row, col, headDim }: EditPlace): Change | null {
  const layer = /^layers\.(\d+)\.attn\.(scores|probs)$/.exec(step)?.[1]
  if (layer !== undefined)
    return col > row ? null : { kind: 'mask', layer: Number(layer), head: slice, query: row, key: col }
  if (!canEdit(step)) return null
  const head = hasHeads(step) && headDim > 0 ? Math.floor(col / headDim) : null
  return { kind: 'scale', step, head, factor: 0, span: EVERYWHERE }
}

/** Makes edits out of what another view shows, and opens the view that shows what they do. */
export function EditHere({ changes, bare = false }: { changes: readonly Change[]; bare?: boolean }) {
  const edits = useEdits()
  const { app } = useSession()
  const t = useTranslate()
  if (changes.length === 0) return null
  const hint = t('edits.hereHint', { names: changes.map((change) => changeName(t, change)).join('; ') })
  return (
    <button
      type="button"
      className={bare ? 'button button-icon here-bare' : 'button button-small'}
      data-testid="edit-here"
      aria-label={bare ? hint : undefined}
      title={hint}
      onClick={() => {
        edits.add(...changes)
        app.setState({ view: 'edits', narrow: 'view' })
      }}
    >
      {bare ? (
        <Icon name="close" />
      ) : (
        t(changes.every(({ kind }) => kind === 'mask') ? 'edits.cut' : 'edits.here')
      )}
    </button>
  )
}
