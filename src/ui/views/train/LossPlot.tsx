import { memo } from 'react'
import type { CurveStep } from './store/curve.ts'
import { useTranslate } from '../../context.ts'
import { shareOf, type Series } from '../../draw/linePlot.ts'
import { Plot, type PlotProps } from './Plot.tsx'

interface LossPlotProps extends PlotProps {
  name: string
  smooth: readonly number[]
  held: Series['points']
}

/** Each step's loss as a point, their running mean as a line, and the held-out losses. */
export function LossPlot({ smooth, held, steps, ...shared }: LossPlotProps) {
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

/** Points of an interval of steps, drawn again only when the axes change or the interval grows. */
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
