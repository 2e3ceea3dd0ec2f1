import { useEffect } from 'react'
import { formatProbability } from '../../../maths/format.ts'
import { ErrorWords } from '../../components/ErrorWords.tsx'
import { isRunning, remoteOf } from '../../../state/app.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { PlaceHead } from './PlaceHead.tsx'
import { DrawBar } from './DrawBar.tsx'
import { useExplorer, useExplorerState, useWorkings } from './hooks.ts'
import { StageGrid } from './StageGrid.tsx'

/** From logits to a token: every stage of the draw, for one place of the text. */
export function SamplingView() {
  const t = useTranslate()
  const explorer = useExplorer()
  useEffect(() => explorer.watch(), [explorer])
  const phase = useExplorerState((state) => state.phase)
  const far = useApp(remoteOf)
  const workings = useWorkings()
  return (
    <div className="sampler view" data-testid="sampling-view" data-state={phase.kind}>
      {workings === null ? (
        <EmptyState />
      ) : (
        <>
          <p className="sampler-about">{t('sampler.about')}</p>
          {far && (
            <p className="sampler-about note" data-testid="sampler-sent">
              {t('far.stages', {
                host: new URL(far.url).host,
                count: workings.place.plain.order.ids.length,
                mass: formatProbability(workings.place.plain.mass ?? 1),
              })}
            </p>
          )}
          <PlaceHead {...workings} />
          <DrawBar {...workings} />
          <StageGrid {...workings} />
        </>
      )}
    </div>
  )
}

/** Why there is nothing to draw from, and the way to something. */
function EmptyState() {
  const { app, model } = useSession()
  const t = useTranslate()
  const explorer = useExplorer()
  const phase = useExplorerState((state) => state.phase)
  const running = useApp((state) => isRunning(state.run))
  const loading = useApp((state) => state.model.kind === 'loading')
  if (phase.kind === 'failed') {
    return (
      <div className="blank-slate" role="alert">
        <p className="blank-slate-title">{t('sampler.failed')}</p>
        <p>
          <ErrorWords error={phase.error} />
        </p>
        <button type="button" className="button" onClick={() => explorer.refresh()}>
          {t('sampler.again')}
        </button>
      </div>
    )
  }
  const working = phase.kind === 'reading' || running || loading
  const title = () => {
    if (phase.kind === 'reading') return t('logits.loading')
    if (running) return t('reading.waiting')
    if (loading) return t('steps.loading')
    return model === null ? t('steps.noModel') : t('sampler.empty')
  }
  return (
    <div className="blank-slate" role="status">
      <p className="blank-slate-title">{title()}</p>
      {!working && <p>{t('sampler.emptyHint')}</p>}
      {!working && (
        <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
          {t('steps.toWrite')}
        </button>
      )}
    </div>
  )
}
