import type { Session } from './session.ts'

/** One of a kind for each page: made for a session when it is first asked for. It stays, so what it subscribes to is never given back. */
export function perSession<T>(make: (session: Session) => T): (session: Session) => T {
  const cache = new WeakMap<Session, { value: T }>()
  return (session) => {
    const entry = cache.get(session) ?? { value: make(session) }
    cache.set(session, entry)
    return entry.value
  }
}
