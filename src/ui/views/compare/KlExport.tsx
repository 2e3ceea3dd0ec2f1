import { visibleText } from '../../../state/characterGroups.ts'
import { PlotExport, plotCaption } from '../../components/PlotExport.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { barPlot } from '../../draw/plots.ts'
import { useScalesText } from '../../components/useScales.ts'
import { useCompareState, useComparison } from './hooks.ts'
import { formatNats } from '../../components/numbers.ts'

/** How far the two sets of scales lie apart at every position, as a picture. */
export function KlExport() {
  const t = useTranslate()
  const session = useSession()
  const comparison = useComparison()
  const scalesText = useScalesText()
  const shown = useCompareState((state) => state.shown)
  useCompareState((state) => state.version)
  if (shown === null || comparison.kl.every((value) => value === null)) return null
  const texts =
    shown.mode === 'score'
      ? comparison.scoredTexts.slice(1)
      : comparison.tokens.map(({ a, b }) => (b ?? a)?.text ?? '')
  const text = shown.mode === 'score' ? comparison.scoredTexts.join('') : shown.prompt
  const both = `A ${scalesText(shown.a)} · B ${scalesText(shown.b)}`
  return (
    <PlotExport
      title={t('plot.kl')}
      caption={plotCaption(session.model?.info.id ?? '', text, both)}
      make={(frame) => {
        const values = comparison.kl.map((value) => value ?? 0)
        const most = Math.max(Number.MIN_VALUE, ...values)
        return barPlot(frame, {
          shares: values.map((value) => value / most),
          barWidth: 14,
          height: 200,
          colour: () => frame.ink.data,
          labels: values.map((_, at) => visibleText(texts[at] ?? '')),
          ends: null,
          ticks: [
            [1, `${formatNats(most)} nat`],
            [0.5, formatNats(most / 2)],
          ],
        })
      }}
    />
  )
}
