import { useCallback, useMemo, useState } from 'react'
import { loadOf, type ExpertMap } from '../../../analysis/expertRoutes.ts'
import type { ExpertsState } from './store.ts'
import { formatFixed } from '../../../maths/format.ts'
import { PlaneMap } from '../../components/PlaneMap.tsx'
import { useTranslate } from '../../context.ts'
import { useExperts } from './hooks.ts'

interface LoadMapProps {
  map: ExpertMap
  by: ExpertsState['by']
  /** The layer on show. */
  line: number
}

/** Layers down, experts across: what share of the tokens each carries. */
export function LoadMap({ map, by, line }: LoadMapProps) {
  const t = useTranslate()
  const { state } = useExperts()
  const { layers } = map
  const cols = Math.max(...layers.map(({ experts }) => experts))
  const data = useMemo(() => {
    const plane = new Float32Array(layers.length * cols)
    layers.forEach((layer, at) => plane.set(loadOf(layer, by), at * cols))
    return plane
  }, [layers, cols, by])
  const [col, setCol] = useState(0)
  const [pointed, setPointed] = useState<{ row: number; col: number } | null>(null)
  const cell = pointed ?? { row: line, col: Math.min(col, cols - 1) }
  const name = useCallback(
    (at: number) => t('attention.short', { layer: layers[at]?.layer ?? at }),
    [t, layers],
  )
  const range = useMemo(() => [0, Math.max(...data, 1e-9)] as const, [data])
  const at = cell.row * cols + cell.col
  const cellLayer = layers[cell.row]
  return (
    <>
      <PlaneMap
        step={cellLayer?.steps.ids ?? ''}
        label={t('experts.loadLabel', { layers: layers.length, experts: cols })}
        {...{ data, cols, range, cell }}
        rows={layers.length}
        line={20}
        labels={26}
        most={24}
        rowLabel={name}
        colLabel={String}
        selectedRow={line}
        onCell={setPointed}
        onPick={(next) => {
          setPointed(null)
          setCol(next.col)
          state.setState({ line: next.row })
        }}
      />
      <p className="readout" data-testid="experts-load" data-value={data[at]}>
        <span className="readout-value numeric">{formatFixed(100 * (data[at] ?? 0), 1)} %</span>
        <span>{t('experts.cell', { layer: cellLayer?.layer ?? 0, expert: cell.col })}</span>
        <span className="note">{t(`experts.share.${by}`)}</span>
      </p>
    </>
  )
}
