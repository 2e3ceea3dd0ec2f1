import { shortName, type Track } from '../../../state/adapterScales.ts'
import { PlotExport, plotCaption } from '../../components/PlotExport.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { matrixPlot } from '../../draw/plots.ts'
import { deltaLevel, type DeltaGrid } from './deltaGrid.ts'
import { formatRatio } from '../../components/numbers.ts'

/** The map of an adapter's update as a picture. */
export function DeltaExport({ grid, track }: { grid: DeltaGrid; track: Track }) {
  const t = useTranslate()
  const session = useSession()
  const { columns, lines, largest } = grid
  return (
    <PlotExport
      title={`${track.name}: ${t('plot.delta')}`}
      caption={plotCaption(session.model?.info.id ?? '', '', t('delta.caption'))}
      make={(frame) =>
        matrixPlot(frame, {
          rows: lines.length,
          cols: Math.max(1, columns.length),
          colour: (row, col) => {
            const cell = lines[row]?.cells[col]
            return cell ? (frame.ink.levels[deltaLevel(cell.ratio, largest)] ?? null) : null
          },
          words: (row, col) => {
            const cell = lines[row]?.cells[col]
            return cell ? formatRatio(cell.ratio) : ''
          },
          rowLabel: (row) => lines[row]?.label ?? '',
          colLabel: (col) => shortName(columns[col] ?? ''),
          colWords: false,
          cell: { width: 64, height: 26 },
          scale: { colours: frame.ink.levels, ends: ['0', formatRatio(largest)] },
        })
      }
    />
  )
}
