import { FIRST_VIEW } from './hash.ts'
import type { AppStore } from './app.ts'

/** What the page keeps beside an address in the browser's history; an address a person types has none of it. */
interface Visit {
  view: string
  /** Counts the links followed by this tab: entries of one link differ in nothing but their view. */
  link: number
}

interface ViewHistoryParts {
  app: AppStore
  /** The hash of the page as it stands. */
  hash: () => string
  /** Shows what the address line says, whole. */
  follow: () => void
}

/** The visit of the entry on show; null for an address that came from elsewhere. */
function visitOf(state: unknown): Visit | null {
  if (typeof state !== 'object' || state === null) return null
  const { view, link } = state as Partial<Record<keyof Visit, unknown>>
  return typeof view === 'string' && typeof link === 'number' ? { view, link } : null
}

/**
 * Back and Forward move between views: a change of view is an entry of its own, everything else is written into the entry
 * on show. Returns what writes the address anew.
 */
export function keepViews({ app, hash, follow }: ViewHistoryParts): () => void {
  let link = visitOf(history.state)?.link ?? 0
  let moving = false
  const visit = (): Visit => ({ view: app.getState().view, link })
  const rewrite = (): void => history.replaceState(visit(), '', hash())
  /** Runs what sets the view for an entry that is there already. */
  const move = (run: () => void): void => {
    moving = true
    run()
    moving = false
  }
  history.replaceState(visit(), '')
  app.subscribe((state, previous) => {
    if (state.view !== previous.view && !moving) history.pushState(visit(), '', hash())
  })
  addEventListener('popstate', () => {
    const to = visitOf(history.state)
    if (to === null) link += 1
    if (to === null || to.link !== link) {
      link = to?.link ?? link
      move(follow)
      history.replaceState(visit(), '')
      return
    }
    move(() => app.setState({ view: to.view || FIRST_VIEW, narrow: 'view' }))
    rewrite()
  })
  return rewrite
}
