import { useTranslate } from '../context.ts'
import { useLens } from './lens/hooks.ts'
import { LensMatrix } from './lens/LensMatrix.tsx'
import { Fresh, NothingRead } from './reading/NothingRead.tsx'
import { useShown, useWatchedReading } from './reading/hooks.ts'
import { LEVELS } from '../draw/palette.ts'

/** What every layer would predict at every position. */
export function LensView() {
  const t = useTranslate()
  const { reading } = useLens()
  useWatchedReading(reading)
  const shown = useShown(reading)
  return (
    <div className="lens" data-testid="lens-view">
      {shown === null ? (
        <NothingRead reading={reading} />
      ) : (
        <>
          <p className="lens-about">{t('lens.about')}</p>
          <div className="lens-head">
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
            <Fresh reading={reading} />
          </div>
          <LensMatrix ids={shown.ids} map={shown.value} />
        </>
      )}
    </div>
  )
}
