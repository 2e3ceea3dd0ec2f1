import { useStore } from 'zustand'
import type { WatchedStep } from '../../../api/model.ts'
import { formatCount } from '../../../maths/format.ts'
import { answeringModel } from '../../../state/app.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { stepsOf } from '../steps/store.ts'
import { LARGE } from './machine.ts'
import { OddCounts } from './OddCounts.tsx'
import { isOdd, valueWatchingOf } from './valueWatch.ts'

/** Counts of odd values while the model runs: the switch, what it costs, and the steps that have any. */
export function WatchPart() {
  const watching = valueWatchingOf(useSession())
  const t = useTranslate()
  const on = useStore(watching.state, (state) => state.on)
  const steps = useStore(watching.state, (state) => state.steps)
  const ready = useApp(({ model }) => {
    const info = answeringModel(model)
    return info !== null && info.remote === undefined
  })
  return (
    <div data-testid="watch" data-steps={steps.length}>
      <label className="check">
        <input
          type="checkbox"
          data-testid="watch-switch"
          disabled={!ready}
          checked={on}
          onChange={() => void watching.setOn(!on)}
        />
        {t('watch.switch')}
      </label>
      <p className="note models-about">{t('watch.about', { large: formatCount(LARGE) })}</p>
      {on && <Counted steps={steps} />}
    </div>
  )
}

function Counted({ steps }: { steps: readonly WatchedStep[] }) {
  const t = useTranslate()
  const odd = steps.filter(isOdd)
  if (steps.length === 0) return <p className="note">{t('watch.nothing')}</p>
  const peak = steps.reduce((most, step) => (step.peak > most.peak ? step : most))
  return (
    <div role="status">
      <p className="note numeric">
        {t('watch.peak', {
          steps: formatCount(steps.length),
          peak: peak.peak.toPrecision(4),
          step: peak.step,
        })}{' '}
        {odd.length === 0 && t('machine.noneOdd', { large: formatCount(LARGE) })}
      </p>
      {odd.length > 0 && (
        <ol className="machine-list numeric">
          {odd.map((step) => (
            <OddStep key={step.step} step={step} />
          ))}
        </ol>
      )}
    </div>
  )
}

function OddStep({ step: counted }: { step: WatchedStep }) {
  const session = useSession()
  const { step, covers } = counted
  const open = () => {
    stepsOf(session).goTo(covers.at(-1) ?? step)
    session.app.setState({ view: 'steps', narrow: 'view' })
  }
  return (
    <li data-testid="watch-odd">
      <Icon name="warning" />{' '}
      <button type="button" className="step-link" onClick={open}>
        {step}
      </button>{' '}
      <OddCounts counts={counted} />
    </li>
  )
}
