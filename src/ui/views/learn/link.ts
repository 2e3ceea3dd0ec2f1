import { linkPartChanged, registerLinkPart } from '../../../state/linkParts.ts'
import type { Session } from '../../../state/session.ts'

/** Keeps the open lesson and its step in the page's link; the lessons themselves are fetched for a link that names one. */
export function registerLink(session: Session): void {
  const { app } = session
  registerLinkPart('lesson', {
    read: () => app.getState().lesson,
    write: (text) => void follow(session, text).catch((error: unknown) => session.report(error)),
  })
  app.subscribe((state, previous) => {
    if (state.lesson !== previous.lesson) linkPartChanged()
  })
}

async function follow(session: Session, text: string): Promise<void> {
  if (text === '') return session.app.setState({ lesson: null })
  const { courseOf } = await import('./course.ts')
  courseOf(session).goTo(text)
}
