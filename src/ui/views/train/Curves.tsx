import { useMemo } from 'react'
import { smoothedLosses, speedOf, type CurveStep } from './store/curve.ts'
import { plannedRates } from './store/settings.ts'
import { formatCount, formatFixed } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { tickText, type Series } from '../../draw/linePlot.ts'
import { LossPlot } from './LossPlot.tsx'
import { Plot, type CursorProps } from './Plot.tsx'
import { PreferencePlots } from './PreferencePlots.tsx'
import { useCurve, useRun } from './hooks.ts'

/** Loss, learning rate, gradient norm and speed over the steps; one cursor through all. */
export function Curves({ cursor, onCursor }: CursorProps) {
  const t = useTranslate()
  const { curve, version } = useCurve()
  const settings = useRun((state) => state.run?.settings)
  const total = Math.max(settings?.steps ?? 1, curve.steps.length)
  const x: readonly [number, number] = [0, total]
  const { steps, held } = curve
  const isPreferring = useRun((state) => state.run?.objective === 'dpo')
  const smooth = useMemo(() => (version < 0 ? [] : smoothedLosses(steps)), [steps, version])
  const planned = useMemo(() => (settings === undefined ? [] : plannedRates(settings)), [settings])
  const over = (value: (step: CurveStep, at: number) => number): Series['points'] =>
    steps.map((step, at) => [step.index + 1, value(step, at)])
  const shared = { x, cursor, onCursor, steps }
  return (
    <section className="train-curves" aria-label={t('train.curves')}>
      <LossPlot
        {...shared}
        name={t(isPreferring ? 'train.plot.pairLoss' : 'train.plot.loss')}
        smooth={smooth}
        held={held.map((one) => [one.steps, one.loss])}
      />
      {isPreferring && <PreferencePlots {...shared} held={held} />}
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

function Readout({ step }: { step: CurveStep | null }) {
  const t = useTranslate()
  if (step === null) return null
  const { index, loss, learningRate, gradNorm, tokens, ms, rewards } = step
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
      {rewards && ` · ${t('train.readoutMargin', { margin: formatFixed(rewards.margin, 3) })}`}
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
