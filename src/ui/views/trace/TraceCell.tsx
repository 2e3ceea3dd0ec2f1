import type { SavedTrace } from '../../../trace/types.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { useTranslate } from '../../context.ts'
import { formatValue } from '../steps/numbers.ts'
import { maskAt } from '../../draw/sight.ts'
import type { StepLayout } from '../steps/shape.ts'
import { tokenName } from '../../components/labels.ts'

interface TraceCellProps {
  trace: SavedTrace
  layout: StepLayout
  cell: { row: number; col: number }
  value: number
}

/** Where the cursor stands and what is there, in words. */
export function TraceCell({ trace, layout, cell, value }: TraceCellProps) {
  const t = useTranslate()
  const masked = maskAt(layout.mask, cell.row, cell.col)
  const token = tokenName(t, trace.texts[cell.row] ?? '', trace.ids[cell.row] ?? 0)
  return (
    <output className="readout" aria-live="polite">
      <span className="readout-value numeric" data-testid="cell-value">
        {formatValue(value)}
      </span>
      <span>{t('tensor.cell', { row: cell.row, token, column: useColumnName(trace, layout, cell) })}</span>
      {masked !== null && <span className="note">{t(`tensor.masked.${masked}`)}</span>}
    </output>
  )
}

function useColumnName(
  trace: SavedTrace,
  { columns }: StepLayout,
  { row, col }: TraceCellProps['cell'],
): string {
  const t = useTranslate()
  switch (columns.kind) {
    case 'positions':
      return t('tensor.position', {
        position: col,
        token: tokenName(t, trace.texts[col] ?? '', trace.ids[col] ?? 0),
      })
    case 'vocabulary': {
      // Only the words of what was predicted there are in the file.
      const word = trace.predictions[row]?.top.find(({ id }) => id === col)?.text ?? ''
      const name = t('tensor.vocabulary', { id: col })
      return word === '' ? name : `${name} “${visibleText(word)}”`
    }
    case 'heads':
      return t('tensor.dim', { head: Math.floor(col / columns.headDim), dim: col % columns.headDim })
    case 'experts':
      return t('tensor.expert', { expert: col })
    case 'choices': {
      const choice = Math.floor(col / columns.width) + 1
      return columns.width === 1
        ? t('tensor.choice', { choice })
        : t('tensor.choiceDim', { choice, dim: col % columns.width })
    }
    case 'features':
      return t('tensor.column', { col })
  }
}
