import { scalesText } from '../../../state/adapterScales.ts'
import type { SavedTrace } from '../../../trace/types.ts'
import { PlotExport, plotCaption } from '../../components/PlotExport.tsx'
import { useTranslate } from '../../context.ts'
import { rasterise, type TensorPlane, type ValueRange } from '../../draw/heatmap.ts'
import { hex, type PlotPicture } from '../../draw/plotFiles.ts'
import { matrixPlot, type PlotFrame } from '../../draw/plots.ts'
import { rampRgba, rampStops, type Palette } from '../../draw/ramps.ts'
import { useShade } from '../../components/useShade.ts'
import { formatValue } from '../steps/numbers.ts'

interface TensorExportProps {
  trace: SavedTrace
  step: string
  cells: TensorPlane
  range: ValueRange
  palette: Palette
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  colWords: boolean
}

/** Cells of a picture along either axis; of a larger tensor neighbours are pooled as on the screen. */
const LIMIT = { width: 256, height: 192 }

/** What a picture of a saved run is of. */
export function useTraceCaption(trace: SavedTrace): string {
  const t = useTranslate()
  return plotCaption(trace.model.id, trace.texts.join(''), scalesText(trace.adapters, t('trace.base')))
}

/** The tensor on show as a picture. */
export function TensorExport(props: TensorExportProps) {
  const { trace, step, cells, range, palette, rowLabel, colLabel, colWords } = props
  const shade = useShade()
  const make = (frame: PlotFrame): PlotPicture => {
    const fullWindow = { row: 0, col: 0, rows: cells.rows, cols: cells.cols }
    const { width, height, pixels } = rasterise(cells, fullWindow, LIMIT, range, rampRgba(palette, shade))
    const rowOf = (row: number): number => Math.floor((row * cells.rows) / height)
    const colOf = (col: number): number => Math.floor((col * cells.cols) / width)
    return matrixPlot(frame, {
      rows: height,
      cols: width,
      colour: (row, col) => hex(pixels[row * width + col] ?? 0),
      rowLabel: (row) => rowLabel(rowOf(row)),
      colLabel: (col) => (colWords ? colLabel(colOf(col)) : String(colOf(col))),
      colWords,
      cell: { width: 18, height: 18 },
      scale: { colours: rampStops(palette, shade), ends: [formatValue(range[0]), formatValue(range[1])] },
    })
  }
  return <PlotExport title={step} caption={useTraceCaption(trace)} make={make} />
}
