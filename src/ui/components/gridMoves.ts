import type { KeyboardEvent } from 'react'

const MOVES: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-Infinity, 0],
  PageDown: [Infinity, 0],
}

/** Where a key leads in a grid of lines and columns; undefined for other keys and under modifiers that mean something else. */
export function gridMove(event: KeyboardEvent): readonly [down: number, right: number] | undefined {
  return event.ctrlKey || event.metaKey || event.altKey ? undefined : MOVES[event.key]
}
