import { useCallback, useMemo, useState } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { TensorCell } from './store.ts'
import type { GpuTensor } from '../../components/GpuCells.tsx'
import { PAGE, pageAt, TensorTable, type TensorTableProps } from '../../components/TensorTable.tsx'
import { TensorView } from '../../components/TensorView.tsx'
import { useTranslate } from '../../context.ts'
import { autoRange, type TensorPlane, type ValueRange } from '../../draw/heatmap.ts'
import { CellReadout } from './CellReadout.tsx'
import { Formula } from './Formula.tsx'
import { useShade } from '../../components/useShade.ts'
import {
  useLines,
  useRow,
  useRowData,
  useRowTexts,
  useSteps,
  useStepsState,
  type ShownStep,
} from './hooks.ts'
import { veilOf } from '../../draw/sight.ts'
import { groupOf, fittingCell, indexInRow, indexOf, layoutOf, peakColumn, type StepLayout } from './shape.ts'
import { TensorTools } from './TensorTools.tsx'

interface StepTensorProps {
  shown: ShownStep
  busy: boolean
}

/** The step's output as a picture or a table, and how the chosen cell came about. */
export function StepTensor({ shown, busy }: StepTensorProps) {
  const { step } = shown
  const steps = useSteps()
  const row = useRow()
  const [mode, setMode] = useState<'map' | 'table'>('map')
  const layout = useMemo(() => layoutOf(step), [step])
  const { cell, values } = useCell(shown, layout, row)
  const { range, setDrawn } = useRange(shown, layout)
  const choose = (next: Partial<TensorCell>) => steps.state.setState({ cell: { ...cell, ...next } })
  return (
    <>
      <TensorTools
        {...{ shown, layout, cell, range, mode }}
        onMode={setMode}
        onSlice={(slice) => choose({ slice })}
      />
      <Picture
        {...{ shown, layout, cell, values, range, mode, busy, row }}
        onRange={setDrawn}
        onCell={choose}
      />
      <CellReadout layout={layout} cell={cell} values={values} />
      <Formula shown={shown} cell={cell} values={values} />
    </>
  )
}

/** The cell on show, and the values of its row once they are here. */
function useCell({ step, source }: ShownStep, layout: StepLayout, row: number) {
  const chosen = useStepsState((state) => state.cell)
  const fitting = fittingCell(layout, chosen)
  const values = useRowData(source, step.name, fitting?.row ?? row)
  const cell = useMemo((): TensorCell => {
    if (fitting !== null) return fitting
    const slice = Math.min(chosen?.slice ?? 0, layout.slices - 1)
    return { slice, row, col: values === null ? 0 : peakColumn(layout, values, slice, row) }
  }, [fitting, chosen, layout, values, row])
  return { cell, values }
}

/** Range of the colours: of the values where the page has them, else what the last drawing found. */
function useRange({ step, fullTensor }: ShownStep, { palette }: StepLayout) {
  const [drawn, setDrawn] = useState<{ step: string; range: ValueRange } | null>(null)
  const dataRange = useMemo(
    () => (fullTensor === null ? null : autoRange(fullTensor.data, palette)),
    [fullTensor, palette],
  )
  const report = useCallback((range: ValueRange) => setDrawn({ step: step.name, range }), [step])
  const range = dataRange ?? (drawn?.step === step.name ? drawn.range : null)
  return { range, setDrawn: report }
}

interface PictureProps {
  shown: ShownStep
  layout: StepLayout
  cell: TensorCell
  values: Float32Array | null
  range: ValueRange | null
  mode: 'map' | 'table'
  busy: boolean
  row: number
  onRange: (range: ValueRange) => void
  onCell: (cell: Partial<TensorCell>) => void
}

const UNKNOWN: ValueRange = [-1, 1]

function Picture(props: PictureProps) {
  const { shown, layout, cell, values, range, mode, busy, row, onRange, onCell } = props
  const { step } = shown
  const t = useTranslate()
  const steps = useSteps()
  const shade = useShade()
  const cells = useCells(shown, layout, cell.slice, onRange)
  const veil = useMemo(() => veilOf({ op: step.op, mask: layout.mask }), [step, layout])
  const common = {
    step: step.name,
    label: t('tensor.label', { name: step.name, rows: layout.rows, cols: layout.cols }),
    plane: layout,
    ...useLabels(layout),
    cell,
    cellIndex: indexOf(layout, cell),
    cellValue: values?.[indexInRow(layout, cell)] ?? null,
    onCell,
  }
  if (mode === 'table')
    return <Table {...common} shown={shown} layout={layout} slice={cell.slice} selectedRow={row} />
  return (
    <TensorView
      {...common}
      cells={cells}
      palette={layout.palette}
      range={range ?? UNKNOWN}
      shade={shade}
      colWords={layout.columns.kind === 'positions'}
      group={groupOf(layout.columns)}
      veil={veil}
      square={layout.columns.kind === 'positions'}
      selectedRow={row}
      busy={busy}
      onPick={(picked) => {
        onCell(picked)
        if (picked.row !== row) steps.selectRow(picked.row)
      }}
    />
  )
}

interface TableProps extends Omit<TensorTableProps, 'page' | 'lines' | 'onPage'> {
  shown: ShownStep
  layout: StepLayout
  slice: number
}

/** The table's page: the one that holds the cell, until it is turned. */
function Table({ shown, layout, slice, ...table }: TableProps) {
  const { rows, cols } = layout
  const [turned, setTurned] = useState<{ layout: StepLayout; row: number; col: number } | null>(null)
  const page = turned?.layout === layout ? turned : pageAt(table.cell.row, table.cell.col)
  const shownRows: readonly [number, number] = [page.row, Math.min(rows, page.row + PAGE.rows)]
  const lines = useLines(shown.source, shown.step.name, { cols, slice }, shownRows)
  return (
    <TensorTable {...table} page={page} lines={lines} onPage={(next) => setTurned({ layout, ...next })} />
  )
}

/** Where the picture takes its cells from: values on the page, or the engine's own buffer. */
function useCells(
  { step, source, fullTensor }: ShownStep,
  { rows, cols }: StepLayout,
  slice: number,
  onRange: (range: ValueRange) => void,
): TensorPlane | GpuTensor {
  const steps = useSteps()
  const onError = useCallback((error: unknown) => steps.fail(source, error), [steps, source])
  return useMemo(
    () =>
      fullTensor === null
        ? { source, step: step.name, slice, onRange, onError }
        : { data: fullTensor.data, offset: slice * rows * cols, rows, cols },
    [fullTensor, source, step, slice, rows, cols, onRange, onError],
  )
}

/** Names of rows and columns; new functions only when the words change, so that the picture is not drawn again. */
function useLabels({ columns }: StepLayout) {
  const texts = useRowTexts()
  const ids = useStepsState((state) => state.source?.ids)
  const rowLabel = useCallback(
    (row: number) => {
      const text = texts[row] ?? ''
      return text === '' ? `<${ids?.[row] ?? row}>` : visibleText(text)
    },
    [texts, ids],
  )
  const group = groupOf(columns)
  const letter = columns.kind === 'heads' ? 'h' : '#'
  const positions = columns.kind === 'positions'
  const colLabel = useCallback(
    (col: number) => (positions ? rowLabel(col) : group > 0 ? `${letter}${col / group}` : String(col)),
    [positions, group, letter, rowLabel],
  )
  return { rowLabel, colLabel }
}
