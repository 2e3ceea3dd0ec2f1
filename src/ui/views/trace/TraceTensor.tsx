import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useCallback, useMemo, useState } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { SavedStep, SavedTrace } from '../../../trace/types.ts'
import type { TensorData } from '../../../api/model.ts'
import { PAGE, pageAt, TensorTable } from '../../components/TensorTable.tsx'
import { TensorView } from '../../components/TensorView.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { autoRange } from '../../draw/heatmap.ts'
import { useShade } from '../../components/useShade.ts'
import { veilOf } from '../../draw/sight.ts'
import { groupOf, indexOf, layoutOf, peakColumn, type StepLayout } from '../steps/shape.ts'
import { aboutStep } from '../steps/describe.ts'
import { TensorExport } from './TensorExport.tsx'
import { TraceCell } from './TraceCell.tsx'
import { RangeLegend, SliceSelect } from './TraceTools.tsx'
import { useKeptTensor, useSavedState, useSavedTraces } from './hooks.ts'

/** The chosen step's tensor, or word that the file does not hold it. */
export function TraceTensor({ trace }: { trace: SavedTrace }) {
  const t = useTranslate()
  const name = useSavedState((state) => state.step)
  const step = trace.steps.find((one) => one.name === name)
  const { shown, error } = useKeptTensor(trace, name, step !== undefined && step.stats !== null)
  const drawn = trace.steps.find((one) => one.name === shown?.step)
  if (step === undefined) return <section className="trace-tensor" />
  return (
    <section className="trace-tensor" aria-label={step.name}>
      <header className="step-head">
        <h3 className="step-name" data-testid="step-name">
          {step.name}
        </h3>
        <p className="step-about">{aboutStep(t, trace.steps, step)}</p>
      </header>
      {error !== null && <ErrorNotice testId="error" error={error} />}
      {step.stats === null && <p className="note trace-reason">{t('trace.notKept')}</p>}
      {step.stats !== null && shown === null && error === null && (
        <ReadingBar words={t('trace.reading', { step: name })} />
      )}
      {shown !== null && drawn !== undefined && (
        <Tensor
          key={drawn.name}
          trace={trace}
          step={drawn}
          tensor={shown.tensor}
          busy={drawn.name !== step.name}
        />
      )}
    </section>
  )
}

interface TensorProps {
  trace: SavedTrace
  step: SavedStep
  tensor: TensorData
  busy: boolean
}

interface Chosen {
  of: number
  slice: number
  row: number
  col: number
}

/** The cell on show: the one that was chosen, else where the selected row has most. */
function useCell({ tensor }: TensorProps, layout: StepLayout) {
  const selected = useSavedState((state) => state.row)
  const row = Math.min(layout.rows - 1, selected)
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const slice = chosen?.slice ?? 0
  const peak = useMemo(() => {
    const { slices, rows, cols } = layout
    const line = (at: number) => tensor.data.subarray((at * rows + row) * cols, (at * rows + row + 1) * cols)
    const values = new Float32Array(slices * cols)
    for (let at = 0; at < slices; at++) values.set(line(at), at * cols)
    return peakColumn(layout, values, slice, row)
  }, [layout, tensor, row, slice])
  const cell = chosen !== null && chosen.of === selected ? chosen : { slice, row, col: peak }
  const choose = (next: Partial<Omit<Chosen, 'of'>>, of = selected) => setChosen({ ...cell, ...next, of })
  return { cell, choose, row }
}

/** The values as a picture or as a table, and the cell in words. */
function Tensor(props: TensorProps) {
  const { trace, step, tensor, busy } = props
  const t = useTranslate()
  const traces = useSavedTraces()
  const shade = useShade()
  const [mode, setMode] = useState<'map' | 'table'>('map')
  const layout = useMemo(() => layoutOf(step), [step])
  const veil = useMemo(() => veilOf({ op: step.op, mask: layout.mask }), [step, layout])
  const { cell, choose, row } = useCell(props, layout)
  const { rows, cols } = layout
  const range = useMemo(() => autoRange(tensor.data, layout.palette), [tensor, layout])
  const cells = useMemo(
    () => ({ data: tensor.data, offset: cell.slice * rows * cols, rows, cols }),
    [tensor, cell.slice, rows, cols],
  )
  const group = groupOf(layout.columns)
  const index = indexOf(layout, cell)
  const value = tensor.data[index] ?? Number.NaN
  const common = {
    step: step.name,
    label: t('tensor.label', { name: step.name, rows, cols }),
    plane: layout,
    ...useLabels(trace, layout, group),
    selectedRow: row,
    cell,
    cellIndex: index,
    cellValue: value,
    onCell: choose,
  }
  const pick = (picked: { row: number; col: number }) => {
    choose(picked, picked.row)
    traces.selectRow(picked.row)
  }
  return (
    <>
      <div className="tensor-tools cluster">
        <SliceSelect layout={layout} slice={cell.slice} onSlice={(slice) => choose({ slice })} />
        <Segmented
          label={t('tensor.show')}
          value={mode}
          choices={[
            { value: 'map', label: t('tensor.map') },
            { value: 'table', label: t('tensor.table') },
          ]}
          onChange={setMode}
        />
        <RangeLegend palette={layout.palette} range={range} />
        <TensorExport
          trace={trace}
          step={layout.slices > 1 ? `${step.name} ${cell.slice}` : step.name}
          cells={cells}
          range={range}
          palette={layout.palette}
          rowLabel={common.rowLabel}
          colLabel={common.colLabel}
          colWords={layout.columns.kind === 'positions'}
        />
      </div>
      {mode === 'map' ? (
        <TensorView
          {...common}
          cells={cells}
          palette={layout.palette}
          range={range}
          shade={shade}
          colWords={layout.columns.kind === 'positions'}
          group={group}
          veil={veil}
          square={layout.columns.kind === 'positions'}
          busy={busy}
          onPick={pick}
        />
      ) : (
        <Table {...common} data={cells.data} offset={cells.offset} />
      )}
      <TraceCell trace={trace} layout={layout} cell={cell} value={value} />
    </>
  )
}

type TableProps = Omit<Parameters<typeof TensorTable>[0], 'page' | 'lines' | 'onPage'> & {
  data: Float32Array
  offset: number
}

/** The page of the table that holds the cell, until it is turned. */
function Table({ data, offset, ...table }: TableProps) {
  const { rows, cols } = table.plane
  const [turned, setTurned] = useState<{ row: number; col: number } | null>(null)
  const page = turned ?? pageAt(table.cell.row, table.cell.col)
  const lines = Array.from({ length: Math.min(rows, page.row + PAGE.rows) - page.row }, (_, at) => {
    const begin = offset + (page.row + at) * cols
    return data.subarray(begin, begin + cols)
  })
  return <TensorTable {...table} page={page} lines={lines} onPage={setTurned} />
}

/** Names of rows and columns; new functions only when the words change, so that the picture is not drawn again. */
function useLabels(trace: SavedTrace, { columns }: StepLayout, group: number) {
  const rowLabel = useCallback(
    (row: number) => {
      const text = trace.texts[row] ?? ''
      return text === '' ? `<${trace.ids[row] ?? row}>` : visibleText(text)
    },
    [trace],
  )
  const positions = columns.kind === 'positions'
  const colLabel = useCallback(
    (col: number) => (positions ? rowLabel(col) : group > 0 ? `h${col / group}` : String(col)),
    [positions, group, rowLabel],
  )
  return { rowLabel, colLabel }
}
