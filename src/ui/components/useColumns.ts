import { useEffect, useState } from 'react'
import { useSize } from './measure.ts'

interface ColumnCount {
  count: number
  /** The one that keeps the focus: always among them. */
  chosen: number
  /** CSS pixels of one. */
  width: number
  /** Kept in the page beyond either edge. */
  beyond: number
}

/** Columns of a wide grid that are on show, a few beyond, and the chosen one. */
export function useColumns(
  scroller: HTMLElement | null,
  { count, chosen, width, beyond }: ColumnCount,
): readonly number[] {
  const size = useSize(scroller)
  const [first, setFirst] = useState(0)
  useEffect(() => {
    if (scroller === null) return
    const onScroll = () => setFirst(Math.floor(scroller.scrollLeft / width))
    scroller.addEventListener('scroll', onScroll, { passive: true })
    return () => scroller.removeEventListener('scroll', onScroll)
  }, [scroller, width])
  const from = Math.max(0, first - beyond)
  const to = Math.min(count, first + Math.ceil(size.width / width) + beyond)
  const near = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
  if (chosen >= count || near.includes(chosen)) return near
  return chosen < from ? [chosen, ...near] : [...near, chosen]
}
