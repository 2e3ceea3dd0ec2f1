import type { Session } from './session.ts'

/** One of a kind for each page: made for a session when it is first asked for. It stays, so what it subscribes to is never given back. */
export function perSession<T>(make: (session: Session) => T): (session: Session) => T {
  const known = new WeakMap<Session, { made: T }>()
  return (session) => {
    const found = known.get(session) ?? { made: make(session) }
    known.set(session, found)
    return found.made
  }
}
