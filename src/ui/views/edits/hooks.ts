import { answeringModel } from '../../../state/app.ts'
import { editedRunOf, type EditedRun, type EditedText } from './run.ts'
import { editsOf } from './store.ts'
import { editStoryOf } from './story.ts'
import { patchRunsOf } from './patchRuns.ts'
import { selectRow } from '../../../state/selection.ts'
import type { ModelInfo } from '../../../api/model.ts'
import { hooksOf, useApp, useSession } from '../../context.ts'
import { useShown, useTextRow } from '../../components/reading.ts'

export const [useEdits, useEditsState] = hooksOf(editsOf)

export function useEditedRun(): EditedRun {
  return editedRunOf(useSession())
}

export const [useStory, useStoryState] = hooksOf(editStoryOf)

export const [usePatchRuns, usePatchState] = hooksOf(patchRunsOf)

export function useInfo(): ModelInfo | null {
  return useApp((state) => answeringModel(state.model))
}

export interface ShownEdited {
  ids: readonly number[]
  value: EditedText
}

/** The edited text on show, unless it is of an older text than the one it would be drawn over. */
export function useShownEdited(): ShownEdited | null {
  return useShown(useEditedRun().measurement)
}

/**
 * The prediction on show, by the position it is about: 1 … rows, `rows` being the token that is not written yet. It follows the
 * token selected on the page, which has no such token behind its last one.
 */
export function usePlace(rows: number): { place: number; choose: (place: number) => void } {
  const session = useSession()
  const edits = useEdits()
  const row = useTextRow(rows)
  const nextFrom = useEditsState((state) => state.nextFrom)
  const place = nextFrom === row || rows < 2 ? rows : Math.max(1, row)
  const choose = (to: number) => {
    edits.state.setState({ nextFrom: to >= rows ? row : null })
    if (to < rows) selectRow(session, to)
  }
  return { place, choose }
}
