import { useMemo, useState } from 'react'
import { deltaColumns, gradientColumns, normGrid, type ModuleNormGrid, type NormKind } from './store/heat.ts'
import { formatCount } from '../../../maths/format.ts'
import { PlotExport } from '../../components/PlotExport.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { tickText } from '../../draw/linePlot.ts'
import { LEVELS } from '../../draw/palette.ts'
import { matrixPlot } from '../../draw/plots.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useCurve, useRun } from './hooks.ts'

const KINDS = ['gradient', 'delta'] as const

/** How far each part has moved and how hard it is pulled, checkpoint by checkpoint. */
export function Norms() {
  const t = useTranslate()
  const [by, setBy] = useState<'layer' | 'module'>('layer')
  const checkpoints = useRun((state) => state.checkpoints)
  const { curve } = useCurve()
  if (curve.steps.length === 0) return null
  const isEmpty = checkpoints.every(({ norms }) => norms.length === 0)
  if (isEmpty && curve.steps[0]?.norms === undefined) return null
  return (
    <section className="train-norms" aria-label={t('train.norms')}>
      <div className="train-norms-head">
        <h3 className="eyebrow">{t('train.norms')}</h3>
        <Segmented
          label={t('train.norms.by')}
          value={by}
          choices={[
            { value: 'layer', label: t('train.norms.layer') },
            { value: 'module', label: t('train.norms.module') },
          ]}
          onChange={setBy}
        />
      </div>
      <div className="train-heats">
        {KINDS.map((kind) => (
          <Heat key={kind} kind={kind} by={by} />
        ))}
      </div>
    </section>
  )
}

const level = (value: number, largest: number): number =>
  largest <= 0 ? 0 : Math.min(LEVELS - 1, Math.floor((value / largest) * LEVELS))

function Heat({ kind, by }: { kind: NormKind; by: 'layer' | 'module' }) {
  const t = useTranslate()
  const anatomy = useAnatomy()
  const checkpoints = useRun((state) => state.checkpoints)
  const looked = useRun((state) => state.looked)
  const [over, setOver] = useState<readonly [row: number, column: number] | null>(null)
  const { curve, version } = useCurve()
  // The curve grows in place: its version stands for its steps.
  const grid = useMemo(() => {
    const columns =
      kind === 'delta' || version < 0 ? deltaColumns(checkpoints) : gradientColumns(curve.steps, checkpoints)
    return normGrid(columns, by, anatomy)
  }, [checkpoints, curve, version, kind, by, anatomy])
  const { rows, columns, values, largest } = grid
  const name = t(`train.norms.${kind}`)
  const value = over === null ? null : values[over[0]]?.[over[1]]
  return (
    <figure className="train-heat" data-testid={`train-heat-${kind}`} data-columns={columns.length}>
      <figcaption className="train-plot-head cluster">
        <span title={t(`train.norms.${kind}Hint`)}>{name}</span>
        <PlotExport
          title={name}
          make={(frame) =>
            matrixPlot(frame, {
              rows: rows.length,
              cols: Math.max(1, columns.length),
              colour: (row, column) => {
                const cell = values[row]?.[column]
                return cell === null || cell === undefined
                  ? null
                  : (frame.ink.levels[level(cell, largest)] ?? null)
              },
              rowLabel: (row) => rows[row] ?? '',
              colLabel: (column) => String(columns[column] ?? ''),
              colWords: false,
              cell: { width: 40, height: 16 },
              scale: { colours: frame.ink.levels, ends: ['0', tickText(largest)] },
            })
          }
        />
      </figcaption>
      <Cells grid={grid} name={name} looked={looked} onOver={setOver} />
      <p className="note numeric train-heat-readout">
        {over === null || value === null || value === undefined
          ? t('train.norms.range', { largest: tickText(largest) })
          : t('train.norms.cell', {
              row:
                by === 'layer'
                  ? t('train.norms.ofLayer', { row: rows[over[0]] ?? '' })
                  : (rows[over[0]] ?? ''),
              steps: formatCount(columns[over[1]] ?? 0),
              value: tickText(value),
            })}
      </p>
    </figure>
  )
}

interface CellsProps {
  grid: ModuleNormGrid
  name: string
  looked: number | null
  onOver: (cell: readonly [row: number, column: number] | null) => void
}

function Cells({ grid: { rows, columns, values, largest }, name, looked, onOver }: CellsProps) {
  const t = useTranslate()
  return (
    <div
      className="train-cells"
      role="img"
      aria-label={t('train.norms.label', { name, rows: rows.length, columns: columns.length })}
      style={{ '--columns': Math.max(1, columns.length) }}
      onPointerOver={(event) => {
        const cell = event.target instanceof HTMLElement ? event.target.dataset['cell'] : undefined
        const [row, column] = (cell ?? '').split(' ').map(Number)
        onOver(cell === undefined ? null : [row ?? 0, column ?? 0])
      }}
      onPointerLeave={() => onOver(null)}
    >
      {rows.map((row, y) => (
        <div key={row} className="train-cells-row">
          <span className="train-cells-name numeric">{row}</span>
          {columns.map((steps, x) => {
            const value = values[y]?.[x]
            const colour =
              value === null || value === undefined ? 'transparent' : `var(--seq-${level(value, largest)})`
            return (
              <span
                key={steps}
                className="train-cell"
                data-cell={`${y} ${x}`}
                data-looked={steps === looked}
                style={{ '--level': colour }}
              />
            )
          })}
        </div>
      ))}
      <div className="train-cells-row">
        <span />
        {columns.map((steps, x) => (
          <span key={steps} className="train-cells-step numeric">
            {x % Math.ceil(columns.length / 8) === 0 && steps}
          </span>
        ))}
      </div>
    </div>
  )
}
