import { useMemo, useState, type DragEvent } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { NormGrid } from '../../../analysis/patching.ts'
import { Grid } from '../../components/Grid.tsx'
import { Overview } from '../../components/Overview.tsx'
import { useColumns } from '../../components/useColumns.ts'
import { useTranslate } from '../../context.ts'
import { LEVELS } from '../../draw/palette.ts'
import { formatFixed } from '../../../maths/format.ts'
import { tokenName } from '../../components/labels.ts'

/** Width of a position, in CSS pixels. */
const COLUMN = 52
/** Columns kept in the page beyond either edge. */
const BEYOND = 4

interface CellPlace {
  layer: number
  position: number
}

interface RunGridProps {
  which: 'own' | 'other'
  title: string
  ids: readonly number[]
  texts: readonly string[]
  grid: NormGrid
  held: CellPlace | null
  /** `layer.position` of cells that are patched. */
  marked?: ReadonlySet<string>
  /** Called while a cell is being dragged; null when it is let go. */
  onHold?: (cell: CellPlace | null) => void
  onCell: (layer: number, position: number) => void
}

/** Layers up, positions across, shaded by the norm of what is there; the cell of keyboard and pointer alike is a button. */
export function RunGrid(props: RunGridProps) {
  const { which, title, ids, texts, grid } = props
  const t = useTranslate()
  const [scroller, setScroller] = useState<HTMLElement | null>(null)
  const [place, setPlace] = useState<CellPlace>({ layer: grid.layers - 1, position: 0 })
  const at = {
    layer: Math.min(place.layer, grid.layers - 1),
    position: Math.min(place.position, ids.length - 1),
  }
  const columns = useColumns(scroller, {
    count: ids.length,
    chosen: at.position,
    width: COLUMN,
    beyond: BEYOND,
  })
  const layers = Array.from({ length: grid.layers }, (_, index) => grid.layers - 1 - index)
  const level = useMemo(() => lastLayerLevels(grid), [grid])
  return (
    <section className="run-grid" data-run={which} aria-label={title}>
      <h3 className="eyebrow">{title}</h3>
      <Overview
        {...{ scroller, level }}
        count={ids.length}
        width={COLUMN}
        label={t('edits.patchOverview', { run: title })}
      />
      <div className="run-frame">
        <div className="run-names numeric" aria-hidden="true">
          <span />
          {layers.map((layer) => (
            <span key={layer}>L{layer}</span>
          ))}
        </div>
        <div className="run-scroll" ref={setScroller}>
          <Grid
            className="run-cells"
            role="grid"
            aria-label={t('edits.patchGrid', {
              run: title,
              layers: grid.layers,
              positions: ids.length,
              action: t(which === 'other' ? 'edits.patchTake' : 'edits.patchPut'),
            })}
            aria-colcount={ids.length}
            style={{ '--columns': ids.length, '--run-column': `${COLUMN}px` }}
            rows={grid.layers}
            columns={ids.length}
            place={{ row: grid.layers - 1 - at.layer, column: at.position }}
            onMove={({ row, column }) => setPlace({ layer: grid.layers - 1 - row, position: column })}
          >
            <Tokens ids={ids} texts={texts} columns={columns} />
            {layers.map((layer) => (
              <Line key={layer} {...props} layer={layer} columns={columns} place={at} onPlace={setPlace} />
            ))}
          </Grid>
        </div>
      </div>
    </section>
  )
}

/** Palette step of a position: the norm at the last layer beside that layer's largest, as its line shows it. */
function lastLayerLevels({ layers, positions, norms }: NormGrid): (at: number) => number {
  const line = norms.subarray((layers - 1) * positions, layers * positions)
  const largest = line.reduce((most, norm) => Math.max(most, norm), 1e-12)
  return (at) => Math.min(LEVELS - 1, Math.floor(((line[at] ?? 0) / largest) * LEVELS))
}

function Tokens({
  ids,
  texts,
  columns,
}: Pick<RunGridProps, 'ids' | 'texts'> & { columns: readonly number[] }) {
  return (
    <div className="run-line" role="row">
      {columns.map((position) => (
        <span
          key={position}
          role="columnheader"
          className="run-slot run-token one-line"
          aria-colindex={position + 1}
          style={{ '--at': position }}
        >
          {texts[position] ? visibleText(texts[position]) : `#${ids[position] ?? ''}`}
        </span>
      ))}
    </div>
  )
}

interface LineProps extends RunGridProps {
  layer: number
  columns: readonly number[]
  place: CellPlace
  onPlace: (place: CellPlace) => void
}

function Line({ layer, columns, place, onPlace, ...grid }: LineProps) {
  const t = useTranslate()
  const { positions, norms } = grid.grid
  const line = norms.subarray(layer * positions, (layer + 1) * positions)
  const largest = line.reduce((most, norm) => Math.max(most, norm), 1e-12)
  return (
    <div className="run-line" role="row" aria-label={t('attention.layer', { layer })}>
      {columns.map((position) => (
        <span key={position} className="run-slot" role="presentation" style={{ '--at': position }}>
          <Cell
            {...grid}
            at={{ layer, position }}
            norm={line[position] ?? 0}
            largest={largest}
            focusable={place.layer === layer && place.position === position}
            onFocus={() => onPlace({ layer, position })}
          />
        </span>
      ))}
    </div>
  )
}

interface CellProps extends RunGridProps {
  at: CellPlace
  norm: number
  /** Of the layer. */
  largest: number
  focusable: boolean
  onFocus: () => void
}

function Cell({ which, title, ids, texts, held, marked, at, norm, largest, focusable, ...on }: CellProps) {
  const t = useTranslate()
  const { layer, position } = at
  const cell = `${layer}.${position}`
  const token = tokenName(t, texts[position] ?? '', ids[position] ?? 0)
  const label = t('edits.patchCell', { run: title, layer, position, token, norm: formatFixed(norm, 2) })
  const level = Math.min(LEVELS - 1, Math.floor((norm / largest) * LEVELS))
  const pickUp = (event: DragEvent) => {
    event.dataTransfer.effectAllowed = 'copy'
    event.dataTransfer.setData('text/plain', cell)
    on.onHold?.(at)
  }
  const putDown = (event: DragEvent) => {
    event.preventDefault()
    if (which === 'own') on.onCell(layer, position)
  }
  return (
    <button
      type="button"
      role="gridcell"
      className="run-cell"
      data-testid="patch-cell"
      data-cell={cell}
      data-norm={norm}
      data-held={held?.layer === layer && held.position === position}
      data-marked={marked?.has(cell) ?? false}
      aria-colindex={position + 1}
      aria-label={label}
      title={label}
      tabIndex={focusable ? 0 : -1}
      draggable={which === 'other'}
      style={{ '--swatch': `var(--seq-${level})` }}
      onDragStart={pickUp}
      onDragEnd={() => on.onHold?.(null)}
      onDragOver={(event) => which === 'own' && event.preventDefault()}
      onDrop={putDown}
      onFocus={on.onFocus}
      onClick={() => on.onCell(layer, position)}
    />
  )
}
