import { useCallback, useMemo, useState } from 'react'
import { visibleText } from '../../state/characterGroups.ts'
import type { TensorPlane } from '../draw/heatmap.ts'
import { useTexts } from './reading.ts'
import { TensorView, type TensorViewProps } from './TensorView.tsx'
import { useShade } from './useShade.ts'

export interface PlanePlace {
  row: number
  col: number
}

/** No line is the selected one: the cursor alone shows what is chosen. */
const NO_LINE = -1000

interface PlaneMapProps extends Pick<
  TensorViewProps,
  'step' | 'label' | 'range' | 'rowLabel' | 'colLabel' | 'cell' | 'onCell' | 'onPick'
> {
  /** `[rows, cols]`. */
  data: Float32Array
  rows: number
  cols: number
  /** Height of a line and of the labels above them all, in CSS pixels, and how many are shown at once. */
  line: number
  labels: number
  most: number
  /** Columns are named by tokens, upright. */
  words?: boolean
  selectedRow?: number
}

/** Numbers that were worked out on the page, lines down and columns across. */
export function PlaneMap({ data, rows, cols, line, labels, most, words = false, ...props }: PlaneMapProps) {
  const shade = useShade()
  const plane = useMemo(() => ({ rows, cols }), [rows, cols])
  const cells = useMemo((): TensorPlane => ({ data, offset: 0, rows, cols }), [data, rows, cols])
  const at = props.cell.row * cols + props.cell.col
  return (
    <div className="cache-map" style={{ height: labels + line * Math.min(rows, most) }}>
      <TensorView
        selectedRow={NO_LINE}
        {...props}
        {...{ plane, cells, shade }}
        palette="sequential"
        colWords={words}
        group={0}
        veil={null}
        square={false}
        cellIndex={at}
        cellValue={data[at] ?? null}
        busy={false}
      />
    </div>
  )
}

/** The place that was pointed at, until another position of the text is selected; before, `start`. */
export function usePointed(
  selected: number,
  start: PlanePlace,
): readonly [cell: PlanePlace, point: (cell: PlanePlace, selected: number) => void] {
  const [pointed, setPointed] = useState<{ of: number; cell: PlanePlace } | null>(null)
  const point = (cell: PlanePlace, of: number) => setPointed({ of, cell })
  return [pointed?.of === selected ? pointed.cell : start, point]
}

/** Names a position by its token. */
export function useTokenWord(ids: readonly number[]): (at: number) => string {
  const texts = useTexts(ids.length)
  return useCallback((at) => (texts[at] ? visibleText(texts[at]) : `#${ids[at] ?? ''}`), [texts, ids])
}
