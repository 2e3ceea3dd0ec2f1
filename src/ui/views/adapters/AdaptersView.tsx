import { useEffect } from 'react'
import { BlankSlate } from '../../components/BlankSlate.tsx'
import { answeringModel } from '../../../state/app.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { NARROW, useApp, useMedia, useTranslate } from '../../context.ts'
import { Offers } from './AddPanel.tsx'
import { DeltaMap } from './DeltaMap.tsx'
import { useAdaptersState, useComing, useSelectedTrack } from './hooks.ts'
import { useAdapterActions } from './useAdapterActions.ts'
import { ScalesDesk } from './ScalesDesk.tsx'
import { AdapterReportPanel } from './ReportPanel.tsx'

/** The rows above, the selected adapter below: what was read, and what it changes. */
export function AdaptersView() {
  const adapters = useAdapterActions()
  const model = useApp((state) => answeringModel(state.model)?.id ?? null)
  const idle = useApp((state) => state.run.kind !== 'prefill' && state.run.kind !== 'decoding')
  useEffect(() => {
    if (model !== null && idle) adapters.prepare()
  }, [adapters, model, idle])
  const coming = useComing()
  const none =
    useAdaptersState((state) => state.tracks.length + state.absent.length === 0) && coming.length === 0
  return (
    <div className="adapters view">
      {none ? <NoAdapters /> : <ScalesDesk />}
      <Selected />
    </div>
  )
}

function NoAdapters() {
  const t = useTranslate()
  const ready = useApp((state) => answeringModel(state.model) !== null)
  // A wide page has them at its side.
  const narrow = useMedia(NARROW)
  return (
    <BlankSlate title={t('adapters.empty')}>
      <p>{t(ready ? 'adapters.emptyHint' : 'adapters.noModel')}</p>
      {narrow && ready && <Offers disabled={false} />}
    </BlankSlate>
  )
}

function Selected() {
  const t = useTranslate()
  const track = useSelectedTrack()
  const adapters = useAdapterActions()
  const detail = useAdaptersState((state) => state.detail)
  if (track === null) return null
  return (
    <section className="adapter-detail" aria-label={track.name}>
      <header className="adapter-detail-head row">
        <h2 className="region-title">{track.name}</h2>
        <Segmented
          label={t('adapters.detail')}
          value={detail}
          choices={[
            { value: 'report', label: t('report.title') },
            { value: 'delta', label: t('delta.title') },
          ]}
          onChange={(next) => adapters.show(next)}
        />
      </header>
      {detail === 'report' ? <AdapterReportPanel track={track} /> : <DeltaMap key={track.id} track={track} />}
    </section>
  )
}
