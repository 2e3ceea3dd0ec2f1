import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useMemo, useState } from 'react'
import { labelOf, scaleEnd, type AttentionPattern } from '../../../analysis/headScores.ts'
import { selectRow } from '../../../state/selection.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useTokenWord } from '../../components/PlaneMap.tsx'
import { TensorView } from '../../components/TensorView.tsx'
import { useSession, useTranslate } from '../../context.ts'
import type { Window2 } from '../../draw/heatmap.ts'
import { rampGradient } from '../../draw/ramps.ts'
import { formatFixed } from '../../../maths/format.ts'
import { cutEdge, EditHere } from '../edits/EditHere.tsx'
import { useAnatomy, useIsEncoder, useTexts } from '../../components/reading.ts'
import { useShade } from '../../components/useShade.ts'
import { maskAt, veilOf } from '../../draw/sight.ts'
import { tokenName } from '../../components/labels.ts'
import {
  useChosenHead,
  useChosenPattern,
  useChosenScores,
  useEditedHeads,
  useSelectionTitle,
  useSight,
  useWindow,
} from './hooks.ts'
import { MatrixExport } from './HeadExports.tsx'
import { inkOf } from '../../draw/ink.ts'

interface MatrixProps {
  ids: readonly number[]
  /** The selected query. */
  row: number
}

/** The chosen head, tokens on both axes. */
export function HeadMatrix({ ids, row }: MatrixProps) {
  const t = useTranslate()
  const title = useSelectionTitle()
  const scores = useChosenScores()
  const pattern = useChosenPattern()
  const window = useWindow()
  const [near, setNear] = useState(false)
  const long = ids.length > NEAR
  const end = useMemo(() => (pattern === null ? 1 : scaleEnd(pattern, NEAR)), [pattern])
  return (
    <section className="head-large stack" aria-label={title}>
      <header className="head-large-title cluster">
        <h2 className="step-name" data-testid="attention-title">
          {title}
        </h2>
        {scores !== null && (
          <span className="tag" data-testid="attention-label">
            {t(`attention.label.${labelOf(scores) ?? 'none'}`)}
          </span>
        )}
        {window !== null && <span className="tag">{t('attention.windowOf', { window })}</span>}
        {long && (
          <Segmented
            label={t('attention.window')}
            value={near ? 'near' : 'whole'}
            choices={[
              { value: 'whole', label: t('attention.whole') },
              { value: 'near', label: t('attention.near') },
            ]}
            onChange={(next) => setNear(next === 'near')}
          />
        )}
        <WeightScale end={end} />
        {pattern !== null && <MatrixExport pattern={pattern} ids={ids} title={title} />}
      </header>
      {pattern === null || pattern.size !== ids.length ? (
        <ReadingBar words={t('attention.reading', { title })} />
      ) : (
        <Cells pattern={pattern} ids={ids} row={row} near={long && near} end={end} />
      )}
    </section>
  )
}

function WeightScale({ end }: { end: number }) {
  const t = useTranslate()
  const shade = useShade()
  const text =
    end === 1
      ? t('attention.scale', { most: 1 })
      : t('attention.scaleMore', { most: formatFixed(end, end < 0.1 ? 3 : 2) })
  return (
    <span className="range-legend numeric">
      <span>{text}</span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ background: rampGradient('sequential', shade) }}
      />
    </span>
  )
}

/** Positions to a side of the window around the query: as many as can be told apart. */
const NEAR = 96

/** The window that has a query near its lower edge, with the keys right before it. */
function windowAround(row: number, size: number): Window2 {
  const begin = Math.max(0, Math.min(size - NEAR, row - Math.floor(NEAR * 0.75)))
  return { row: begin, col: begin, rows: NEAR, cols: NEAR }
}

/** The cell under the cursor; it lasts until the text or the selected query changes. */
interface Pointed {
  of: readonly number[]
  query: number
  row: number
  col: number
}

interface CellsProps extends MatrixProps {
  pattern: AttentionPattern
  near: boolean
  /** Weight at which the colours end. */
  end: number
}

function Cells({ pattern, ids, row, near, end }: CellsProps) {
  const t = useTranslate()
  const session = useSession()
  const shade = useShade()
  const { layer, head } = useChosenHead()
  const title = useSelectionTitle()
  const texts = useTexts(ids.length)
  const [pointed, setPointed] = useState<Pointed | null>(null)
  const { size, data } = pattern
  const anatomy = useAnatomy()
  const sight = useSight()
  const veil = useMemo(() => veilOf({ op: 'scores', mask: sight }), [sight])
  const start = useMemo(() => (near ? windowAround(row, size) : null), [near, row, size])
  const range = useMemo(() => [0, inkOf(end)] as const, [end])
  const plane = useMemo(() => ({ rows: size, cols: size }), [size])
  const inked = useMemo(() => ({ data: data.map(inkOf), offset: 0, rows: size, cols: size }), [data, size])
  const cell = pointed?.of === ids && pointed.query === row ? pointed : { row, col: strongest(pattern, row) }
  const label = useTokenWord(ids)
  const pick = (picked: { row: number; col: number }) => {
    setPointed({ of: ids, query: picked.row, ...picked })
    selectRow(session, picked.row)
  }
  return (
    <>
      <TensorView
        step={anatomy.layers[layer]?.attention?.probs ?? ''}
        label={t('attention.matrix', { title, rows: size })}
        plane={plane}
        start={start}
        cells={inked}
        palette="sequential"
        range={range}
        shade={shade}
        rowLabel={label}
        colLabel={label}
        colWords
        group={0}
        veil={veil}
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

function strongest({ size, data }: AttentionPattern, row: number): number {
  let best = 0
  for (let col = 1; col < size; col++) if (data[row * size + col]! > data[row * size + best]!) best = col
  return best
}

interface ReadoutProps {
  pattern: AttentionPattern
  ids: readonly number[]
  texts: readonly string[]
  cell: { row: number; col: number }
}

/** The cell in words and digits; what the query's position predicts, since its row is about the token behind it. */
function Readout({ pattern, ids, texts, cell: { row, col } }: ReadoutProps) {
  const t = useTranslate()
  const name = (at: number) => tokenName(t, texts[at] ?? '', ids[at] ?? 0)
  const isEncoder = useIsEncoder()
  const next = row + 1 < ids.length
  const masked = maskAt(useSight(), row, col)
  const heads = useEditedHeads()
  return (
    <p className="readout" data-testid="attention-readout">
      <span className="readout-value numeric">
        {formatFixed(pattern.data[row * pattern.size + col] ?? 0, 4)}
      </span>
      <span>{t('attention.readout', { row, query: name(row), col, key: name(col) })}</span>
      <span className="note">
        {masked !== null
          ? t(`attention.masked.${masked}`)
          : isEncoder
            ? t('steps.predictsOwn', { position: row, token: name(row) })
            : next
              ? t('steps.predicts', { position: row, token: name(row), next: name(row + 1) })
              : t('steps.predictsNothing', { position: row, token: name(row) })}
      </span>
      {masked === null && <EditHere changes={cutEdge(heads, [row, col])} />}
    </p>
  )
}
