import { registerLessonLink } from '../views/learn/link.ts'
import type { Session } from '../../state/session.ts'
import { registerStepsLink } from '../views/steps/link.ts'

/** Gives what is fetched later its keys in the page's link. */
export function registerLinks(session: Session): void {
  registerStepsLink(session)
  registerLessonLink(session)
}
