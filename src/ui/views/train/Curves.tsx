import { memo, useMemo } from 'react'
import { smoothedLosses, speedOf, type CurveStep } from './store/curve.ts'
import { plannedRates } from './store/settings.ts'
import { formatCount, formatFixed } from '../../../maths/format.ts'
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
import { useCurve, useRun } from './hooks.ts'

interface CursorProps {
  /** Step under the pointer, of all plots. */
  cursor: number | null
  onCursor: (step: number | null) => void
}

type Tone = 'data' | 'soft' | 'accent'

/** Loss, learning rate, gradient norm and speed over the steps; one cursor through all. */
export function Curves({ cursor, onCursor }: CursorProps) {
  const t = useTranslate()
  const { curve, version } = useCurve()
  const settings = useRun((state) => state.run?.settings)
  const total = Math.max(settings?.steps ?? 1, curve.steps.length)
  const x: readonly [number, number] = [0, total]
  const { steps, held } = curve
  const smooth = useMemo(() => (version < 0 ? [] : smoothedLosses(steps)), [steps, version])
  const planned = useMemo(() => (settings === undefined ? [] : plannedRates(settings)), [settings])
  const over = (value: (step: CurveStep, at: number) => number): Series['points'] =>
    steps.map((step, at) => [step.index + 1, value(step, at)])
  const shared = { x, cursor, onCursor, steps }
  return (
    <section className="train-curves" aria-label={t('train.curves')}>
      <LossPlot {...shared} smooth={smooth} held={held.map((one) => [one.steps, one.loss])} />
      <div className="train-small">
        <Plot
          {...shared}
          name={t('train.plot.rate')}
          lines={[
            { kind: 'line', tone: 'soft', points: planned.map((rate, at) => [at + 1, rate]) },
            { kind: 'line', tone: 'data', points: over(({ learningRate }) => learningRate) },
          ]}
        />
        <Plot
          {...shared}
          name={t('train.plot.gradient')}
          lines={[{ kind: 'line', tone: 'data', points: over(({ gradNorm }) => gradNorm) }]}
        />
        <Plot
          {...shared}
          name={t('train.plot.speed')}
          lines={[
            {
              kind: 'line',
              tone: 'data',
              points: over((_, at) => speedOf(steps.slice(Math.max(0, at - 4), at + 1))?.perSecond ?? NaN),
            },
          ]}
        />
      </div>
      <Readout step={steps[(cursor ?? steps.length) - 1] ?? null} />
      <Skipped steps={steps} />
    </section>
  )
}

interface PlotProps extends CursorProps {
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
function Plot({
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

interface LossPlotProps extends PlotProps {
  smooth: readonly number[]
  held: Series['points']
}

/** Each step's loss as a point, their running mean as a line, and the held-out losses. */
function LossPlot({ smooth, held, steps, ...shared }: LossPlotProps) {
  const t = useTranslate()
  const lines = [
    { kind: 'points', tone: 'soft', points: steps.map(({ index, loss }) => [index + 1, loss] as const) },
    { kind: 'line', tone: 'data', points: smooth.map((loss, at) => [at + 1, loss] as const) },
    { kind: 'line', tone: 'accent', points: held },
  ] as const
  return (
    <Plot
      {...shared}
      steps={steps}
      name={t('train.plot.loss')}
      lines={lines}
      height={200}
      legend={
        <span className="train-legend note">
          <span className="train-key train-key-soft">{t('train.key.step')}</span>
          <span className="train-key train-key-data">{t('train.key.mean')}</span>
          <span className="train-key train-key-accent">{t('train.key.held')}</span>
        </span>
      }
    >
      {(range) => (
        <>
          {chunksOf(steps).map((chunk) => (
            <LossPoints
              key={chunk[0]?.index}
              steps={chunk}
              end={range.x[1]}
              low={range.y[0]}
              high={range.y[1]}
            />
          ))}
          {held.map(([at, loss]) => (
            <span
              key={at}
              className="train-point train-point-held"
              data-testid="train-held"
              data-step={at}
              data-value={loss}
              style={{ '--x': shareOf(at, range.x), '--y': 1 - shareOf(loss, range.y) }}
            />
          ))}
        </>
      )}
    </Plot>
  )
}

const CHUNK = 64

function chunksOf(steps: readonly CurveStep[]): (readonly CurveStep[])[] {
  return Array.from({ length: Math.ceil(steps.length / CHUNK) }, (_, at) =>
    steps.slice(at * CHUNK, (at + 1) * CHUNK),
  )
}

interface PointsProps {
  steps: readonly CurveStep[]
  end: number
  low: number
  high: number
}

const samePoints = (a: PointsProps, b: PointsProps): boolean =>
  a.steps.length === b.steps.length && a.end === b.end && a.low === b.low && a.high === b.high

/** Points of a stretch of steps, drawn again only when the axes change or the stretch grows. */
const LossPoints = memo(function LossPoints({ steps, end, low, high }: PointsProps) {
  return steps.map(({ index, loss, skipped }) => (
    <span
      key={index}
      className={skipped === null ? 'train-point' : 'train-point train-point-skipped'}
      data-testid="train-loss"
      data-step={index}
      data-value={loss}
      data-skipped={skipped?.reason}
      style={{
        '--x': shareOf(index + 1, [0, end]),
        '--y': Number.isFinite(loss) ? 1 - shareOf(Math.min(high, loss), [low, high]) : 0,
      }}
    />
  ))
}, samePoints)

function Readout({ step }: { step: CurveStep | null }) {
  const t = useTranslate()
  if (step === null) return null
  const { index, loss, learningRate, gradNorm, tokens, ms } = step
  return (
    <p className="note numeric train-readout">
      {t('train.readout', {
        step: formatCount(index + 1),
        loss: formatFixed(loss, 4),
        rate: tickText(learningRate),
        norm: tickText(gradNorm),
        tokens: formatCount(tokens),
        ms: formatFixed(ms, 0),
      })}
    </p>
  )
}

/** Steps that were not taken, and why. */
function Skipped({ steps }: { steps: readonly CurveStep[] }) {
  const t = useTranslate()
  const skipped = steps.filter((step) => step.skipped !== null)
  if (skipped.length === 0) return null
  return (
    <ul className="train-skipped">
      {skipped.map(({ index, loss, skipped }) => (
        <li key={index} data-testid="train-skipped" data-step={index} className="note">
          {t(skipped?.reason === 'spike' ? 'train.skipped.spike' : 'train.skipped.notFinite', {
            step: formatCount(index + 1),
            loss: formatFixed(loss, 3),
            back: formatCount((skipped?.backTo ?? -1) + 1),
          })}
        </li>
      ))}
    </ul>
  )
}
