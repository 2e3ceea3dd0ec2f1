import { useStore } from 'zustand'
import { isRunning } from '../../state/app.ts'
import type { TextMeasurement } from '../../state/textMeasurement.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../context.ts'
import { ErrorWords } from './ErrorWords.tsx'

/** Why there is nothing to look into, and the way to something. */
export function EmptyState<T>({ measurement }: { measurement: TextMeasurement<T> }) {
  const { app, model } = useSession()
  const t = useTranslate()
  const phase = useStore(measurement.state, (state) => state.phase)
  const loading = useApp((state) => state.model.kind === 'loading')
  const running = useApp((state) => isRunning(state.run))
  const log = useSlowTokenLog(200)
  const title = () => {
    if (phase.kind === 'reading') return t('reading.tokens', { count: phase.tokens })
    if (loading && model === null) return t('steps.loading')
    if (model === null) return t('steps.noModel')
    if (running) return t('reading.waiting')
    if (log.promptIds.length > 0 && log.modelId !== model.info.id) return t('reading.otherModel')
    return t('reading.empty')
  }
  const working = phase.kind === 'reading' || loading || running
  return (
    <div className="empty-state">
      {phase.kind === 'failed' ? (
        <StaleNotice measurement={measurement} />
      ) : (
        <div className="blank-slate" role="status">
          <p className="blank-slate-title">{title()}</p>
          {!working && <p>{t('reading.emptyHint')}</p>}
          {!working && (
            <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
              {t('steps.toWrite')}
            </button>
          )}
        </div>
      )}
    </div>
  )
}

/** Says when the numbers on show are about to be replaced, or could not be. */
export function StaleNotice<T>({ measurement }: { measurement: TextMeasurement<T> }) {
  const t = useTranslate()
  const phase = useStore(measurement.state, (state) => state.phase)
  const running = useApp((state) => isRunning(state.run))
  if (phase.kind === 'failed') {
    return (
      <p className="steps-note" role="alert">
        {t('reading.failed')}: <ErrorWords error={phase.error} />{' '}
        <button type="button" className="button button-small" onClick={() => measurement.refresh()}>
          {t('steps.again')}
        </button>
      </p>
    )
  }
  if (phase.kind !== 'reading' && !running) return null
  return (
    <p className="steps-note note" role="status">
      {phase.kind === 'reading' ? t('reading.tokens', { count: phase.tokens }) : t('reading.waiting')}
    </p>
  )
}
