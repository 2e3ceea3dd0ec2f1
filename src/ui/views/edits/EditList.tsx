import { useTranslate } from '../../context.ts'
import { EditRow } from './EditRow.tsx'
import { useEdits, useEditsState } from './hooks.ts'

/** Every edit, in the order they were made. */
export function EditList() {
  const edits = useEdits()
  const t = useTranslate()
  const entries = useEditsState((state) => state.entries)
  if (entries.length === 0) return <p className="note">{t('edits.none')}</p>
  return (
    <div className="edit-list">
      <ul>
        {entries.map((entry) => (
          <EditRow key={entry.id} entry={entry} />
        ))}
      </ul>
      <p className="note">{t('edits.scope')}</p>
      {entries.length > 1 && (
        <button
          type="button"
          className="button button-quiet button-small"
          data-testid="edit-clear"
          onClick={() => edits.clear()}
        >
          {t('edits.clear')}
        </button>
      )}
    </div>
  )
}
