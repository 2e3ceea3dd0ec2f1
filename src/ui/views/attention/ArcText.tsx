import { useEffect, useMemo, useState } from 'react'
import { strongestLinks, type AttentionLink } from '../../../analysis/headScores.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { useSize } from '../../components/measure.ts'
import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useTexts } from '../../components/reading.ts'
import { useAttentionState, useQueryWeights } from './hooks.ts'
import { inkOf } from '../../draw/ink.ts'
import { BarTokens, useBarKeys } from './BarTokens.tsx'

/** Height of the arcs above the line, in CSS pixels. */
const ARCS = 76
/** Weights below are not drawn, but for the strongest few: the line under the arcs counts them. */
const DRAWN_FROM = 0.01
const MIN_ARCS = 12
const MAX_ARCS = 64
/** Pixels of the line kept in the page beyond either edge. */
const BEYOND = 240

/** Where each token begins in a single line, and where the last one ends. */
function placeTokens(names: readonly string[]): Float64Array {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  if (context !== null)
    context.font = `12px ${getComputedStyle(document.documentElement).getPropertyValue('--font-mono')}`
  const starts = new Float64Array(names.length + 1)
  names.forEach((name, i) => {
    const wide = context?.measureText(name).width ?? 7 * name.length
    starts[i + 1] = starts[i]! + Math.max(14, Math.ceil(wide) + 9)
  })
  return starts
}

/** One line of the text with arcs from the selected token, as strong as their weights. Only what is on show is in the page. */
export function ArcText({ ids, row }: { ids: readonly number[]; row: number }) {
  const t = useTranslate()
  const texts = useTexts(ids.length)
  const weights = useQueryWeights(ids, row)
  const direction = useAttentionState((state) => state.direction)
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null)
  const starts = useMemo(
    () => placeTokens(ids.map((id, at) => (texts[at] ? visibleText(texts[at]) : String(id)))),
    [ids, texts],
  )
  const near = useNear(scroller, starts, row)
  const links = useMemo(
    () => (weights === null ? [] : strongestLinks(weights, row, direction, weights.length)),
    [weights, row, direction],
  )
  const arcs = links.slice(0, MAX_ARCS).filter(({ weight }, i) => i < MIN_ARCS || weight >= DRAWN_FROM)
  return (
    <>
      <div className="arcs" ref={setScroller}>
        <div
          className="arcs-line"
          role="group"
          data-arrows=""
          aria-label={t('attention.textBar')}
          style={{ width: starts[ids.length] ?? 0, '--arcs': `${ARCS}px` }}
          onKeyDown={useBarKeys(ids.length, row)}
        >
          <Arcs arcs={arcs} starts={starts} row={row} />
          <BarTokens ids={ids} row={row} shown={near} starts={starts} />
        </div>
      </div>
      <Undrawn links={links} drawn={arcs.length} direction={direction} />
    </>
  )
}

/** Tokens of the part on show, and the selected one, which keeps the focus. Scrolls to it when another is selected. */
function useNear(scroller: HTMLElement | null, starts: Float64Array, row: number): readonly number[] {
  const { width } = useSize(scroller)
  const [left, setLeft] = useState(0)
  useEffect(() => {
    if (scroller === null) return
    const onScroll = () => setLeft(Math.floor(scroller.scrollLeft / 80) * 80)
    scroller.addEventListener('scroll', onScroll, { passive: true })
    return () => scroller.removeEventListener('scroll', onScroll)
  }, [scroller])
  useEffect(() => {
    if (scroller === null || width === 0) return
    const at = starts[row] ?? 0
    const inside = at >= scroller.scrollLeft && at + 60 <= scroller.scrollLeft + width
    if (!inside) scroller.scrollTo({ left: at - width / 2 })
  }, [scroller, width, starts, row])
  return useMemo(() => {
    const near: number[] = []
    for (let at = 0; at + 1 < starts.length; at++) {
      const here = starts[at + 1]! >= left - BEYOND && starts[at]! <= left + width + BEYOND
      if (here || at === row) near.push(at)
    }
    return near
  }, [starts, left, width, row])
}

interface ArcsProps {
  arcs: readonly AttentionLink[]
  starts: Float64Array
  row: number
}

function Arcs({ arcs, starts, row }: ArcsProps) {
  const middle = (at: number): number => ((starts[at] ?? 0) + (starts[at + 1] ?? 0)) / 2
  const from = middle(row)
  return (
    <svg className="arcs-plot" width={starts.at(-1) ?? 0} height={ARCS} aria-hidden="true">
      {arcs.toReversed().map(({ position, weight }) => (
        <path
          key={position}
          data-testid="attention-arc"
          data-position={position}
          data-weight={weight}
          d={arcPath(from, position === row ? from : middle(position))}
          style={{ opacity: 0.12 + 0.88 * inkOf(weight), strokeWidth: 1 + 2 * weight }}
        />
      ))}
    </svg>
  )
}

/** From token to token over the line, higher the farther; to itself, a loop. */
function arcPath(from: number, to: number): string {
  const base = ARCS - 1
  if (from === to)
    return `M${from - 5} ${base}C${from - 12} ${base - 22} ${from + 12} ${base - 22} ${from + 5} ${base}`
  // The control points of a cubic stand 4/3 as high as its top.
  const top = base - (4 / 3) * Math.min(ARCS - 6, 8 + 2.2 * Math.sqrt(Math.abs(to - from)))
  return `M${from} ${base}C${from} ${top} ${to} ${top} ${to} ${base}`
}

function Undrawn(props: { links: readonly AttentionLink[]; drawn: number; direction: 'keys' | 'queries' }) {
  const { links, drawn, direction } = props
  const t = useTranslate()
  const rest = links.slice(drawn)
  const sum = rest.reduce((total, { weight }) => total + weight, 0)
  return (
    <p className="note numeric">
      {t(direction === 'keys' ? 'attention.arcsKeys' : 'attention.arcsQueries', { drawn })}
      {rest.length > 0 && ` ${t('attention.arcsRest', { count: rest.length, sum: formatFixed(sum, 3) })}`}
    </p>
  )
}
