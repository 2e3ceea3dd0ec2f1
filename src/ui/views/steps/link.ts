import { linkPartChanged, registerLinkPart } from '../../../state/linkParts.ts'
import type { Session } from '../../../state/session.ts'
import { stepsOf } from './store.ts'

/** Keeps the chosen step, and the chosen token of the prompt, in the page's link. */
export function registerLink(session: Session): void {
  const steps = stepsOf(session)
  registerLinkPart('step', {
    read: () => (session.app.getState().view === 'steps' && steps.state.getState().step) || null,
    write: (step) => {
      if (step !== '') steps.goTo(step)
    },
  })
  registerLinkPart('row', {
    read: () => {
      const { promptRow } = session.app.getState()
      return promptRow === null ? null : String(promptRow)
    },
    write: (row) => session.app.setState({ promptRow: /^\d{1,7}$/.test(row) ? Number(row) : null }),
  })
  steps.state.subscribe((state, previous) => {
    if (state.step !== previous.step) linkPartChanged()
  })
  session.app.subscribe((state, previous) => {
    if (state.promptRow !== previous.promptRow) linkPartChanged()
  })
}
