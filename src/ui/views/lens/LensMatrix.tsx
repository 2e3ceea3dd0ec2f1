import { memo, useCallback, useEffect, useState } from 'react'
import { lensCell, lensText, type LensMap } from './store.ts'
import { selectRow } from '../../../state/selection.ts'
import type { LensCell } from '../../../api/model.ts'
import { Grid } from '../../components/Grid.tsx'
import { Overview } from '../../components/Overview.tsx'
import { useColumns } from '../../components/useColumns.ts'
import { useSession, useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useIsEncoder, useTexts } from '../../components/reading.ts'
import { useLayerName, useLens, useLensPlace, type LensPlace } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** Width of a position, in CSS pixels. */
const COLUMN = 92
/** Columns kept in the page beyond either edge. */
const BEYOND = 3

interface MatrixProps {
  ids: readonly number[]
  map: LensMap
}

/** The last layer on top. Above a column its token, below it the token that really came next, where any comes. */
export function LensMatrix({ ids, map }: MatrixProps) {
  const t = useTranslate()
  const session = useSession()
  const lens = useLens()
  const place = useLensPlace()
  const isEncoder = useIsEncoder()
  const layers = map.layers.toReversed()
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null)
  const columns = useColumns(scroller, {
    count: map.positions,
    chosen: place.position,
    width: COLUMN,
    beyond: BEYOND,
  })
  useRevealed(scroller, place.position)
  const choose = useCallback(
    (next: LensPlace) => {
      lens.state.setState({ layer: next.layer })
      selectRow(session, next.position)
    },
    [lens, session],
  )
  const last = map.layers.at(-1) ?? 0
  const level = useCallback(
    (at: number) => {
      const best = lensCell(map, last, at)?.top[0]
      return best === undefined ? null : probabilityLevel(Math.log(best.probability))
    },
    [map, last],
  )
  return (
    <div className="lens-wide">
      <Overview
        scroller={scroller}
        count={map.positions}
        width={COLUMN}
        label={t('lens.overview')}
        level={level}
      />
      <div
        className="lens-scroll"
        ref={setScroller}
        onPointerLeave={() => lens.state.setState({ hovered: null })}
      >
        <Grid
          className="lens-grid"
          role="grid"
          aria-label={t('lens.grid', { layers: layers.length, positions: map.positions })}
          aria-colcount={map.positions}
          style={{ '--columns': map.positions, '--lens-column': `${COLUMN}px` }}
          rows={layers.length}
          columns={map.positions}
          place={{ row: layers.indexOf(place.layer), column: place.position }}
          onMove={({ row, column }) => choose({ layer: layers[row] ?? place.layer, position: column })}
        >
          <TokenLine ids={ids} columns={columns} shift={0} selected={place.position} />
          {layers.map((layer) => (
            <Line key={layer} {...{ map, ids, layer, columns, place }} onChoose={choose} />
          ))}
          {!isEncoder && <TokenLine ids={ids} columns={columns} shift={1} selected={place.position} />}
        </Grid>
      </div>
    </div>
  )
}

/** The layers beside the lines of a grid, the last on top. */
export function LineNames({ layers }: { layers: readonly number[] }) {
  const t = useTranslate()
  const isEncoder = useIsEncoder()
  return (
    <div className="lens-names" aria-hidden="true">
      <span>{t('lens.token')}</span>
      {layers.map((layer) => (
        <span key={layer} className="numeric">
          {layer < 0 ? t('lens.embeddingShort') : t('lens.layerShort', { layer })}
        </span>
      ))}
      {!isEncoder && <span>{t('lens.next')}</span>}
    </div>
  )
}

/** Scrolls just so far that the selected position is on show. */
function useRevealed(scroller: HTMLElement | null, position: number): void {
  useEffect(() => {
    if (scroller === null) return
    const left = position * COLUMN
    if (left < scroller.scrollLeft) scroller.scrollTo({ left })
    else if (left + COLUMN > scroller.scrollLeft + scroller.clientWidth)
      scroller.scrollTo({ left: left + COLUMN - scroller.clientWidth })
  }, [scroller, position])
}

interface TokenLineProps {
  ids: readonly number[]
  columns: readonly number[]
  /** 0: the positions' own tokens; 1: those that came next. */
  shift: 0 | 1
  selected: number
}

function TokenLine({ ids, columns, shift, selected }: TokenLineProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const texts = useTexts(ids.length)
  return (
    <div className="lens-line lens-line-words" role="row">
      {columns.map((position) => {
        const id = ids[position + shift]
        return (
          <div
            key={position}
            className="lens-slot lens-slot-head stack"
            role={shift === 0 ? 'columnheader' : 'gridcell'}
            aria-colindex={position + 1}
            data-selected={position === selected}
            style={{ '--at': position }}
          >
            {shift === 0 && <span className="numeric">{position}</span>}
            <span className="lens-word">
              {id === undefined ? t('lens.unknown') : nameToken(texts[position + shift] ?? '', id)}
            </span>
          </div>
        )
      })}
    </div>
  )
}

interface LineProps extends MatrixProps {
  layer: number
  columns: readonly number[]
  place: LensPlace
  onChoose: (place: LensPlace) => void
}

function Line({ map, ids, layer, columns, place, onChoose }: LineProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const name = useLayerName()(layer)
  const isEncoder = useIsEncoder()
  const texts = useTexts(ids.length)
  return (
    <div className="lens-line" role="row" aria-label={name}>
      {columns.map((position) => {
        const cell = lensCell(map, layer, position)
        const best = cell?.top[0]
        if (cell === null || best === undefined) return null
        const word = lensText(map, position, best.id)
        const top = nameToken(word, best.id)
        return (
          <Cell
            key={position}
            cell={cell}
            top={nameToken(word, best.id)}
            label={t(isEncoder ? 'lens.cellOwn' : 'lens.cell', {
              position,
              token: nameToken(texts[position] ?? '', ids[position] ?? 0),
              layer: name,
              top,
              probability: formatProbability(best.probability),
            })}
            selected={place.layer === layer && place.position === position}
            onChoose={onChoose}
          />
        )
      })}
    </div>
  )
}

interface CellProps {
  cell: LensCell
  top: string
  label: string
  selected: boolean
  onChoose: (place: LensPlace) => void
}

const Cell = memo(function Cell({ cell, top, label, selected, onChoose }: CellProps) {
  const lens = useLens()
  const { layer, position } = cell
  const best = cell.top[0]
  if (best === undefined) return null
  return (
    <div className="lens-slot" role="presentation" style={{ '--at': position }}>
      <button
        type="button"
        role="gridcell"
        className="lens-cell"
        data-testid="lens-cell"
        data-layer={layer}
        data-position={position}
        data-token-id={best.id}
        data-probability={best.probability}
        data-right={best.id === cell.token}
        aria-colindex={position + 1}
        aria-selected={selected}
        aria-label={label}
        tabIndex={selected ? 0 : -1}
        style={{ '--swatch': `var(--seq-${probabilityLevel(Math.log(best.probability))})` }}
        onPointerEnter={() => lens.state.setState({ hovered: { layer, position } })}
        onClick={() => onChoose({ layer, position })}
      >
        <span className="lens-word">{top}</span>
        <span className="lens-share numeric">{Math.round(best.probability * 100)}%</span>
      </button>
    </div>
  )
})
