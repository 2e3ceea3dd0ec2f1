import { useStore } from 'zustand'
import { historyOf } from '../../state/history.ts'
import { useSession, useTranslate } from '../context.ts'
import type { MessageKey, Translate } from '../words/index.ts'
import { Icon } from '../components/Icon.tsx'

/** Undoes what was done last, and does it again. */
export function UndoButtons() {
  return (
    <>
      <MoveButton move="undo" />
      <MoveButton move="redo" />
    </>
  )
}

function MoveButton({ move }: { move: 'undo' | 'redo' }) {
  const session = useSession()
  const t = useTranslate()
  const history = historyOf(session)
  const label = useStore(history.state, (state) => state[move])
  const name =
    label === null
      ? t(`history.${move}`)
      : t(move === 'undo' ? 'history.undoOf' : 'history.redoOf', { what: words(t, label) })
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid={move}
      aria-label={name}
      title={name}
      disabled={label === null}
      onClick={() => {
        history[move]().catch((error: unknown) => session.report(error))
      }}
    >
      <Icon name={move} />
    </button>
  )
}

/** A label is a key of the catalogue, or words as they are. */
function words(t: Translate, label: string): string {
  return t(label as MessageKey) || label
}
