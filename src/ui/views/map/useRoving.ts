import { useEffect, type FocusEvent, type KeyboardEvent } from 'react'
import { isDirection, nearest } from './spatial.ts'

const NODES = 'button[data-testid="map-node"]'

const nodesIn = (host: HTMLElement): HTMLElement[] => [...host.querySelectorAll<HTMLElement>(NODES)]

/** Makes a part the one that Tab reaches. */
function enter(host: HTMLElement, node: HTMLElement): void {
  for (const other of host.querySelectorAll<HTMLElement>(`${NODES}[tabindex="0"]`)) other.tabIndex = -1
  node.tabIndex = 0
}

/** Of all parts of the picture Tab reaches one; arrow keys move to the nearest in their direction, Home and End to the ends. */
export function useRoving(host: HTMLElement | null): {
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
  onFocus: (event: FocusEvent<HTMLElement>) => void
} {
  useEffect(() => {
    if (host === null || host.querySelector(`${NODES}[tabindex="0"]`) !== null) return
    const [first] = nodesIn(host)
    if (first !== undefined) enter(host, first)
  })
  return {
    onFocus: ({ target }) => {
      if (host !== null && target.matches(NODES)) enter(host, target)
    },
    onKeyDown: (event) => {
      if (host === null || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
      const from = document.activeElement
      if (!(from instanceof HTMLElement) || !from.matches(NODES)) return
      const nodes = nodesIn(host)
      const target =
        event.key === 'Home'
          ? nodes[0]
          : event.key === 'End'
            ? nodes.at(-1)
            : isDirection(event.key)
              ? nodes[
                  nearest(
                    nodes.map((node) => node.getBoundingClientRect()),
                    from.getBoundingClientRect(),
                    event.key,
                  )
                ]
              : null
      if (target === null) return
      event.preventDefault()
      event.stopPropagation()
      target?.focus()
    },
  }
}
