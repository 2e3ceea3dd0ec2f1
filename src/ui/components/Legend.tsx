import type { Colouring } from '../../state/app.ts'
import { useTranslate } from '../context.ts'
import { LEVELS, SURPRISAL_END } from '../draw/palette.ts'

/** What the colours of the text mean: the palette with its two ends. */
export function Legend({ colouring }: { colouring: Colouring }) {
  const t = useTranslate()
  if (colouring === 'off') return null
  const [from, to] = colouring === 'probability' ? ['0', '1'] : ['0', `≥ ${SURPRISAL_END} bit`]
  return (
    <span
      className="legend"
      data-palette={colouring === 'surprisal' ? 'surprise' : undefined}
      title={t(`legend.${colouring}`)}
    >
      <span className="visually-hidden">{t(`legend.${colouring}`)}</span>
      <span className="numeric">{from}</span>
      <span className="legend-ramp" aria-hidden="true">
        {Array.from({ length: LEVELS }, (_, level) => (
          <span key={level} style={{ '--swatch': `var(--seq-${level})` }} />
        ))}
      </span>
      <span className="numeric">{to}</span>
    </span>
  )
}
