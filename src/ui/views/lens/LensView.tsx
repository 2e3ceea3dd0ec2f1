import { useTranslate } from '../../context.ts'
import { LEVELS } from '../../draw/palette.ts'
import { useLens } from './hooks.ts'
import { LensExport } from './LensExport.tsx'
import { LensMatrix, LineNames } from './LensMatrix.tsx'
import { LiveColumn, LiveSwitch, useLiveColumn } from './LiveColumn.tsx'
import { StaleNotice, EmptyState } from '../../components/EmptyState.tsx'
import { useIsEncoder, useShown, useWatchedMeasurement } from '../../components/reading.ts'

/** What every layer would predict at every position; while a text is being written, behind its newest token. */
export function LensView() {
  const t = useTranslate()
  const isEncoder = useIsEncoder()
  const { measurement } = useLens()
  useWatchedMeasurement(measurement)
  const shown = useShown(measurement)
  const live = useLiveColumn()
  const layers = (live?.cells ?? []).map(({ layer }) => layer).toReversed()
  return (
    <div className="lens view" data-testid="lens-view">
      {shown === null && live === null ? (
        <>
          <EmptyState measurement={measurement} />
          {!isEncoder && <LiveSwitch />}
        </>
      ) : (
        <>
          <p className="lens-about">{t(isEncoder ? 'lens.aboutOwn' : 'lens.about')}</p>
          <div className="lens-head cluster">
            <Scale />
            {!isEncoder && <LiveSwitch />}
            {shown !== null && <LensExport ids={shown.ids} map={shown.value} />}
            <StaleNotice measurement={measurement} />
          </div>
          <div className={live === null || shown === null ? 'lens-frame' : 'lens-frame lens-frame-live'}>
            <LineNames layers={shown?.value.layers.toReversed() ?? layers} />
            {shown !== null && <LensMatrix ids={shown.ids} map={shown.value} />}
            {live !== null && <LiveColumn column={live} layers={layers} />}
          </div>
        </>
      )}
    </div>
  )
}

function Scale() {
  const t = useTranslate()
  return (
    <span className="legend note" title={t('lens.scale')}>
      <span>{t('lens.scale')}</span>
      <span className="numeric">0</span>
      <span className="legend-ramp" aria-hidden="true">
        {Array.from({ length: LEVELS }, (_, level) => (
          <span key={level} style={{ '--swatch': `var(--seq-${level})` }} />
        ))}
      </span>
      <span className="numeric">1</span>
    </span>
  )
}
