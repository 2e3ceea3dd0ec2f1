import { useTranslate } from '../context.ts'
import type { Mark, PlotPicture } from '../draw/plotFiles.ts'
import { framed, PLOT_MARGIN, PLOT_TOP, type PlotFrame } from '../draw/plots.ts'
import { curvePath, floorOf, powersTo, probabilityToY, rankToX, sampleCurve } from '../draw/rankCurve.ts'
import { formatCount } from '../../maths/format.ts'
import { PlotExport } from './PlotExport.tsx'

interface RankCurveExportProps {
  /** Probabilities, descending. */
  sorted: Float64Array
  /** 1-based rank of the token that was drawn. */
  chosen: number | null
}

const WIDTH = 640
const HEIGHT = 320
const AXIS = 44
const RANKS = [1, 10, 100, 1_000, 10_000, 100_000]

/** The curve as a picture, both axes logarithmic. */
export function RankCurveExport({ sorted, chosen }: RankCurveExportProps) {
  const t = useTranslate()
  const names = { rank: t('plot.rank'), probability: t('plot.probability') }
  return (
    <PlotExport title={t('plot.curve')} make={(frame) => curvePicture(frame, { sorted, chosen }, names)} />
  )
}

function curvePicture(
  frame: PlotFrame,
  { sorted, chosen }: RankCurveExportProps,
  names: { rank: string; probability: string },
): PlotPicture {
  const { ink } = frame
  const count = sorted.length
  const floor = floorOf(sorted)
  const [left, top] = [PLOT_MARGIN + AXIS, PLOT_TOP + 16]
  const text = { kind: 'text', fill: ink.soft, size: 11, font: 'mono' } as const
  const marks: Mark[] = powersTo(floor).flatMap((power): Mark[] => {
    const y = top + probabilityToY(10 ** power, floor) * HEIGHT
    return [
      { kind: 'line', x1: left, x2: left + WIDTH, y1: y, y2: y, stroke: ink.hairline, dash: '1 3' },
      { ...text, x: left - 6, y: y + 4, text: power === 0 ? '1' : `1e${power}`, anchor: 'end' },
    ]
  })
  for (const rank of RANKS.filter((rank) => rank <= count)) {
    const x = left + rankToX(rank, count) * WIDTH
    marks.push(
      { kind: 'line', x1: x, x2: x, y1: top, y2: top + HEIGHT, stroke: ink.hairline, dash: '1 3' },
      { ...text, x, y: top + HEIGHT + 16, text: formatCount(rank), anchor: 'middle' },
    )
  }
  marks.push({ kind: 'path', d: movedCurve(sorted, left, top), stroke: ink.data, width: 1.75 })
  if (chosen !== null) {
    const x = left + rankToX(chosen, count) * WIDTH
    const y = top + probabilityToY(sorted[chosen - 1] ?? 0, floor) * HEIGHT
    marks.push({ kind: 'line', x1: x, x2: x, y1: y, y2: top + HEIGHT, stroke: ink.accent })
  }
  marks.push(
    { ...text, x: left + WIDTH, y: top + HEIGHT + 32, text: names.rank, anchor: 'end' },
    { ...text, x: left - 6, y: top - 8, text: names.probability, anchor: 'start' },
  )
  return framed(frame, { width: left + WIDTH, height: top + HEIGHT + 36 }, marks)
}

/** The path of the curve, moved to where the plot begins. */
function movedCurve(sorted: Float64Array, left: number, top: number): string {
  return curvePath(sampleCurve(sorted), sorted.length, WIDTH, HEIGHT, floorOf(sorted)).replace(
    /([ML])([\d.]+) ([\d.]+)/g,
    (_, letter: string, x: string, y: string) => `${letter}${left + Number(x)} ${top + Number(y)}`,
  )
}
