import type { Session } from '../../state/session.ts'
import { endComposition, isComposed } from './composition.ts'
import type { MessageKey } from '../words/index.ts'

/** False: the key was of no use, and is left to the page. */
type Press = (session: Session) => unknown

/** A key of a view, or some that belong together: as the sheet lists them, and what they do. */
export interface ViewKey {
  /** As people read them, parted by spaces. */
  keys: string
  does: MessageKey
  /** By `KeyboardEvent.key` (letters small, `Shift+` and `Mod+` before it); absent: what has the focus takes them itself. */
  press?: Readonly<Record<string, Press>>
}

/** The key that browsers take commands with, as this machine names it. */
export const COMMAND = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

const FIELDS = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])'
/** Widgets that use arrow keys, or the space bar, themselves. */
const ARROWS = 'input, [role=separator], [data-arrows], [data-arrows] *'
const SPACE = 'button, a, summary, input, [data-arrows] *'

const within = (target: EventTarget | null, selector: string): boolean =>
  target instanceof HTMLElement && target.matches(selector)

/** The names under which a view may know a pressed key: with Shift, then without. None where the key is not the view's to take. */
function namesOf({ key, shiftKey, ctrlKey, metaKey, altKey, target }: KeyboardEvent): string[] {
  if (altKey) return []
  if (ctrlKey || metaKey) return [`Mod+${key}`]
  if (key !== 'Escape' && within(target, FIELDS)) return []
  if (key.startsWith('Arrow') && within(target, ARROWS)) return []
  if (key === ' ' && within(target, SPACE)) return []
  const name = key.length === 1 ? key.toLowerCase() : key
  return shiftKey ? [`Shift+${name}`, name] : [name]
}

/**
 * Takes a view's keys until what is returned is called. They come before those of the page, whose J, K and arrows only know the tokens
 * that were written.
 */
export function takeKeys(session: Session, keys: readonly ViewKey[]): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isComposed(event)) return
    if (document.querySelector('dialog[open]') !== null) return
    for (const name of namesOf(event)) {
      const press = keys.find(({ press = {} }) => name in press)?.press?.[name]
      if (press === undefined) continue
      endComposition(event)
      if (press(session) !== false) event.preventDefault()
      return
    }
  }
  document.addEventListener('keydown', onKeyDown, { capture: true })
  return () => document.removeEventListener('keydown', onKeyDown, { capture: true })
}
