import { useTranslate } from '../../context.ts'
import type { ValueRange } from '../../draw/heatmap.ts'
import { rampGradient, type Palette } from '../../draw/ramps.ts'
import { useShade } from '../../components/useShade.ts'
import { formatValue } from '../steps/numbers.ts'
import type { StepLayout } from '../steps/shape.ts'

interface SliceProps {
  layout: StepLayout
  slice: number
  onSlice: (slice: number) => void
}

/** Which head, or keys or values; nothing for a tensor of one slice. */
export function SliceSelect({ layout, slice, onSlice }: SliceProps) {
  const t = useTranslate()
  if (layout.sliceKind === 'none') return null
  const heads = layout.sliceKind === 'heads'
  return (
    <label className="slice">
      <span className="note">{t(heads ? 'tensor.head' : 'tensor.slice')}</span>
      <select
        className="select"
        data-testid="tensor-slice"
        value={slice}
        onChange={(event) => onSlice(Number(event.currentTarget.value))}
      >
        {Array.from({ length: layout.slices }, (_, at) => (
          <option key={at} value={at}>
            {heads ? at : t(at === 0 ? 'tensor.keys' : 'tensor.values')}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The ramp with its two ends. */
export function RangeLegend({ palette, range: [low, high] }: { palette: Palette; range: ValueRange }) {
  const t = useTranslate()
  const shade = useShade()
  const ends = { low: formatValue(low), high: formatValue(high) }
  return (
    <span className="range-legend numeric" title={t('tensor.zoomHint')}>
      <span className="visually-hidden">{t('tensor.legend', ends)}</span>
      <span aria-hidden="true">{ends.low}</span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ backgroundImage: rampGradient(palette, shade) }}
      />
      <span aria-hidden="true">{ends.high}</span>
    </span>
  )
}
