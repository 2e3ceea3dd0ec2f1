import { speeds } from '../../state/tokenLog.ts'
import { useApp, useSlowTokenLog, useTranslate } from '../context.ts'
import { formatBytes, formatSpeed } from '../../maths/format.ts'

/** Measured speeds of the run on the page, and the memory of its model. */
export function RunMeters() {
  const t = useTranslate()
  const log = useSlowTokenLog(250)
  const memory = useApp((state) => state.memory)
  const { prefill, decode } = speeds(log.timing)
  return (
    <section className="meters" aria-label={t('run.title')}>
      <dl>
        <Meter name={t('run.prefill')} hint={t('run.prefillHint')} value={prefill} />
        <Meter name={t('run.decode')} hint={t('run.decodeHint')} value={decode} />
        <div className="meter" title={t('model.memory')}>
          <dt>{t('model.backend')}</dt>
          <dd className="numeric">{memory === null ? '—' : formatBytes(memory.gpuBytes)}</dd>
        </div>
      </dl>
    </section>
  )
}

function Meter({ name, hint, value }: { name: string; hint: string; value: number | null }) {
  const t = useTranslate()
  return (
    <div className="meter" title={hint}>
      <dt>{name}</dt>
      <dd className="numeric" title={value === null ? t('run.notMeasured') : hint}>
        {value === null ? '—' : formatSpeed(value)} <span className="unit">{t('run.unit')}</span>
      </dd>
    </div>
  )
}
