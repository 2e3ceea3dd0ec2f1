import { useEffect, useRef } from 'react'
import type { Steps } from './store.ts'
import { useSteps } from './hooks.ts'

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.matches(
      'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])',
    )
  )
}

/** Widgets that use arrow keys, or the space bar, themselves. */
const ARROWS = 'input, [role=separator], [data-arrows], [data-arrows] *'
const SPACE = 'button, a, summary, input, [data-arrows] *'

const within = (target: EventTarget | null, selector: string): boolean =>
  target instanceof HTMLElement && target.matches(selector)

function focusSearch(): boolean {
  const search = document.querySelector<HTMLInputElement>('.tree-search')
  search?.focus()
  return search !== null
}

/** What a key does to the stepper; null when it is none of its keys. */
function actionOf(event: KeyboardEvent, steps: Steps, onSheet: () => void): (() => unknown) | null {
  const { key, shiftKey, target } = event
  const back = shiftKey ? -1 : 1
  const arrows = !within(target, ARROWS)
  switch (key.length === 1 ? key.toLowerCase() : key) {
    case 'F10':
      return () => steps.move(back)
    case 'F11':
    case 'l':
      return () => steps.moveLayer(back)
    case 'ArrowRight':
      return arrows ? () => (shiftKey ? steps.moveLayer(1) : steps.move(1)) : null
    case 'ArrowLeft':
      return arrows ? () => (shiftKey ? steps.moveLayer(-1) : steps.move(-1)) : null
    case 'j':
      return () => steps.moveToken(-1)
    case 'k':
      return () => steps.moveToken(1)
    case ' ':
      return within(target, SPACE) ? null : () => steps.togglePlay()
    case 'b':
      // In the tree B is about the line that has the focus.
      return within(target, '[role=treeitem]')
        ? null
        : () => steps.toggleBreakpoint(steps.state.getState().step)
    case 'F8':
    case 'r':
      return () => steps.runToBreakpoint()
    case '/':
      return focusSearch
    case '?':
      return onSheet
    default:
      return null
  }
}

/**
 * Keys of the stepper while its transport is on the page, unless a text field has the focus. They are taken before those of the page,
 * whose J, K and arrows only know generated tokens.
 */
export function useStepKeys(onSheet: () => void): void {
  const steps = useSteps()
  const sheet = useRef(onSheet)
  useEffect(() => {
    sheet.current = onSheet
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || isTyping(event.target)) return
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('dialog[open]') !== null) return
      const action = actionOf(event, steps, () => sheet.current())
      if (action === null) return
      event.preventDefault()
      action()
    }
    document.addEventListener('keydown', onKeyDown, { capture: true })
    return () => document.removeEventListener('keydown', onKeyDown, { capture: true })
  }, [steps])
}
