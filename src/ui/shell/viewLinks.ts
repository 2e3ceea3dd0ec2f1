import { isRunning } from '../../state/app.ts'
import type { Session } from '../../state/session.ts'
import { VIEWS } from '../views/index.ts'

/** Gives the views their keys in the page's link. */
export function registerLinks(session: Session): void {
  for (const { link } of VIEWS) {
    link?.()
      .then(({ registerLink }) => registerLink(session))
      .catch((error: unknown) => session.report(error))
  }
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
