import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { isRunning } from '../../../state/app.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { useSteps, useStepsState } from '../steps/hooks.ts'
import { useMapState, useModelMap } from './hooks.ts'

/** In a sentence what the picture shows, or why it shows less. */
export function MapNotice() {
  const { app } = useSession()
  const t = useTranslate()
  const steps = useSteps()
  const map = useModelMap()
  const phase = useStepsState((state) => state.phase)
  const failed = useMapState((state) => state.error)
  const inPlace = useMapState((state) => state.inPlace)
  const error = phase.kind === 'failed' ? phase.error : failed
  const say = useSay()
  if (error !== null)
    return (
      <div className="map-notice">
        <ErrorNotice title={t('steps.failed')} error={error}>
          <button
            type="button"
            className="button button-small"
            onClick={() => (phase.kind === 'failed' ? steps.refresh() : map.refresh())}
          >
            {t('steps.again')}
          </button>
        </ErrorNotice>
      </div>
    )
  if (say === null)
    return <p className="map-notice map-notice-about">{t(inPlace ? 'map.aboutEncoder' : 'map.about')}</p>
  return (
    <p className="map-notice map-notice-state" role="status">
      <b>{say.title}</b>
      {say.toWrite && (
        <>
          {' '}
          {t('map.emptyHint')}{' '}
          <button
            type="button"
            className="button button-small"
            onClick={() => app.setState({ view: 'write' })}
          >
            {t('steps.toWrite')}
          </button>
        </>
      )}
    </p>
  )
}

/** What stands in the way of a picture of the text as it is; null where nothing does. */
function useSay(): { title: string; toWrite: boolean } | null {
  const { model } = useSession()
  const t = useTranslate()
  const phase = useStepsState((state) => state.phase)
  const loaded = useApp((state) => state.model.kind)
  const running = useApp((state) => isRunning(state.run))
  const log = useSlowTokenLog(200)
  if (phase.kind === 'reading') return { title: t('steps.reading', { count: phase.tokens }), toWrite: false }
  if (loaded === 'loading' && model === null) return { title: t('steps.loading'), toWrite: false }
  if (model === null) return { title: t('steps.noModel'), toWrite: false }
  if (running) return { title: t('map.waiting'), toWrite: false }
  if (log.promptIds.length > 0 && log.modelId !== model.info.id)
    return { title: t('steps.otherModel'), toWrite: true }
  return phase.kind === 'empty' ? { title: t('map.empty'), toWrite: true } : null
}
