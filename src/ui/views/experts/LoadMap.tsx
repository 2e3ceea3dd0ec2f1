import { useCallback, useMemo, useState } from 'react'
import { loadOf, type ExpertMap } from '../../../analysis/expertRoutes.ts'
import type { ExpertsState } from './store.ts'
import { formatFixed } from '../../../maths/format.ts'
import { TensorView } from '../../components/TensorView.tsx'
import { useTranslate } from '../../context.ts'
import { useShade } from '../../components/useShade.ts'
import { useExperts } from './hooks.ts'

/** Height of a layer's line, and of the labels above them all, in CSS pixels. */
const LINE = 20
const LABELS = 26
/** Lines that are shown without scrolling. */
const MOST_LINES = 24

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
  const cells = useMemo(() => ({ data, offset: 0, rows: layers.length, cols }), [data, layers, cols])
  const plane = useMemo(() => ({ rows: layers.length, cols }), [layers, cols])
  const range = useMemo(() => [0, Math.max(...data, 1e-9)] as const, [data])
  const shade = useShade()
  const at = cell.row * cols + cell.col
  const own = layers[cell.row]
  return (
    <>
      <div className="cache-map" style={{ height: LABELS + LINE * Math.min(layers.length, MOST_LINES) }}>
        <TensorView
          step={own?.steps.ids ?? ''}
          label={t('experts.loadLabel', { layers: layers.length, experts: cols })}
          plane={plane}
          cells={cells}
          palette="sequential"
          range={range}
          shade={shade}
          rowLabel={name}
          colLabel={String}
          colWords={false}
          group={0}
          veil={null}
          square={false}
          selectedRow={line}
          cell={cell}
          cellIndex={at}
          cellValue={data[at] ?? null}
          busy={false}
          onCell={setPointed}
          onPick={(next) => {
            setPointed(null)
            setCol(next.col)
            state.setState({ line: next.row })
          }}
        />
      </div>
      <p className="readout" data-testid="experts-load" data-value={data[at]}>
        <span className="readout-value numeric">{formatFixed(100 * (data[at] ?? 0), 1)} %</span>
        <span>{t('experts.cell', { layer: own?.layer ?? 0, expert: cell.col })}</span>
        <span className="note">{t(`experts.share.${by}`)}</span>
      </p>
    </>
  )
}
