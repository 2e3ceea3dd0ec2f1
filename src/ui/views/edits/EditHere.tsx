import type { StepInfo } from '../../../api/model.ts'
import { isEditable } from '../../../analysis/steps.ts'
import { isInfo, outputOf, type Anatomy } from '../../../analysis/anatomy.ts'
import type { Session } from '../../../state/session.ts'
import { selectedRow, selectRow } from '../../../state/selection.ts'
import { readableIds } from '../../../state/textIdentity.ts'
import { editsOf, type Change } from './store.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useAnatomy, useIsEncoder } from '../../components/reading.ts'
import { maskAt, sightOf } from '../../draw/sight.ts'
import { useEdits } from './hooks.ts'
import { changeName } from './words.ts'

const EVERYWHERE = { kind: 'all' } as const

/** Switches whole heads off, or with head null all of a layer's attention. */
export function headsOff(
  anatomy: Anatomy,
  places: readonly { layer: number; head: number | null }[],
): Change[] {
  return places.flatMap(({ layer, head }): Change[] => {
    const step = head === null ? outputOf(anatomy, layer, 'attn') : anatomy.layers[layer]?.attention?.context
    return step === undefined ? [] : [{ kind: 'scale', step, head, factor: 0, span: EVERYWHERE }]
  })
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
  step: StepInfo
  slice: number
  row: number
  col: number
}

/** The edit that fits a cell: its head or its step switched off, an attention edge cut; null where none can be made. */
export function changeAt({ step, slice, row, col }: EditPlace): Change | null {
  const { name, layer, axes } = step
  if (isInfo(step, 'scores', 'softmax') && layer !== null)
    return maskAt(sightOf(step), row, col) === null
      ? { kind: 'mask', layer, head: slice, query: row, key: col }
      : null
  if (!isEditable(step)) return null
  const { size = 0, heads } = axes.at(-1) ?? {}
  const head = heads === undefined ? null : Math.floor((col * heads) / size)
  return { kind: 'scale', step: name, head, factor: 0, span: EVERYWHERE }
}

/** Chooses the first prediction that a cut edge changes: the one made at its query, of the token behind it. */
function showChanged(session: Session, changes: readonly Change[]): void {
  const queries = changes.flatMap((change) => (change.kind === 'mask' ? [change.query] : []))
  if (queries.length === 0) return
  const { state } = editsOf(session)
  const rows = readableIds(session).length
  const changed = Math.min(...queries) + 1
  if (changed < rows) selectRow(session, changed)
  state.setState({ nextFrom: changed < rows ? null : selectedRow(session, rows) })
}

/** Makes edits out of what another view shows, and opens the view that shows what they do. */
export function EditHere({ changes, bare = false }: { changes: readonly Change[]; bare?: boolean }) {
  const edits = useEdits()
  const anatomy = useAnatomy()
  const session = useSession()
  const { app } = session
  const t = useTranslate()
  // What an edit changes is shown in what is written behind it.
  const isEncoder = useIsEncoder()
  if (changes.length === 0 || isEncoder) return null
  const hint = t('edits.hereHint', {
    names: changes.map((change) => changeName(t, anatomy, change)).join('; '),
  })
  return (
    <button
      type="button"
      className={bare ? 'button button-icon here-bare' : 'button button-small'}
      data-testid="edit-here"
      aria-label={bare ? hint : undefined}
      title={hint}
      onClick={() => {
        edits.add(...changes)
        showChanged(session, changes)
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
