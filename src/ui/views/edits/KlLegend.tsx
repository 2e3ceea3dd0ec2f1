import { LEVELS } from '../../draw/palette.ts'

/** What the colours mean: the sequential palette from 0 to an end. */
export function KlLegend({ label, end }: { label: string; end: string }) {
  return (
    <span className="legend note" data-palette="surprise">
      <span>{label}</span>
      <span className="numeric">0</span>
      <span className="legend-ramp" aria-hidden="true">
        {Array.from({ length: LEVELS }, (_, level) => (
          <span key={level} style={{ '--swatch': `var(--seq-${level})` }} />
        ))}
      </span>
      <span className="numeric">{end}</span>
    </span>
  )
}
