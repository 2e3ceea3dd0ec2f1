import { useCallback, useMemo, useState } from 'react'
import { probsStep } from '../../../store/attention.ts'
import { labelOf, type Pattern } from '../../../store/attentionScores.ts'
import { visibleText } from '../../../store/groups.ts'
import { selectTextRow } from '../../../store/textReading.ts'
import { TensorView } from '../../components/TensorView.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { rampGradient } from '../../draw/ramps.ts'
import { formatFixed } from '../../format.ts'
import { useTexts } from '../reading/hooks.ts'
import { useShade } from '../steps/hooks.ts'
import { tokenName } from '../steps/words.ts'
import { useChosenHead, useChosenPattern, useChosenSummary, useHeadTitle } from './hooks.ts'
import { inkOf } from './ink.ts'

interface MatrixProps {
  ids: readonly number[]
  /** The selected query. */
  row: number
}

/** The chosen head, tokens on both axes. */
export function HeadMatrix({ ids, row }: MatrixProps) {
  const t = useTranslate()
  const chosen = useChosenHead()
  const title = useHeadTitle()
  const summary = useChosenSummary()
  const pattern = useChosenPattern()
  return (
    <section className="head-large" aria-label={title(chosen)}>
      <header className="head-large-title">
        <h2 className="step-name">{title(chosen)}</h2>
        {summary !== null && (
          <span className="tag" data-testid="attention-label">
            {t(`attention.label.${labelOf(summary.scores) ?? 'none'}`)}
          </span>
        )}
        <WeightScale />
      </header>
      {pattern === null || pattern.size !== ids.length ? (
        <p className="note" role="status">
          {t('attention.reading', { layer: chosen.layer })}
        </p>
      ) : (
        <Cells pattern={pattern} ids={ids} row={row} />
      )}
    </section>
  )
}

function WeightScale() {
  const t = useTranslate()
  const shade = useShade()
  return (
    <span className="range-legend numeric" title={t('attention.scale')}>
      <span>{t('attention.scale')}</span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ background: rampGradient('sequential', shade) }}
      />
    </span>
  )
}

const WHOLE_RANGE = [0, 1] as const

/** The cell under the cursor; it lasts until the text or the selected query changes. */
interface Pointed {
  of: readonly number[]
  query: number
  row: number
  col: number
}

function Cells({ pattern, ids, row }: MatrixProps & { pattern: Pattern }) {
  const t = useTranslate()
  const session = useSession()
  const shade = useShade()
  const { layer, head } = useChosenHead()
  const title = useHeadTitle()
  const texts = useTexts(ids.length)
  const [pointed, setPointed] = useState<Pointed | null>(null)
  const { size, data } = pattern
  const plane = useMemo(() => ({ rows: size, cols: size }), [size])
  const inked = useMemo(() => ({ data: data.map(inkOf), offset: 0, rows: size, cols: size }), [data, size])
  const cell = pointed?.of === ids && pointed.query === row ? pointed : { row, col: strongest(pattern, row) }
  const label = useCallback(
    (at: number) => (texts[at] ? visibleText(texts[at]) : `#${ids[at] ?? ''}`),
    [texts, ids],
  )
  const pick = (picked: { row: number; col: number }) => {
    setPointed({ of: ids, query: picked.row, ...picked })
    selectTextRow(session, picked.row)
  }
  return (
    <>
      <TensorView
        step={probsStep(layer)}
        label={t('attention.matrix', { title: title({ layer, head }), rows: size })}
        plane={plane}
        cells={inked}
        palette="sequential"
        range={WHOLE_RANGE}
        shade={shade}
        rowLabel={label}
        colLabel={label}
        colWords
        group={0}
        veilFuture
        square
        selectedRow={row}
        cell={cell}
        cellIndex={((head ?? 0) * size + cell.row) * size + cell.col}
        cellValue={data[cell.row * size + cell.col] ?? null}
        busy={false}
        onCell={(next) => setPointed({ of: ids, query: row, ...next })}
        onPick={pick}
      />
      <Readout pattern={pattern} ids={ids} texts={texts} cell={cell} />
    </>
  )
}

function strongest({ size, data }: Pattern, row: number): number {
  let best = 0
  for (let col = 1; col <= row; col++) if (data[row * size + col]! > data[row * size + best]!) best = col
  return best
}

interface ReadoutProps {
  pattern: Pattern
  ids: readonly number[]
  texts: readonly string[]
  cell: { row: number; col: number }
}

/** The cell in words and digits; what the query's position predicts, since its row is about the token behind it. */
function Readout({ pattern, ids, texts, cell: { row, col } }: ReadoutProps) {
  const t = useTranslate()
  const name = (at: number) => tokenName(t, texts[at] ?? '', ids[at] ?? 0)
  const next = row + 1 < ids.length
  return (
    <p className="readout" data-testid="attention-readout">
      <span className="readout-value numeric">
        {formatFixed(pattern.data[row * pattern.size + col] ?? 0, 4)}
      </span>
      <span>{t('attention.readout', { row, query: name(row), col, key: name(col) })}</span>
      <span className="note">
        {col > row
          ? t('attention.future')
          : next
            ? t('steps.predicts', { position: row, token: name(row), next: name(row + 1) })
            : t('steps.predictsNothing', { position: row, token: name(row) })}
      </span>
    </p>
  )
}
