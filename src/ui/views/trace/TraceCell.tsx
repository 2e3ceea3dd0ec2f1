import type { SavedTrace } from '../../../trace/types.ts'
import { CellWords } from '../steps/CellReadout.tsx'
import type { StepLayout } from '../steps/shape.ts'

interface TraceCellProps {
  trace: SavedTrace
  layout: StepLayout
  cell: { row: number; col: number }
  value: number
}

/** The cell under the cursor of a saved step. */
export function TraceCell({ trace, layout, cell, value }: TraceCellProps) {
  const { ids, texts, predictions } = trace
  // Only the words of what was predicted there are in the file.
  const word = predictions[cell.row]?.top.find(({ id }) => id === cell.col)?.text ?? ''
  return <CellWords {...{ layout, cell, value, ids, texts, word }} />
}
