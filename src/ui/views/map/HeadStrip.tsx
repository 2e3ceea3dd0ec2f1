import { memo, useCallback } from 'react'
import type { LayerFacts } from './store.ts'
import type { MapHeads } from './picture.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useShade } from '../../components/useShade.ts'
import { useModelMap, useOpenings } from './hooks.ts'
import { paintHeads } from './ink.ts'
import { Strip } from './Strip.tsx'

/** Widest cell of a head, CSS pixels. */
const WIDEST = 72

interface HeadStripProps {
  layer: number
  heads: MapHeads
  facts: LayerFacts | null
  /** Positions that the row can see from the first on. */
  seen: number
  /** Room, CSS pixels. */
  width: number
  height: number
}

/** One cell a head: where it looks, from the first token at its left to the row's own at its right. */
export const HeadStrip = memo(function HeadStrip(props: HeadStripProps) {
  const { layer, heads, facts, seen, width, height } = props
  const t = useTranslate()
  const shade = useShade()
  const weights = facts?.weights ?? null
  const { count } = heads
  const draw = useCallback(
    (canvas: HTMLCanvasElement) => {
      if (weights !== null) paintHeads(canvas, weights, { heads: count, seen, shade })
    },
    [weights, count, seen, shade],
  )
  const stripWidth = Math.max(count, Math.floor(Math.min(width, count * WIDEST)))
  return (
    <div
      className="map-heads"
      role="group"
      aria-label={t('map.heads', { layer, count })}
      data-empty={weights === null}
      style={{ width: stripWidth, '--heads': count }}
    >
      {weights !== null && <Strip width={stripWidth} height={height} draw={draw} />}
      {Array.from({ length: count }, (_, head) => (
        <Head key={head} {...{ layer, head, weights, seen, count }} step={heads.probs} />
      ))}
    </div>
  )
})

interface HeadProps {
  layer: number
  head: number
  step: string
  count: number
  weights: Float32Array | null
  seen: number
}

/** Over the strip: what the pointer and the keyboard meet. */
function Head({ layer, head, step, count, weights, seen }: HeadProps) {
  const t = useTranslate()
  const map = useModelMap()
  const openings = useOpenings()
  const label = t('map.head', { layer, head })
  const [peak, at] = weights === null ? [null, 0] : farthest(weights, head * (weights.length / count), seen)
  const says =
    peak === null ? label : t('map.headLooks', { head: label, at, weight: formatProbability(peak) })
  const look = (): void => map.look({ layer, head })
  const away = (): void => map.look(null)
  return (
    <button
      type="button"
      className="map-head"
      data-testid="map-node"
      data-step={step}
      data-head={head}
      tabIndex={-1}
      aria-label={says}
      title={says}
      onMouseEnter={look}
      onMouseLeave={away}
      onFocus={look}
      onBlur={away}
      onClick={() => openings.head(layer, head)}
    />
  )
}

/** The largest of a head's weights, and its position. */
function farthest(weights: Float32Array, from: number, seen: number): readonly [weight: number, at: number] {
  let at = 0
  for (let position = 1; position < seen; position++)
    if ((weights[from + position] ?? 0) > (weights[from + at] ?? 0)) at = position
  return [weights[from + at] ?? 0, at]
}
