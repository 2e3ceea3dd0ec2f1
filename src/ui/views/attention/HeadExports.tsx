import type { AttentionMap, HeadSummary } from './readAttention.ts'
import { poolPattern, type AttentionPattern } from '../../../analysis/headScores.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { PlotExport } from '../../components/PlotExport.tsx'
import { useTranslate } from '../../context.ts'
import { hex, type Mark, type PlotPicture } from '../../draw/plotFiles.ts'
import {
  framed,
  matrixPlot,
  PLOT_MARGIN,
  PLOT_TOP,
  SCALE_HEIGHT,
  scaleMarks,
  type ColourScale,
  type PlotFrame,
} from '../../draw/plots.ts'
import { rampRgba, rampStops, type Shade } from '../../draw/ramps.ts'
import { useTexts } from '../../components/reading.ts'
import { useShade } from '../../components/useShade.ts'
import { inkIndex } from '../../draw/ink.ts'

/** Positions to a side of a saved matrix; of a longer text neighbours are pooled, the largest weight winning. */
const MATRIX_SIDE = 256
/** The same of a saved thumbnail. */
const THUMB_SIDE = 24

/** Colours of a pattern's cells; none where the mask leaves nothing. */
function inkOfCells(pattern: AttentionPattern, shade: Shade): (row: number, col: number) => string | null {
  const ramp = rampRgba('sequential', shade)
  const colours = Array.from(ramp, hex)
  return (row, col) =>
    col > row ? null : (colours[inkIndex(pattern.data[row * pattern.size + col] ?? 0)] ?? null)
}

/** Weights 0 to 1; their square root is what the ink shows. */
const weightScale = (shade: Shade, note: string): ColourScale => ({
  colours: rampStops('sequential', shade),
  ends: ['0', '1'],
  note,
})

interface MatrixExportProps {
  pattern: AttentionPattern
  ids: readonly number[]
  /** The head, as the page calls it. */
  title: string
}

/** One head as a picture. */
export function MatrixExport({ pattern, ids, title }: MatrixExportProps) {
  const t = useTranslate()
  const shade = useShade()
  const texts = useTexts(ids.length)
  const make = (frame: PlotFrame): PlotPicture => {
    const pooled = poolPattern(pattern, MATRIX_SIDE)
    const { size } = pooled
    const label = (at: number): string => {
      const position = Math.floor((at * pattern.size) / size)
      return texts[position] ? visibleText(texts[position]) : `#${ids[position] ?? ''}`
    }
    return matrixPlot(frame, {
      rows: size,
      cols: size,
      colour: inkOfCells(pooled, shade),
      rowLabel: label,
      colLabel: label,
      colWords: true,
      cell: { width: 18, height: 18 },
      scale: weightScale(shade, t('plot.rootScale')),
    })
  }
  return <PlotExport title={`${t('plot.attention')}: ${title}`} make={make} />
}

const THUMB = 64
const GAP = 6
const LINE = 22

/** All heads as one picture, a line for each layer. */
export function HeadsExport({ map }: { map: AttentionMap }) {
  const t = useTranslate()
  const shade = useShade()
  const make = (frame: PlotFrame): PlotPicture => {
    const columns = map.heads + 1
    const marks = map.summaries.flatMap((summary, at) =>
      thumbMarks(frame, summary, shade, {
        x: PLOT_MARGIN + (at % columns) * (THUMB + GAP),
        y: PLOT_TOP + Math.floor(at / columns) * (THUMB + LINE),
        name: t('attention.short', { layer: summary.layer }),
        head: summary.head === null ? t('attention.mean') : String(summary.head),
      }),
    )
    const lines = Math.ceil(map.summaries.length / columns)
    const height = PLOT_TOP + lines * (THUMB + LINE) + SCALE_HEIGHT
    const scale = scaleMarks(frame.ink, weightScale(shade, t('plot.rootScale')), {
      x: PLOT_MARGIN,
      y: height - 4,
    })
    return framed(frame, { width: PLOT_MARGIN + columns * (THUMB + GAP), height }, [...marks, ...scale])
  }
  return <PlotExport title={`${t('plot.attention')}: ${t('plot.heads')}`} make={make} />
}

function thumbMarks(
  { ink }: PlotFrame,
  { thumb }: HeadSummary,
  shade: Shade,
  { x, y, name, head }: { x: number; y: number; name: string; head: string },
): Mark[] {
  const pooled = poolPattern(thumb, THUMB_SIDE)
  const colour = inkOfCells(pooled, shade)
  const side = THUMB / pooled.size
  const marks: Mark[] = []
  for (let row = 0; row < pooled.size; row++) {
    for (let col = 0, end = 0; col <= row; col = end) {
      const fill = colour(row, col)
      end = col + 1
      while (end <= row && colour(row, end) === fill) end += 1
      if (fill !== null)
        marks.push({
          kind: 'rect',
          x: x + col * side,
          y: y + row * side,
          width: (end - col) * side,
          height: side,
          fill,
        })
    }
  }
  const label = { kind: 'text', size: 10, font: 'mono', fill: ink.soft } as const
  return [...marks, { ...label, x, y: y + THUMB + 12, text: `${name} · ${head}`, anchor: 'start' }]
}
