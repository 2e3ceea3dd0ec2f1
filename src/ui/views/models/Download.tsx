import { ReadingBar } from '../../components/ReadingBar.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import type { SourceReport } from '../../../api/source.ts'
import type { Fetching } from '../../../state/models.ts'
import { formatBytes } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { Icon } from '../../components/Icon.tsx'
import { useModels, useModelsState } from './hooks.ts'

/** The yes before a download, and the download. */
export function Download({ source, report }: { source: string; report: SourceReport }) {
  const models = useModels()
  const t = useTranslate()
  const fetching = useModelsState((state) => state.fetching)
  const stored = useModelsState((state) => state.stored)
  const address = report.source ?? source
  const part = stored?.find((one) => one.source === address)
  const isKept = part !== undefined && part.bytesDone === part.bytes
  // What has no commit lies beside the page or at an address, and is read from there.
  const isKeepable = report.commit !== null
  if (fetching?.source === address) return <FetchProgress fetching={fetching} />
  if (report.fit.load === null) return null
  const word = isKept || !isKeepable ? 'models.open' : part ? 'models.resume' : 'models.start'
  return (
    <div className="models-actions">
      <button
        type="button"
        className="button button-primary"
        data-testid="download-start"
        onClick={() => void models.open(isKeepable)}
      >
        <Icon name={isKept || !isKeepable ? 'open' : 'download'} />
        {t(word)}
        {!isKept && isKeepable && (
          <span className="numeric">{formatBytes(report.bytes - (part?.bytesDone ?? 0))}</span>
        )}
      </button>
      {!isKept && isKeepable && <Unkept />}
    </div>
  )
}

function Unkept() {
  const models = useModels()
  const t = useTranslate()
  return (
    <button
      type="button"
      className="button button-quiet"
      data-testid="run-unkept"
      title={t('models.unkeptHint')}
      onClick={() => void models.open(false)}
    >
      {t('models.unkept')}
    </button>
  )
}

function FetchProgress({ fetching }: { fetching: Fetching }) {
  const models = useModels()
  const t = useTranslate()
  const { source, bytesDone, bytesTotal, speed, error } = fetching
  const left = speed && bytesTotal > bytesDone ? Math.ceil((bytesTotal - bytesDone) / speed) : null
  const state =
    bytesTotal === 0 ? t('models.waiting') : bytesDone === bytesTotal ? t('models.checkingHash') : ''
  const words = [
    bytesTotal > 0 ? `${formatBytes(bytesDone)} / ${formatBytes(bytesTotal)}` : '',
    ...(error === null
      ? [
          speed === null ? '' : `${formatBytes(speed)}/s`,
          left === null ? '' : t('progress.left', { seconds: left }),
          state,
        ]
      : []),
  ]
  return (
    <div
      className="models-fetch"
      data-testid="download-progress"
      data-done={bytesDone}
      data-total={bytesTotal}
    >
      <ReadingBar
        done={bytesTotal > 0 ? bytesDone : null}
        total={bytesTotal}
        label={t('models.progress', { name: source })}
        words={words.filter((part) => part !== '').join(' · ')}
      />
      {error !== null && (
        <ErrorNotice testId="models-error" error={error}>
          {error.details['full'] !== true && t('models.partKept')}
        </ErrorNotice>
      )}
      <div className="models-actions">
        {error === null ? (
          <button
            type="button"
            className="button"
            data-testid="download-cancel"
            onClick={() => models.cancel()}
          >
            {t('models.cancel')}
          </button>
        ) : (
          <>
            <button
              type="button"
              className="button button-primary"
              data-testid="download-start"
              onClick={() => void models.open()}
            >
              {t('models.resume')}
            </button>
            {error.details['full'] === true && <Unkept />}
            <button type="button" className="button button-quiet" onClick={() => models.dismiss()}>
              {t('action.dismiss')}
            </button>
          </>
        )}
      </div>
    </div>
  )
}
