import type { SavedStep, SavedTrace } from '../../../trace/types.ts'
import { useTranslate } from '../../context.ts'
import { formatBytes, formatMagnitude } from '../../../maths/format.ts'
import { Histogram, Numbers } from '../steps/Statistics.tsx'
import { formatShape } from '../../components/labels.ts'
import { useSavedState } from './hooks.ts'
import { useTraceCaption } from './TensorExport.tsx'

/** The chosen step in numbers, and how the run was made. */
export function TraceFacts({ trace }: { trace: SavedTrace }) {
  const name = useSavedState((state) => state.step)
  const step = trace.steps.find((one) => one.name === name)
  return (
    <>
      {step !== undefined && <StepFacts trace={trace} step={step} />}
      <RunFacts trace={trace} />
    </>
  )
}

function StepFacts({ trace, step }: { trace: SavedTrace; step: SavedStep }) {
  const t = useTranslate()
  const caption = useTraceCaption(trace)
  const { stats, output, inputs, flops, bytes, formula } = step
  return (
    <section className="trace-facts">
      <h3 className="eyebrow">{step.name}</h3>
      {stats !== null && (
        <div data-testid="step-stats">
          <Histogram stats={stats} step={step.name} caption={caption} />
          <Numbers stats={stats} />
        </div>
      )}
      <dl className="fact-list">
        <dt>{t('trace.shape')}</dt>
        <dd className="numeric">
          {formatShape(output.shape)} {output.dtype}
        </dd>
        {inputs.length > 0 && (
          <>
            <dt>{t('trace.inputs')}</dt>
            <dd>{inputs.join(', ')}</dd>
          </>
        )}
        <dt>{t('trace.formula')}</dt>
        <dd>{formula}</dd>
        <dt>{t('trace.cost')}</dt>
        <dd className="numeric">{formatMagnitude(flops)}</dd>
        <dt>{t('trace.bytes')}</dt>
        <dd className="numeric">{formatBytes(bytes)}</dd>
      </dl>
    </section>
  )
}

const limitsText = (limits: Readonly<Record<string, number>>): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name} ${value}`)
    .join('\n')

function RunFacts({ trace }: { trace: SavedTrace }) {
  const t = useTranslate()
  const { model, machine, settings } = trace
  const named = Object.entries(settings)
  return (
    <section className="trace-facts">
      <h3 className="eyebrow">{t('trace.about')}</h3>
      <dl className="fact-list">
        <dt>{t('trace.model')}</dt>
        <dd>
          {model.id} ({model.architecture}, {formatMagnitude(model.parameters)})
        </dd>
        <dt>{t('model.weights')}</dt>
        <dd className="numeric">{model.weights}</dd>
        <dt>{t('trace.backend')}</dt>
        <dd>
          {model.backend} · {model.variant}
        </dd>
        {machine !== null && (
          <>
            <dt>{t('trace.machine')}</dt>
            <dd title={limitsText(machine.limits)}>{machine.browser}</dd>
          </>
        )}
        {named.length > 0 && (
          <>
            <dt>{t('trace.setting')}</dt>
            <dd className="numeric">{named.map(([name, value]) => `${name} ${value}`).join(', ')}</dd>
          </>
        )}
      </dl>
    </section>
  )
}
