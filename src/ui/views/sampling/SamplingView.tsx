import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { NoText } from '../../components/EmptyState.tsx'
import { useEffect } from 'react'
import { formatProbability } from '../../../maths/format.ts'
import { remoteOf } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
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
        <div className="empty-state">
          <NoPlace />
        </div>
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
function NoPlace() {
  const t = useTranslate()
  const explorer = useExplorer()
  const phase = useExplorerState((state) => state.phase)
  if (phase.kind === 'reading') return <ReadingBar words={t('logits.loading')} />
  if (phase.kind !== 'failed') return <NoText empty={t('sampler.empty')} hint={t('sampler.emptyHint')} />
  return (
    <ErrorNotice title={t('sampler.failed')} error={phase.error}>
      <button type="button" className="button button-small" onClick={() => explorer.refresh()}>
        {t('sampler.again')}
      </button>
    </ErrorNotice>
  )
}
