import { BlankSlate } from '../../components/BlankSlate.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { useExperts, useExpertsState, useLayerOnShow } from './hooks.ts'
import { LoadMap } from './LoadMap.tsx'
import { TokenMap } from './TokenMap.tsx'
import { EmptyState, StaleNotice } from '../../components/EmptyState.tsx'
import { useShown, useTextRow, useWatchedMeasurement } from '../../components/reading.ts'
import type { ExpertMap } from '../../../analysis/expertRoutes.ts'

/** Where the routers of a mixture send the tokens of the text. */
export function ExpertsView() {
  const t = useTranslate()
  const { measurement } = useExperts()
  useWatchedMeasurement(measurement)
  const shown = useShown(measurement)
  return (
    <div className="experts view" data-testid="experts-view">
      <p className="lens-about">{t('experts.about')}</p>
      {shown === null ? (
        <EmptyState measurement={measurement} />
      ) : shown.value.layers.length === 0 ? (
        <BlankSlate title={t('experts.none')}>
          <p>{t('experts.noneHint')}</p>
        </BlankSlate>
      ) : (
        <>
          <StaleNotice measurement={measurement} />
          <Maps ids={shown.ids} map={shown.value} />
        </>
      )}
    </div>
  )
}

function Maps({ ids, map }: { ids: readonly number[]; map: ExpertMap }) {
  const t = useTranslate()
  const { state } = useExperts()
  const by = useExpertsState((state) => state.by)
  const { line, layer } = useLayerOnShow(map)
  const row = useTextRow(ids.length)
  return (
    <>
      <section className="cache-part">
        <header className="cache-head">
          <h3 className="eyebrow">{t('experts.load')}</h3>
          <Segmented
            label={t('experts.by')}
            value={by}
            choices={[
              { value: 'choices', label: t('experts.by.choices') },
              { value: 'weight', label: t('experts.by.weight') },
            ]}
            onChange={(next) => state.setState({ by: next })}
          />
        </header>
        <LoadMap map={map} by={by} line={line} />
      </section>
      {layer !== null && <TokenMap key={layer.layer} ids={ids} layer={layer} row={row} />}
    </>
  )
}
