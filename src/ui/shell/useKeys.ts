import { useEffect } from 'react'
import { isRunning } from '../../state/app.ts'
import type { Session } from '../../state/session.ts'
import { endComposition, isComposed, isRunKey } from '../components/composition.ts'
import { useSession } from '../context.ts'

/** Steps through the tokens; from nowhere, backwards starts at the end and forwards at the beginning. */
function moveSelection(session: Session, by: number): boolean {
  const { app, log } = session
  const last = log.tokens.length - 1
  if (last < 0) return false
  const { pinned } = app.getState()
  const from = pinned ?? (by < 0 ? last + 1 : -1)
  app.setState({ pinned: Math.min(last, Math.max(0, from + by)), hovered: null, hoveredPrompt: null })
  return true
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.matches(
    'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])',
  )
}

/** Text fields undo what was typed by themselves. */
function isMove(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase()
  return (event.ctrlKey || event.metaKey) && !event.altKey && (key === 'z' || key === 'y')
}

async function moveInHistory(session: Session, event: KeyboardEvent): Promise<void> {
  const forward = event.shiftKey || event.key.toLowerCase() === 'y'
  const { historyOf } = await import('../../state/history.ts')
  const history = historyOf(session)
  await (forward ? history.redo() : history.undo())
}

/** Arrows belong to sliders and radio buttons where those have the focus. */
function takesArrows(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, [role=separator]')
}

function onToken(session: Session, event: KeyboardEvent): boolean {
  const arrows = !takesArrows(event.target)
  switch (event.key) {
    case 'j':
    case 'J':
      return moveSelection(session, -1)
    case 'k':
    case 'K':
      return moveSelection(session, 1)
    case 'ArrowLeft':
      return arrows && moveSelection(session, -1)
    case 'ArrowRight':
      return arrows && moveSelection(session, 1)
    case 'Home':
    case 'End':
      // Elsewhere they scroll.
      return isText(event.target) && moveSelection(session, event.key === 'Home' ? -Infinity : Infinity)
    default:
      return false
  }
}

const isText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.id === 'output'

/** Keys of the whole page: Ctrl/Cmd+Enter generates, Esc stops; unless a text field has the focus, Ctrl/Cmd+Z undoes, J and K walk the tokens. */
export function useKeys(): void {
  const session = useSession()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isComposed(event)) return
      if (document.querySelector('dialog[open]') !== null) return
      if (isRunKey(event)) {
        event.preventDefault()
        endComposition(event)
        void session.generate()
        return
      }
      if (event.key === 'Escape') {
        if (isRunning(session.app.getState().run)) session.stop()
        else session.app.setState({ pinned: null })
        return
      }
      if (isTyping(event.target)) return
      if (isMove(event)) {
        event.preventDefault()
        moveInHistory(session, event).catch((error: unknown) => session.report(error))
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === '?') session.app.setState({ keysOpen: true })
      if (onToken(session, event)) event.preventDefault()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [session])
}
