import { useCallback, useMemo, type SyntheticEvent } from 'react'
import { useTranslate } from '../context.ts'
import type { TensorPlane, ValueRange, Window2 } from '../draw/heatmap.ts'
import { LEVELS } from '../draw/palette.ts'
import type { Box } from '../draw/tensorCanvas.ts'
import { OverviewSlider } from './Overview.tsx'

/** Room below the plot for all of its columns in one line. */
export const OVERVIEW_HEIGHT = 20

interface TensorOverviewProps {
  plot: Box
  view: Window2
  cols: number
  /** The values, where the page has them. */
  cells: TensorPlane | null
  range: ValueRange
  onView: (view: Window2) => void
}

/** All columns of a heatmap that is zoomed into, and the window on them. */
export function TensorOverview({ plot, view, cols, cells, range, onView }: TensorOverviewProps) {
  const t = useTranslate()
  const peaks = useMemo(() => (cells === null ? null : columnPeaks(cells)), [cells])
  const most = Math.max(Math.abs(range[0]), Math.abs(range[1]), 1e-12)
  const level = useCallback(
    (at: number) =>
      peaks === null ? null : Math.min(LEVELS - 1, Math.floor(((peaks[at] ?? 0) / most) * LEVELS)),
    [peaks, most],
  )
  // The heatmap around it takes drags and arrow keys itself.
  const keep = (event: SyntheticEvent): void => event.stopPropagation()
  return (
    <div
      className="tensor-overview"
      role="presentation"
      style={{ left: plot.x, top: plot.y + plot.height + 2, width: plot.width }}
      onPointerDown={keep}
      onKeyDown={keep}
    >
      <OverviewSlider
        count={cols}
        label={t('tensor.overview', { cols })}
        level={level}
        seen={view.cols}
        first={view.col}
        onFirst={(col) => onView({ ...view, col })}
      />
    </div>
  )
}

/** The largest magnitude of every column. */
function columnPeaks({ data, offset, rows, cols }: TensorPlane): Float32Array {
  const peaks = new Float32Array(cols)
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++)
      peaks[col] = Math.max(peaks[col] ?? 0, Math.abs(data[offset + row * cols + col] ?? 0))
  return peaks
}
