import { useRef, type KeyboardEvent, type PointerEvent } from 'react'

interface SplitterProps {
  label: string
  /** The side its region lies on. */
  side: 'left' | 'right'
  width: number
  min: number
  max: number
  onChange: (width: number) => void
  onCollapse: () => void
}

const STEP = 16

/** The line between two regions: dragged, moved with arrows, collapsed by double click or Enter. */
export function Splitter({ label, side, width, min, max, onChange, onCollapse }: SplitterProps) {
  const drag = useRef<{ x: number; width: number } | null>(null)
  const outwards = side === 'left' ? 1 : -1
  const clamp = (value: number) => Math.round(Math.min(max, Math.max(min, value)))

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId)
    drag.current = { x: event.clientX, width }
  }
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (drag.current === null) return
    onChange(clamp(drag.current.width + outwards * (event.clientX - drag.current.x)))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (direction !== 0) onChange(clamp(width + outwards * direction * STEP))
    else if (event.key === 'Enter') onCollapse()
    else return
    event.preventDefault()
  }
  return (
    <div
      className="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      onDoubleClick={onCollapse}
      onKeyDown={onKeyDown}
    />
  )
}
