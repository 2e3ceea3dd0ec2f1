import type { TensorStats } from '../../../api/model.ts'
import { PlotExport } from '../../components/PlotExport.tsx'
import { useTranslate } from '../../context.ts'
import { barPlot } from '../../draw/plots.ts'
import { formatCount } from '../../../maths/format.ts'
import { formatValue } from './numbers.ts'

interface HistogramExportProps {
  stats: TensorStats
  step: string
  /** What the numbers are of; omitted: what is on the page. */
  caption?: string | undefined
}

/** Counts that are labelled: the largest, and about a quarter of it. */
const marked = (most: number): number[] =>
  [...new Set([most, Math.round(most / 4)])].filter((count) => count > 0)

/** The histogram as a picture, its heights on the same square-root scale. */
export function HistogramExport({ stats, step, caption }: HistogramExportProps) {
  const t = useTranslate()
  const { low, high, counts } = stats.histogram
  const most = Math.max(1, ...counts)
  return (
    <PlotExport
      title={t('plot.histogram', { step })}
      {...(caption === undefined ? {} : { caption })}
      make={(frame) =>
        barPlot(frame, {
          shares: counts.map((count) => Math.sqrt(count / most)),
          barWidth: 9,
          height: 200,
          colour: () => frame.ink.data,
          labels: null,
          ends: [formatValue(low), formatValue(high)],
          ticks: marked(most).map((count) => [Math.sqrt(count / most), formatCount(count)]),
        })
      }
    />
  )
}
