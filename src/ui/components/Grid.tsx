import { useLayoutEffect, useRef, type HTMLAttributes, type KeyboardEvent } from 'react'

/** A cell of a grid: lines from the top, columns from the left. */
export interface GridPlace {
  row: number
  column: number
}

interface GridProps extends HTMLAttributes<HTMLDivElement> {
  rows: number
  /** Of every line, or of one. */
  columns: number | ((row: number) => number)
  /** The cell that Tab reaches: a button with `tabIndex` 0, the others have -1. */
  place: GridPlace
  onMove: (place: GridPlace, event: KeyboardEvent) => void
}

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

const clamp = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value))

/** Where a key leads from a cell; null for other keys and under modifiers that mean something else. */
export function movedPlace(
  { key, ctrlKey, metaKey, altKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  { rows, columns, place }: Pick<GridProps, 'rows' | 'columns' | 'place'>,
): GridPlace | null {
  const move = ctrlKey || metaKey || altKey ? undefined : MOVES[key]
  if (move === undefined || rows === 0) return null
  const row = clamp(place.row + move[0], rows)
  const count = typeof columns === 'number' ? columns : columns(row)
  return { row, column: clamp(place.column + move[1], count) }
}

/** Buttons in lines and columns. Arrow keys, Home, End and both Page keys move the place, and the focus with it. */
export function Grid({ rows, columns, place, onMove, children, ...attributes }: GridProps) {
  const grid = useRef<HTMLDivElement>(null)
  const isMoving = useRef(false)
  useLayoutEffect(() => {
    if (isMoving.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
    isMoving.current = false
  }, [place.row, place.column])
  return (
    <div
      {...attributes}
      ref={grid}
      data-arrows=""
      onKeyDown={(event) => {
        const to = movedPlace(event, { rows, columns, place })
        if (to === null) return
        event.preventDefault()
        event.stopPropagation()
        isMoving.current = to.row !== place.row || to.column !== place.column
        onMove(to, event)
      }}
    >
      {children}
    </div>
  )
}
