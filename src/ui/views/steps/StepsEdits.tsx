import { useStore } from 'zustand'
import { editedStepsOf } from './editedSteps.ts'
import { useSession, useTranslate } from '../../context.ts'
import { EditChip } from '../edits/EditChip.tsx'
import { useEditsState } from '../edits/hooks.ts'

/** Lets the stepper show the edited run, and says when it does; nothing while there are no edits. */
export function StepsEdits() {
  const steps = editedStepsOf(useSession())
  const t = useTranslate()
  const { on, entries } = useStore(steps.state)
  const some = useEditsState((state) => state.entries.length > 0)
  if (!some && !on) return null
  return (
    <div className="edit-line cluster">
      <label className="check">
        <input
          type="checkbox"
          data-testid="steps-edited"
          checked={on}
          onChange={(event) => steps.set(event.currentTarget.checked)}
        />
        {t('edits.edited')}
      </label>
      {on && <EditChip entries={entries} />}
    </div>
  )
}
