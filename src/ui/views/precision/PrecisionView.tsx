import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { KV_FORMATS } from '../../../api/load.ts'
import { answeringModel } from '../../../state/app.ts'
import { OTHERS } from './store.ts'
import { formatBytes } from '../../../maths/format.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSlowTokenLog, useTranslate } from '../../context.ts'
import { ErrorHeat } from './ErrorHeat.tsx'
import { usePrecision, usePrecisionState } from './hooks.ts'
import { PrecisionFacts } from './PrecisionFacts.tsx'
import { PrecisionText } from './PrecisionText.tsx'

/** What other weights cost on the page's text: per token, and per layer and part. */
export function PrecisionView() {
  const t = useTranslate()
  const result = usePrecisionState((state) => state.result)
  return (
    <div className="score view precision" data-testid="precision-view">
      <p className="score-about">{t('precision.about')}</p>
      <Tools />
      <Status />
      {result !== null && (
        <>
          <PrecisionFacts result={result} />
          <PrecisionText result={result} />
          <ErrorHeat result={result} />
        </>
      )}
    </div>
  )
}

/** The other weights, and the button that compares. */
function Tools() {
  const t = useTranslate()
  const runs = usePrecision()
  const other = usePrecisionState((state) => state.other)
  const kvCache = usePrecisionState((state) => state.kvCache)
  const files = usePrecisionState((state) => state.files)
  const busy = usePrecisionState(({ phase }) => phase.kind === 'loading' || phase.kind === 'comparing')
  const model = useApp((state) => answeringModel(state.model))
  useSlowTokenLog(250)
  return (
    <div className="score-tools cluster">
      <label className="precision-other cluster gap-2">
        <span className="note">
          {t('precision.against', { format: model?.weights ?? '—', kv: model?.kvCache ?? '—' })}
        </span>
        <select
          className="select"
          data-testid="precision-other"
          value={other}
          onChange={({ currentTarget }) => {
            const chosen = OTHERS.find((value) => value === currentTarget.value)
            if (chosen !== undefined) runs.state.setState({ other: chosen })
          }}
        >
          {OTHERS.map((value) => (
            <option key={value} value={value}>
              {value === 'files' || value === 'same'
                ? t(`precision.${value}`)
                : t('precision.own', { format: value })}
            </option>
          ))}
        </select>
      </label>
      <label className="precision-other cluster gap-2">
        <span className="note">{t('precision.kv')}</span>
        <select
          className="select"
          data-testid="precision-kv"
          value={kvCache ?? ''}
          onChange={({ currentTarget }) => {
            const chosen = KV_FORMATS.find((format) => format === currentTarget.value)
            runs.state.setState({ kvCache: chosen ?? null })
          }}
        >
          <option value="">{t('precision.kvSame')}</option>
          {KV_FORMATS.map((format) => (
            <option key={format} value={format}>
              {format}
            </option>
          ))}
        </select>
      </label>
      {other === 'files' && (
        <input
          type="file"
          multiple
          aria-label={t('precision.choose')}
          onChange={(event) => runs.state.setState({ files: [...(event.currentTarget.files ?? [])] })}
        />
      )}
      <button
        type="button"
        className={busy ? 'button' : 'button button-primary'}
        data-testid={busy ? 'precision-cancel' : 'precision-run'}
        disabled={!busy && (model === null || !runs.canCompare || (other === 'files' && files.length === 0))}
        onClick={() => (busy ? runs.cancel() : void runs.compare())}
      >
        <Icon name={busy ? 'stop' : 'pair'} />
        {t(busy ? 'precision.cancel' : 'precision.run')}
      </button>
    </div>
  )
}

/** How far it is, or what went wrong. */
function Status() {
  const t = useTranslate()
  const phase = usePrecisionState((state) => state.phase)
  const done = usePrecisionState((state) => state.result?.tokens.length ?? 0)
  const total = usePrecisionState((state) => state.result?.total ?? 0)
  if (phase.kind === 'failed') {
    return <ErrorNotice testId="precision-error" error={phase.error} />
  }
  const words = {
    empty: () => t('precision.empty'),
    loading: () =>
      phase.kind === 'loading' && phase.total > 0
        ? t('precision.loading', { done: formatBytes(phase.done), total: formatBytes(phase.total) })
        : t('precision.opening'),
    comparing: () => t('precision.comparing', { done, total }),
    done: () => t('precision.done', { total }),
    stopped: () => t('precision.stopped', { done }),
  }
  const isLoading = phase.kind === 'loading'
  return (
    <div data-testid="precision-status" data-state={phase.kind}>
      {isLoading || phase.kind === 'comparing' ? (
        <ReadingBar
          done={isLoading ? (phase.total > 0 ? phase.done : null) : done}
          total={isLoading ? phase.total : total}
          words={words[phase.kind]()}
        />
      ) : (
        <p className="note" role="status">
          {words[phase.kind]()}
        </p>
      )}
    </div>
  )
}
