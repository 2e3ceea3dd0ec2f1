import { lazy, Suspense, useMemo, useState } from 'react'
import type { Distribution } from '../../analysis/candidates.ts'
import { useTranslate } from '../context.ts'
import { curvePath, floorOf, powersTo, probabilityToY, rankToX, sampleCurve } from '../draw/rankCurve.ts'
import { formatCount, formatProbability } from '../../maths/format.ts'
import { loadViewMessages } from '../words/index.ts'

/** Fetched with the first curve, which is not what the page opens with. */
const RankCurveExport = lazy(async () => {
  const [module] = await Promise.all([import('./RankCurveExport.tsx'), loadViewMessages()])
  return { default: module.RankCurveExport }
})

const WIDTH = 320
const HEIGHT = 120
const RANK_TICKS = [1, 10, 100, 1_000, 10_000, 100_000]
const ABOVE = '⁰¹²³⁴⁵⁶⁷⁸⁹'
const powerText = (power: number): string =>
  power === 0 ? '1' : `10⁻${[...String(-power)].map((digit) => ABOVE[Number(digit)]).join('')}`

interface RankCurveProps {
  distribution: Distribution
  /** 1-based rank of the token that was drawn. */
  chosen: number | null
  /** Tokens that survive the filters, when those are shown. */
  kept: number | null
}

/** Probability against rank over the whole vocabulary, both axes logarithmic. */
export function RankCurve({ distribution, chosen, kept }: RankCurveProps) {
  const t = useTranslate()
  const { logprobs, order } = distribution
  const count = order.length
  const sorted = useMemo(
    () => Float64Array.from(order, (id) => Math.exp(logprobs[id] ?? -Infinity)),
    [order, logprobs],
  )
  const floor = useMemo(() => floorOf(sorted), [sorted])
  const path = useMemo(
    () => curvePath(sampleCurve(sorted), count, WIDTH, HEIGHT, floor),
    [sorted, count, floor],
  )
  const [cursor, setCursor] = useState<number | null>(null)
  const marked = cursor ?? chosen
  const cutX = kept !== null && kept < count ? rankToX(kept + 0.5, count) * WIDTH : null
  return (
    <div className="plot-host">
      <figure className="curve">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t('logits.curveLabel', {
            vocab: formatCount(count),
            top: formatProbability(sorted[0] ?? 0),
          })}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect()
            const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
            setCursor(Math.max(1, Math.round(Math.exp(share * Math.log(count)))))
          }}
          onPointerLeave={() => setCursor(null)}
        >
          <Grid count={count} floor={floor} />
          <path className="curve-line" d={path} />
          {cutX !== null && (
            <rect className="curve-cut" x={cutX} y={0} width={WIDTH - cutX} height={HEIGHT} />
          )}
          {marked !== null && (
            <line
              className={cursor === null ? 'curve-chosen' : 'curve-cursor'}
              x1={rankToX(marked, count) * WIDTH}
              x2={rankToX(marked, count) * WIDTH}
              y1={probabilityToY(sorted[marked - 1] ?? 0, floor) * HEIGHT}
              y2={HEIGHT}
            />
          )}
        </svg>
        <AxisLabels count={count} floor={floor} />
        {marked !== null && (
          <span
            className={cursor === null ? 'curve-dot' : 'curve-dot curve-dot-cursor'}
            style={{ '--x': rankToX(marked, count), '--y': probabilityToY(sorted[marked - 1] ?? 0, floor) }}
          />
        )}
        <figcaption className="note numeric">
          {marked === null
            ? ' '
            : `${t('logits.curveRank')} ${formatCount(marked)} · ${formatProbability(sorted[marked - 1] ?? 0)}`}
        </figcaption>
      </figure>
      <Suspense fallback={null}>
        <RankCurveExport sorted={sorted} chosen={chosen} />
      </Suspense>
    </div>
  )
}

interface AxesProps {
  count: number
  /** The lowest probability drawn. */
  floor: number
}

function Grid({ count, floor }: AxesProps) {
  return (
    <g className="curve-grid">
      {powersTo(floor).map((power) => (
        <line
          key={power}
          x1={0}
          x2={WIDTH}
          y1={probabilityToY(10 ** power, floor) * HEIGHT}
          y2={probabilityToY(10 ** power, floor) * HEIGHT}
        />
      ))}
      {RANK_TICKS.filter((rank) => rank <= count).map((rank) => (
        <line
          key={rank}
          y1={0}
          y2={HEIGHT}
          x1={rankToX(rank, count) * WIDTH}
          x2={rankToX(rank, count) * WIDTH}
        />
      ))}
    </g>
  )
}

/** HTML rather than SVG text, so that the type keeps its size while the plot stretches. */
function AxisLabels({ count, floor }: AxesProps) {
  return (
    <span aria-hidden="true">
      {powersTo(floor).map((power) => (
        <span key={power} className="axis-y numeric" style={{ '--at': probabilityToY(10 ** power, floor) }}>
          {powerText(power)}
        </span>
      ))}
      {RANK_TICKS.filter((rank) => rank <= count).map((rank) => (
        <span key={rank} className="axis-x numeric" style={{ '--at': rankToX(rank, count) }}>
          {formatCount(rank)}
        </span>
      ))}
    </span>
  )
}
