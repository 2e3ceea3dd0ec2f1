import type { Curve } from './store/curve.ts'
import { useTranslate } from '../../context.ts'
import type { Series } from '../../draw/linePlot.ts'
import { Plot, type PlotProps } from './Plot.tsx'

/** What a run over preferences has beside its loss: how far the chosen answers lead, and how often. */
export function PreferencePlots({ held, ...shared }: PlotProps & { held: Curve['held'] }) {
  const t = useTranslate()
  const of = (key: 'margin' | 'accuracy') => {
    const learned: Series['points'] = shared.steps.flatMap(({ index, rewards }) =>
      rewards ? [[index + 1, rewards[key]] as const] : [],
    )
    const kept: Series['points'] = held.flatMap((one) => {
      const value = one[key]
      return value === undefined ? [] : [[one.steps, value] as const]
    })
    return [
      { kind: 'line', tone: 'soft', points: learned },
      { kind: 'line', tone: 'accent', points: kept },
    ] as const
  }
  return (
    <div className="train-small" data-testid="train-rewards">
      <Plot {...shared} name={t('train.plot.margin')} lines={of('margin')} fromZero={false} />
      <Plot {...shared} name={t('train.plot.accuracy')} lines={of('accuracy')} />
    </div>
  )
}
