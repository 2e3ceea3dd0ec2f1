import { isRunning } from './app.ts'
import { formatLink } from './hash.ts'
import { onLinkPartChange, readLinkParts } from './linkParts.ts'
import type { Session } from './session.ts'

/** The hash that shows another visitor what is on the page. */
export function pageHash({ app }: Session): string {
  const { modelId, pinned, ...state } = app.getState()
  return formatLink({ ...state, model: modelId, token: pinned, parts: readLinkParts() })
}

/** The whole address of {@link pageHash}. Dropped files have no address: their link opens without a model. */
export function pageLink(session: Session): string {
  const url = new URL(location.href)
  url.search = ''
  url.hash = pageHash(session)
  return url.href
}

const LINKED = ['modelId', 'prompt', 'settings', 'view', 'pinned', 'parseSpecial'] as const

/** Calls back whenever the page's link has changed. */
export function onLinkChange({ app }: Session, changed: () => void): void {
  app.subscribe((state, previous) => {
    if (LINKED.some((name) => state[name] !== previous[name])) changed()
  })
  onLinkPartChange(changed)
}

/**
 * Selects the token a link names as soon as it has been written, unless a person has chosen one by then. `stale` is the
 * epoch of a text about to be replaced.
 */
export function pinWhenWritten({ app, log }: Session, index: number, stale: number | null = null): void {
  const settled = (): boolean => {
    if (app.getState().pinned !== null) return true
    if (log.epoch === stale || log.tokens.length <= index) return false
    app.setState({ pinned: index })
    return true
  }
  if (settled()) return
  const stop = [
    log.subscribe(() => settled() && release()),
    app.subscribe((state, previous) => {
      if (isRunning(previous.run) && !isRunning(state.run)) release()
    }),
  ]
  const release = (): void => stop.forEach((end) => end())
}
