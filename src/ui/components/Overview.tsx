import { useEffect, useMemo, useState } from 'react'
import { useSize } from './measure.ts'

interface OverviewProps {
  /** What scrolls sideways. */
  scroller: HTMLElement | null
  count: number
  /** CSS pixels of a column. */
  width: number
  label: string
  /** Palette step of a column; null: nothing is there yet. */
  level: (at: number) => number | null
}

/** All columns of a wide grid in one line, and the window on them as a slider. Nothing where all of them fit. */
export function Overview({ scroller, count, width, label, level }: OverviewProps) {
  const size = useSize(scroller)
  const [left, setLeft] = useState(0)
  useEffect(() => {
    if (scroller === null) return
    const follow = () => setLeft(scroller.scrollLeft)
    follow()
    scroller.addEventListener('scroll', follow, { passive: true })
    return () => scroller.removeEventListener('scroll', follow)
  }, [scroller])
  if (scroller === null) return null
  return (
    <OverviewSlider
      {...{ count, label, level }}
      seen={size.width / width}
      first={left / width}
      onFirst={(first) => scroller.scrollTo({ left: first * width })}
    />
  )
}

interface OverviewSliderProps extends Pick<OverviewProps, 'count' | 'label' | 'level'> {
  /** Columns on show, fractions allowed, and the first of them. */
  seen: number
  first: number
  onFirst: (first: number) => void
}

/** The same for any window on columns. */
export function OverviewSlider({ count, label, level, seen, first, onFirst }: OverviewSliderProps) {
  const background = useMemo(() => stripes(count, level), [count, level])
  if (seen >= count) return null
  const style = { '--stripes': background, '--window': `${Math.max(4, (seen / count) * 100)}%` }
  return (
    <input
      type="range"
      className="overview"
      data-testid="overview"
      aria-label={label}
      min={0}
      max={Math.ceil(count - seen)}
      value={Math.round(first)}
      style={style}
      onChange={(event) => onFirst(Number(event.currentTarget.value))}
    />
  )
}

/** Runs of columns of one step, as the stops of a gradient. */
function stripes(count: number, level: (at: number) => number | null): string {
  const stops: string[] = []
  for (let from = 0; from < count;) {
    const colourLevel = level(from)
    let to = from + 1
    while (to < count && level(to) === colourLevel) to += 1
    const colour = colourLevel === null ? 'transparent' : `var(--seq-${colourLevel})`
    stops.push(`${colour} ${(from / count) * 100}% ${(to / count) * 100}%`)
    from = to
  }
  return `linear-gradient(to right, ${stops.join(', ')})`
}
