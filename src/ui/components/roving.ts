import type { KeyboardEvent } from 'react'

const MOVES: Readonly<Record<string, number>> = {
  ArrowUp: -1,
  ArrowLeft: -1,
  ArrowDown: 1,
  ArrowRight: 1,
  Home: -Infinity,
  End: Infinity,
}

/** Arrows move the focus along the buttons of a list of which Tab reaches one. The list carries `data-arrows`. */
export function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const by = MOVES[event.key]
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  event.stopPropagation()
  const buttons = [...event.currentTarget.querySelectorAll('button')]
  const from = buttons.findIndex((button) => button === document.activeElement)
  buttons[Math.min(buttons.length - 1, Math.max(0, from + by))]?.focus()
}
