import { registerLessonLink } from '../views/learn/link.ts'
import { isRunning } from '../../state/app.ts'
import type { Session } from '../../state/session.ts'
import { registerStepsLink } from '../views/steps/link.ts'

/** Gives what is fetched later its keys in the page's link. */
export function registerLinks(session: Session): void {
  registerStepsLink(session)
  registerLessonLink(session)
  const leave = session.app.subscribe(watch)
  /** The list of runs is of use once there has been one; it takes up the text it finds. */
  function watch(): void {
    if (isRunning(session.app.getState().run) || session.log.settings === null) return
    leave()
    import('../views/write/pastRuns.ts')
      .then(({ pastRunsOf }) => pastRunsOf(session))
      .catch((error: unknown) => session.report(error))
  }
  watch()
}
