import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useEffect, useState } from 'react'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import { actingScale, shortName, type Track } from '../../../state/adapterScales.ts'
import type { AdapterAnalysis, ModuleAnalysis } from '../../../api/model.ts'
import { LEVELS } from '../../draw/palette.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatBytes, formatFixed, formatMagnitude } from '../../../maths/format.ts'
import { useAnatomy } from '../../components/reading.ts'
import { DeltaCell } from './DeltaCell.tsx'
import { DeltaExport } from './DeltaExport.tsx'
import { deltaGrid, deltaLevel, type DeltaGrid } from './deltaGrid.ts'
import { useAdaptersState } from './hooks.ts'
import { formatRatio } from '../../components/numbers.ts'

type Loaded =
  | { kind: 'reading' }
  | { kind: 'failed'; error: ErrorData }
  | { kind: 'ready'; analysis: AdapterAnalysis; baseFlops: number }

/** Size of the update, module by module, beside the weights it is added to. */
export function DeltaMap({ track }: { track: Track }) {
  const t = useTranslate()
  const anatomy = useAnatomy()
  const merged = useAdaptersState((state) => state.merged !== null)
  const loaded = useAnalysis(track.id, merged)
  const [step, setStep] = useState<string | null>(null)
  if (merged) return <p className="note delta-note">{t('delta.merged')}</p>
  if (loaded.kind === 'reading') return <ReadingBar words={t('delta.reading')} />
  if (loaded.kind === 'failed') return <ErrorNotice testId="error" error={loaded.error} />
  const { modules } = loaded.analysis
  const largest = modules.reduce<ModuleAnalysis | null>(
    (best, module) => (best === null || module.ratio > best.ratio ? module : best),
    null,
  )
  const chosen = modules.find((module) => module.step === step) ?? largest
  if (chosen === null) return <p className="note delta-note">{t('delta.none')}</p>
  const grid = deltaGrid(modules, anatomy)
  return (
    <div className="delta">
      <div className="delta-map">
        <HeatTable grid={grid} track={track} chosen={chosen.step} onChoose={setStep} />
        <DeltaExport grid={grid} track={track} />
        <Cost analysis={loaded.analysis} baseFlops={loaded.baseFlops} />
      </div>
      <DeltaCell key={chosen.step} track={track} module={chosen} />
    </div>
  )
}

function useAnalysis(id: string, merged: boolean): Loaded {
  const session = useSession()
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'reading' })
  useEffect(() => {
    const { model } = session
    if (model === null || merged) return
    let wanted = true
    const read = async () => {
      const [analysis, steps] = await Promise.all([model.analyseAdapter(id), model.steps({ rows: 1 })])
      const baseFlops = steps.reduce((sum, { flops }) => sum + flops, 0)
      if (wanted) setLoaded({ kind: 'ready', analysis, baseFlops })
    }
    read().catch((error: unknown) => wanted && setLoaded({ kind: 'failed', error: toErrorData(error) }))
    return () => {
      wanted = false
    }
  }, [session, id, merged])
  return loaded
}

interface HeatTableProps {
  grid: DeltaGrid
  track: Track
  chosen: string
  onChoose: (step: string) => void
}

/** A table that reads as a map: each cell a button with its number, coloured by it. */
function HeatTable({ grid, track, chosen, onChoose }: HeatTableProps) {
  const t = useTranslate()
  const solo = useAdaptersState((state) => state.solo)
  const scale = actingScale(track, solo)
  return (
    <table className="delta-table" data-testid="delta-map">
      <caption>
        {t('delta.caption')}
        <DeltaLegend largest={grid.largest} />
      </caption>
      <thead>
        <tr>
          <th scope="col">{t('delta.layer')}</th>
          {grid.columns.map((name) => (
            <th key={name} scope="col">
              {shortName(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {grid.lines.map(({ label, cells }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {cells.map((cell, column) => (
              <td key={cell?.step ?? grid.columns[column]}>
                {cell !== null && (
                  <HeatCell
                    cell={cell}
                    scale={scale}
                    largest={grid.largest}
                    chosen={cell.step === chosen}
                    onChoose={onChoose}
                  />
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface HeatCellProps {
  cell: ModuleAnalysis
  /** What the adapter acts at now. */
  scale: number
  largest: number
  chosen: boolean
  onChoose: (step: string) => void
}

function HeatCell({ cell, scale, largest, chosen, onChoose }: HeatCellProps) {
  const t = useTranslate()
  const { step, ratio, deltaNorm, weightNorm } = cell
  return (
    <button
      type="button"
      className="delta-button"
      data-step={step}
      data-value={ratio}
      aria-pressed={chosen}
      aria-label={`${step}: ${formatRatio(ratio)}`}
      title={t('delta.cellHint', {
        step,
        delta: formatFixed(deltaNorm, 3),
        weight: formatFixed(weightNorm, 2),
        ratio: formatRatio(ratio),
        scaled: formatRatio(Math.abs(scale) * ratio),
        scale: formatFixed(scale, 2),
      })}
      style={{ '--level': `var(--seq-${deltaLevel(ratio, largest)})` }}
      onClick={() => onChoose(step)}
    >
      {formatRatio(ratio)}
    </button>
  )
}

function DeltaLegend({ largest }: { largest: number }) {
  return (
    <span className="legend delta-legend" aria-hidden="true">
      <span className="numeric">0</span>
      <span className="legend-ramp">
        {Array.from({ length: LEVELS }, (_, level) => (
          <span key={level} style={{ '--swatch': `var(--seq-${level})` }} />
        ))}
      </span>
      <span className="numeric">{formatRatio(largest)}</span>
    </span>
  )
}

/** What carrying the adapter costs: GPU memory, and arithmetic per token beside the model's own. */
function Cost({ analysis, baseFlops }: { analysis: AdapterAnalysis; baseFlops: number }) {
  const t = useTranslate()
  const { bytes, flopsPerRow } = analysis.cost
  return (
    <p className="note numeric delta-cost">
      {t('delta.cost', {
        bytes: formatBytes(bytes),
        flops: formatMagnitude(flopsPerRow),
        share: baseFlops > 0 ? formatRatio(flopsPerRow / baseFlops) : '—',
      })}
    </p>
  )
}
