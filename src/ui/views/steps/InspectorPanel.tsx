import { useTranslate } from '../../context.ts'
import type { StepInfo } from '../../../api/model.ts'
import { formatCount } from '../../../maths/format.ts'
import { Cost } from './Cost.tsx'
import { useCurrentStep, useStepList, useSteps, useWatchedSteps } from './hooks.ts'
import { Kernel } from './Kernel.tsx'
import { Statistics } from './Statistics.tsx'
import { formatShape } from '../../components/labels.ts'

/** The facts about the current step. */
export function InspectorPanel() {
  useWatchedSteps()
  const t = useTranslate()
  const step = useCurrentStep()
  if (step === null) return <p className="panel-empty">{t('inspect.empty')}</p>
  return (
    <div className="inspector">
      <Facts step={step} />
      <Statistics step={step} />
      <Cost key={step.name} step={step} />
      <Kernel step={step} />
    </div>
  )
}

function Facts({ step }: { step: StepInfo }) {
  const t = useTranslate()
  return (
    <dl className="fact-list">
      <dt>{t('inspect.op')}</dt>
      <dd>
        <code>{step.op}</code>
      </dd>
      <dt>{t('inspect.shape')}</dt>
      <dd>
        <code data-testid="step-shape" data-shape={step.output.shape.join(',')}>
          {formatShape(step.output.shape)}
        </code>{' '}
        <span className="note">
          {step.output.dtype} · {formatCount(step.output.shape.reduce((size, axis) => size * axis, 1))}
        </span>
      </dd>
      <dt>{t('inspect.inputs')}</dt>
      <dd>
        <Inputs step={step} />
      </dd>
      <dt>{t('inspect.weights')}</dt>
      <dd>
        {step.params.length === 0 ? (
          <span className="note">{t('inspect.none')}</span>
        ) : (
          step.params.map(({ name, tensor }) => <code key={name}>{tensor}</code>)
        )}
      </dd>
      <dt>{t('inspect.covered')}</dt>
      <dd>
        {step.coveredBy === null ? (
          <span className="note">{t('inspect.alone')}</span>
        ) : (
          <code>{t('inspect.coveredBy', { name: step.coveredBy })}</code>
        )}
      </dd>
    </dl>
  )
}

/** Inputs lead to the steps they come from; an embedding reads the token ids themselves. */
function Inputs({ step }: { step: StepInfo }) {
  const steps = useSteps()
  const list = useStepList()
  if (step.inputs.length === 0) return <code>ids</code>
  return step.inputs.map((name) => {
    const isListed = list.some((other) => other.name === name)
    return isListed ? (
      <button key={name} type="button" className="step-link" onClick={() => steps.goTo(name)}>
        {name}
      </button>
    ) : (
      <code key={name}>{name}</code>
    )
  })
}
