import { useEffect, useState } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { TensorCell } from './store.ts'
import { useSession, useTranslate } from '../../context.ts'
import { useRowTexts, useStepsState } from './hooks.ts'
import { formatValue } from './numbers.ts'
import { maskAt } from '../../draw/sight.ts'
import { indexInRow, type StepLayout } from './shape.ts'
import { tokenName } from '../../components/labels.ts'
import type { Translate } from '../../words/index.ts'

const NO_IDS: readonly number[] = []

interface CellReadoutProps {
  layout: StepLayout
  cell: TensorCell
  /** The cell's row; null while it is being read. */
  values: Float32Array | null
}

/** The cell under the cursor of the step on show. */
export function CellReadout({ layout, cell, values }: CellReadoutProps) {
  const texts = useRowTexts()
  const ids = useStepsState((state) => state.source?.ids ?? NO_IDS)
  const word = useVocabularyText(layout.columns.kind === 'vocabulary', cell.row, cell.col)
  return <CellWords {...{ layout, cell, ids, texts, word }} value={values?.[indexInRow(layout, cell)]} />
}

interface CellWordsProps {
  layout: StepLayout
  cell: Pick<TensorCell, 'row' | 'col'>
  /** Undefined while it is being read. */
  value: number | undefined
  ids: readonly number[]
  texts: readonly string[]
  /** Text of the token that a logit is for; empty where it is not known. */
  word: string
}

/** Where the cursor stands and what is there, in words. */
export function CellWords({ layout, cell, value, ids, texts, word }: CellWordsProps) {
  const t = useTranslate()
  const nameAt = (at: number): string => tokenName(t, texts[at] ?? '', ids[at] ?? 0)
  const masked = maskAt(layout.mask, cell.row, cell.col)
  const column = columnName(t, layout, cell.col, nameAt, word)
  return (
    <output className="readout" aria-live="polite">
      <span className="readout-value numeric" data-testid="cell-value">
        {value === undefined ? '…' : formatValue(value)}
      </span>
      <span>{t('tensor.cell', { row: cell.row, token: nameAt(cell.row), column })}</span>
      {masked !== null && <span className="note">{t(`tensor.masked.${masked}`)}</span>}
    </output>
  )
}

function columnName(
  t: Translate,
  { columns }: StepLayout,
  col: number,
  nameAt: (position: number) => string,
  word: string,
): string {
  switch (columns.kind) {
    case 'positions':
      return t('tensor.position', { position: col, token: nameAt(col) })
    case 'vocabulary': {
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

/** Text of the token a logit is for; empty until it has been looked up. */
function useVocabularyText(wanted: boolean, row: number, id: number): string {
  const session = useSession()
  const source = useStepsState((state) => state.source)
  const [loaded, setLoaded] = useState({ id: -1, text: '' })
  useEffect(() => {
    if (!wanted || source === null) return
    let current = true
    session.lookUpText(source.ids.slice(0, row + 1), id).then(
      (text) => current && setLoaded({ id, text }),
      (error: unknown) => session.report(error),
    )
    return () => {
      current = false
    }
  }, [session, wanted, source, row, id])
  return loaded.id === id ? loaded.text : ''
}
