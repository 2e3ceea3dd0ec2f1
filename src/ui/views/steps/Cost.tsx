import { useState } from 'react'
import { toErrorData } from '../../../errors.ts'
import type { StepInfo } from '../../../api/model.ts'
import { useTranslate } from '../../context.ts'
import { formatBytes, formatCount, formatMagnitude } from '../../../maths/format.ts'
import { useStepsState } from './hooks.ts'

type Measured =
  | { kind: 'none' }
  | { kind: 'measuring' }
  | { kind: 'time'; microseconds: number | null }
  | { kind: 'failed'; message: string }

/** What the step costs: counted always, timed on request. */
export function Cost({ step }: { step: StepInfo }) {
  const t = useTranslate()
  const source = useStepsState((state) => state.source)
  const [measured, setMeasured] = useState<Measured>({ kind: 'none' })
  const measure = () => {
    if (source === null) return
    setMeasured({ kind: 'measuring' })
    source.time(step.name).then(
      ({ microseconds }) => setMeasured({ kind: 'time', microseconds }),
      (error: unknown) => setMeasured({ kind: 'failed', message: toErrorData(error).message }),
    )
  }
  const time = measured.kind === 'time' ? measured.microseconds : null
  const missing = measured.kind === 'time' ? t('inspect.belowTimer') : t('inspect.notCaptured')
  return (
    <section className="inspect-part" data-testid="step-cost">
      <div className="inspect-head row">
        <h3 className="eyebrow">{t('inspect.cost')}</h3>
        <button
          type="button"
          className="button button-small"
          data-testid="step-measure"
          disabled={source === null || measured.kind === 'measuring'}
          onClick={measure}
        >
          {t(measured.kind === 'measuring' ? 'inspect.measuring' : 'inspect.measure')}
        </button>
      </div>
      <dl className="fact-list">
        <dt>{t('inspect.flops')}</dt>
        <dd className="numeric" title={formatCount(step.flops)}>
          {formatMagnitude(step.flops)}
        </dd>
        <dt>{t('inspect.bytes')}</dt>
        <dd className="numeric" title={formatCount(step.bytes)}>
          {formatBytes(step.bytes)}
        </dd>
        <dt>{t('inspect.time')}</dt>
        <dd className="numeric">
          {time === null ? <span className="note">{missing}</span> : formatMicros(time)}
        </dd>
        <dt>{t('inspect.bandwidth')}</dt>
        <dd className="numeric">{perSecond(step.bytes, time, 'GB/s') ?? <Missing text={missing} />}</dd>
        <dt>{t('inspect.rate')}</dt>
        <dd className="numeric">{perSecond(step.flops, time, 'GFLOP/s') ?? <Missing text={missing} />}</dd>
      </dl>
      {measured.kind === 'failed' && <p className="note">{measured.message}</p>}
      <p className="note">{t('inspect.forRows', { rows: source?.ids.length ?? 0 })}</p>
    </section>
  )
}

function Missing({ text }: { text: string }) {
  return <span className="note">{text}</span>
}

function formatMicros(micros: number): string {
  return micros >= 1000 ? `${(micros / 1000).toFixed(2)} ms` : `${micros.toFixed(1)} µs`
}

/** Billions of something per second; null when there is no time to divide by. */
function perSecond(count: number, micros: number | null, unit: string): string | null {
  return micros === null || micros <= 0 ? null : `${(count / micros / 1000).toFixed(2)} ${unit}`
}
