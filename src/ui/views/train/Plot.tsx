import type { CurveStep } from './store/curve.ts'
import { formatCount } from '../../../maths/format.ts'
import { PlotExport } from '../../components/PlotExport.tsx'
import { useTranslate } from '../../context.ts'
import {
  linePath,
  linePlotPicture,
  rangeOf,
  shareOf,
  tickText,
  ticksBetween,
  type PlotRange,
  type Series,
} from '../../draw/linePlot.ts'

export interface CursorProps {
  /** Step under the pointer, of all plots. */
  cursor: number | null
  onCursor: (step: number | null) => void
}

type Tone = 'data' | 'soft' | 'accent'

export interface PlotProps extends CursorProps {
  x: readonly [number, number]
  steps: readonly CurveStep[]
}

const WIDTH = 600

interface LinesProps extends PlotProps {
  name: string
  lines: readonly (Series & { tone: Tone })[]
  height?: number
  fromZero?: boolean
  legend?: React.ReactNode
  children?: (range: PlotRange, height: number) => React.ReactNode
}

/** One plot: lines over steps, stretched to the room there is. */
export function Plot({
  name,
  lines,
  x,
  steps,
  cursor,
  onCursor,
  height = 90,
  fromZero = true,
  legend,
  children,
}: LinesProps) {
  const t = useTranslate()
  const range = rangeOf(lines, x, fromZero)
  const marked = steps.filter(({ skipped }) => skipped !== null).map(({ index }) => index + 1)
  const last = lines.at(-1)?.points.at(-1)?.[1]
  const place = (event: React.PointerEvent<SVGSVGElement>): number => {
    const box = event.currentTarget.getBoundingClientRect()
    const share = (event.clientX - box.left) / box.width
    return Math.min(steps.length, Math.max(1, Math.round(share * (x[1] - x[0]) + x[0])))
  }
  return (
    <figure className="train-plot">
      <figcaption className="train-plot-head cluster">
        <span className="eyebrow">{name}</span>
        {legend}
        <PlotExport
          title={name}
          make={(frame) =>
            linePlotPicture(frame, {
              range,
              marked,
              series: lines.map(({ tone, ...line }) => ({ ...line, colour: frame.ink[tone], width: 1.5 })),
            })
          }
        />
      </figcaption>
      <div className="train-plot-box" style={{ '--height': `${height}px` }}>
        <svg
          viewBox={`0 0 ${WIDTH} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t('train.plotLabel', {
            name,
            steps: formatCount(steps.length),
            last: last === undefined ? '—' : tickText(last),
          })}
          onPointerMove={(event) => steps.length > 0 && onCursor(place(event))}
          onPointerLeave={() => onCursor(null)}
        >
          {ticksBetween(range.y, 3).map((tick) => {
            const y = (1 - shareOf(tick, range.y)) * height
            return <line key={tick} className="train-grid" x1={0} x2={WIDTH} y1={y} y2={y} />
          })}
          {marked.map((step) => {
            const at = shareOf(step, range.x) * WIDTH
            return <line key={step} className="train-skip" x1={at} x2={at} y1={0} y2={height} />
          })}
          {lines.map((line, at) =>
            line.kind === 'line' ? (
              <path
                key={at}
                className={`train-line train-${line.tone}`}
                d={linePath(line, range, WIDTH, height)}
              />
            ) : null,
          )}
          {cursor !== null && (
            <line
              className="train-cursor"
              x1={shareOf(cursor, range.x) * WIDTH}
              x2={shareOf(cursor, range.x) * WIDTH}
              y1={0}
              y2={height}
            />
          )}
        </svg>
        {children?.(range, height)}
        <AxisLabels range={range} />
      </div>
    </figure>
  )
}

/** HTML rather than SVG text, so that the type keeps its size while the plot stretches. */
function AxisLabels({ range }: { range: PlotRange }) {
  return (
    <span aria-hidden="true">
      {ticksBetween(range.y, 3).map((tick) => (
        <span key={tick} className="train-axis-y numeric" style={{ '--at': 1 - shareOf(tick, range.y) }}>
          {tickText(tick)}
        </span>
      ))}
      {ticksBetween(range.x, 5).map((tick) => (
        <span key={tick} className="train-axis-x numeric" style={{ '--at': shareOf(tick, range.x) }}>
          {formatCount(tick)}
        </span>
      ))}
    </span>
  )
}
