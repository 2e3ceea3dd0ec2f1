import { useEffect, useState } from 'react'
import { toErrorData } from '../../../errors.ts'
import type { StepInfo, TensorStats } from '../../../api/model.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { formatCount } from '../../../maths/format.ts'
import { HistogramExport } from './HistogramExport.tsx'
import { useRow, useStepsState } from './hooks.ts'
import { formatValue } from './numbers.ts'

/** Statistics of the step's output, of the selected row or of all. */
export function Statistics({ step }: { step: StepInfo }) {
  const t = useTranslate()
  const row = useRow()
  const [scope, setScope] = useState<'row' | 'all'>('row')
  const { stats, error } = useStats(step, scope === 'row' ? row : null)
  return (
    <section className="inspect-part" data-testid="step-stats">
      <div className="inspect-head row">
        <h3 className="eyebrow">{t('inspect.statistics')}</h3>
        <Segmented
          label={t('inspect.of')}
          value={scope}
          choices={[
            { value: 'row', label: t('inspect.ofRow') },
            { value: 'all', label: t('inspect.ofAll') },
          ]}
          onChange={setScope}
        />
      </div>
      {error !== null && <p className="note">{error}</p>}
      {stats !== null && (
        <>
          <Histogram stats={stats} step={scope === 'row' ? `${step.name} [${row}]` : step.name} />
          <Numbers stats={stats} />
        </>
      )}
    </section>
  )
}

/** The step's statistics; those of the same text stay until the new ones are there, so that nothing jumps. */
function useStats(step: StepInfo, row: number | null) {
  const source = useStepsState((state) => state.source)
  const [loaded, setLoaded] = useState<{
    of: typeof source
    stats: TensorStats | null
    error: string | null
  }>({
    of: null,
    stats: null,
    error: null,
  })
  useEffect(() => {
    if (source === null) return
    let current = true
    source.stats(step.name, row === null ? {} : { row }).then(
      (stats) => current && setLoaded({ of: source, stats, error: null }),
      (error: unknown) =>
        current && setLoaded({ of: source, stats: null, error: toErrorData(error).message }),
    )
    return () => {
      current = false
    }
  }, [source, step, row])
  return loaded.of === source ? loaded : { stats: null, error: null }
}

export function Numbers({ stats }: { stats: TensorStats }) {
  const t = useTranslate()
  const names = ['min', 'max', 'mean', 'std', 'norm'] as const
  const bad = stats.nan + stats.infinite
  return (
    <dl className="stat-grid">
      {names.map((name) => (
        <div key={name}>
          <dt>{t(`inspect.${name}`)}</dt>
          <dd className="numeric" data-stat={name} data-value={stats[name]}>
            {formatValue(stats[name])}
          </dd>
        </div>
      ))}
      <div className={bad > 0 ? 'stat-bad' : undefined}>
        <dt>{t('inspect.bad')}</dt>
        <dd className="numeric">
          {formatCount(stats.nan)}, {formatCount(stats.infinite)}
        </dd>
      </div>
    </dl>
  )
}

const WIDTH = 320
const HEIGHT = 56

interface HistogramProps {
  stats: TensorStats
  step: string
  /** What a picture of it says its numbers are of; omitted: what is on the page. */
  caption?: string
}

/** Bars on a square-root scale: rare values stay visible. */
export function Histogram({ stats, step, caption }: HistogramProps) {
  const t = useTranslate()
  const { low, high, counts } = stats.histogram
  const most = Math.max(1, ...counts)
  const width = WIDTH / Math.max(1, counts.length)
  const zero = high > low && low < 0 && high > 0 ? (-low / (high - low)) * WIDTH : null
  const label = t('inspect.histogram', {
    count: formatCount(stats.elements),
    low: formatValue(low),
    high: formatValue(high),
  })
  return (
    <div className="plot-host">
      <figure className="histogram">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
          {counts.map((count, index) => {
            const height = Math.sqrt(count / most) * (HEIGHT - 2)
            return (
              <rect
                key={index}
                x={index * width}
                y={HEIGHT - height}
                width={Math.max(0.5, width - 0.7)}
                height={height}
              />
            )
          })}
          {zero !== null && <line x1={zero} x2={zero} y1={0} y2={HEIGHT} />}
        </svg>
        <figcaption className="histogram-ends numeric" aria-hidden="true">
          <span>{formatValue(low)}</span>
          <span>{formatValue(high)}</span>
        </figcaption>
      </figure>
      <HistogramExport stats={stats} step={step} caption={caption} />
    </div>
  )
}
