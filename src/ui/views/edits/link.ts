import type { Session } from '../../../state/session.ts'
import { editsOf } from './store.ts'

/** Keeps the list of edits in the page's link, also where its view has not been opened in this visit. */
export function registerLink(session: Session): void {
  editsOf(session)
}
