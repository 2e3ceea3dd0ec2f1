import { useCallback, useMemo, useState } from 'react'
import { visibleText } from '../../../store/groups.ts'
import type { Cell } from '../../../store/steps.ts'
import type { ModelInfo } from '../../../types.ts'
import { TensorTable } from '../../components/TensorTable.tsx'
import { TensorView } from '../../components/TensorView.tsx'
import { useTranslate } from '../../context.ts'
import { autoRange } from '../../draw/heatmap.ts'
import { CellReadout } from './CellReadout.tsx'
import { Formula } from './Formula.tsx'
import { useRow, useRowTexts, useShade, useSteps, useStepsState, type ShownTensor } from './hooks.ts'
import { cellFor, indexOf, layoutOf, planeOf, type StepLayout } from './shape.ts'
import { TensorTools } from './TensorTools.tsx'

interface StepTensorProps {
  shown: ShownTensor
  info: ModelInfo
  busy: boolean
}

/** The step's output as a picture or a table, and how the chosen cell came about. */
export function StepTensor({ shown, info, busy }: StepTensorProps) {
  const { step, tensor } = shown
  const steps = useSteps()
  const row = useRow()
  const chosen = useStepsState((state) => state.cell)
  const [mode, setMode] = useState<'map' | 'table'>('map')
  const layout = useMemo(() => layoutOf(step, info), [step, info])
  const cell = useMemo(() => cellFor(layout, tensor.data, chosen, row), [layout, tensor, chosen, row])
  const choose = (next: Partial<Cell>) => steps.state.setState({ cell: { ...cell, ...next } })
  const range = useMemo(() => autoRange(tensor.data, layout.palette), [tensor, layout.palette])
  return (
    <>
      <TensorTools
        shown={shown}
        layout={layout}
        cell={cell}
        range={range}
        mode={mode}
        onMode={setMode}
        onSlice={(slice) => choose({ slice })}
      />
      <Picture {...{ shown, layout, cell, range, mode, busy, row }} onCell={choose} />
      <CellReadout shown={shown} layout={layout} cell={cell} />
      <Formula shown={shown} info={info} cell={cell} />
    </>
  )
}

interface PictureProps {
  shown: ShownTensor
  layout: StepLayout
  cell: Cell
  range: readonly [number, number]
  mode: 'map' | 'table'
  busy: boolean
  row: number
  onCell: (cell: Partial<Cell>) => void
}

function Picture({ shown, layout, cell, range, mode, busy, row, onCell }: PictureProps) {
  const { step, tensor } = shown
  const t = useTranslate()
  const steps = useSteps()
  const shade = useShade()
  const labels = useLabels(layout)
  const plane = useMemo(() => planeOf(tensor.data, layout, cell.slice), [tensor, layout, cell.slice])
  const common = {
    step: step.name,
    label: t('tensor.label', { name: step.name, rows: layout.rows, cols: layout.cols }),
    plane,
    ...labels,
    cell,
    cellIndex: indexOf(layout, cell),
    cellValue: tensor.data[indexOf(layout, cell)] ?? Number.NaN,
    onCell,
  }
  if (mode === 'table') return <TensorTable {...common} selectedRow={row} />
  return (
    <TensorView
      {...common}
      palette={layout.palette}
      range={range}
      shade={shade}
      colWords={layout.columns.kind === 'positions'}
      group={layout.columns.kind === 'heads' ? layout.columns.headDim : 0}
      veilFuture={step.op === 'scores'}
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
  const group = columns.kind === 'heads' ? columns.headDim : 0
  const positions = columns.kind === 'positions'
  const colLabel = useCallback(
    (col: number) => (positions ? rowLabel(col) : group > 0 ? `h${col / group}` : String(col)),
    [positions, group, rowLabel],
  )
  return { rowLabel, colLabel }
}
