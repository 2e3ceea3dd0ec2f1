import { useStore } from 'zustand'
import { isRunning } from '../../state/app.ts'
import type { TextMeasurement } from '../../state/textMeasurement.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../context.ts'
import { BlankSlate } from './BlankSlate.tsx'
import { ErrorNotice } from './ErrorNotice.tsx'
import { ReadingBar } from './ReadingBar.tsx'

interface NoTextProps {
  /** What there is none of, where a model is ready and nothing is under way. */
  empty?: string
  hint?: string
  /** Where what is there is of another model. */
  other?: string
}

/** Why there is no text to look into, whatever is waited for, and the way to one. */
export function NoText({ empty, hint, other }: NoTextProps) {
  const { app, model } = useSession()
  const t = useTranslate()
  const loading = useApp((state) => state.model.kind === 'loading')
  const running = useApp((state) => isRunning(state.run))
  const log = useSlowTokenLog(200)
  const title = () => {
    if (loading && model === null) return t('steps.loading')
    if (model === null) return t('steps.noModel')
    if (running) return t('reading.waiting')
    if (log.promptIds.length > 0 && log.modelId !== model.info.id) return other ?? t('reading.otherModel')
    return empty ?? t('reading.empty')
  }
  const working = loading || running
  return (
    <BlankSlate title={title()}>
      {!working && <p>{hint ?? t('reading.emptyHint')}</p>}
      {!working && (
        <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
          {t('steps.toWrite')}
        </button>
      )}
    </BlankSlate>
  )
}

/** Why there is nothing to look into, and the way to something. */
export function EmptyState<T>({ measurement }: { measurement: TextMeasurement<T> }) {
  const phase = useStore(measurement.state, (state) => state.phase)
  const isSaid = phase.kind === 'failed' || phase.kind === 'reading' || phase.kind === 'stopped'
  return <div className="empty-state">{isSaid ? <StaleNotice measurement={measurement} /> : <NoText />}</div>
}

/** Says how far the reading is and when the numbers on show are about to be replaced, or could not be. */
export function StaleNotice<T>({ measurement }: { measurement: TextMeasurement<T> }) {
  const t = useTranslate()
  const phase = useStore(measurement.state, (state) => state.phase)
  const running = useApp((state) => isRunning(state.run))
  const again = (
    <button
      type="button"
      className="button button-small"
      data-testid="reading-again"
      onClick={() => measurement.refresh()}
    >
      {t(phase.kind === 'stopped' ? 'reading.goOn' : 'steps.again')}
    </button>
  )
  switch (phase.kind) {
    case 'failed':
      return (
        <ErrorNotice title={t('reading.failed')} error={phase.error}>
          {again}
        </ErrorNotice>
      )
    case 'stopped':
      return (
        <p className="steps-note note" role="status" data-testid="reading-stopped">
          {t('reading.stopped', { done: phase.done ?? 0, count: phase.tokens })} {again}
        </p>
      )
    case 'reading': {
      const { done, tokens } = phase
      const words =
        done === null || done === 0
          ? t('reading.tokens', { count: tokens })
          : t('reading.progress', { done, count: tokens })
      return (
        <ReadingBar
          testId="reading"
          done={done}
          total={tokens}
          words={words}
          onCancel={() => measurement.cancel()}
        />
      )
    }
    case 'empty':
    case 'ready':
      if (!running) return null
      return (
        <p className="steps-note note" role="status">
          {t('reading.waiting')}
        </p>
      )
  }
}
