import type { Mark, PlotPicture } from './plotFiles.ts'
import { framed, PLOT_MARGIN, PLOT_TOP, type PlotFrame } from './plots.ts'

/** A line or points over steps; values that are no numbers leave gaps. */
export interface Series {
  points: readonly (readonly [x: number, y: number])[]
  /** Drawn as a line, or only as points. */
  kind: 'line' | 'points'
}

/** Ends of both axes. */
export interface PlotRange {
  x: readonly [number, number]
  y: readonly [number, number]
}

/** A range that holds all finite values, from zero where `fromZero`; never empty. */
export function rangeOf(
  series: readonly Series[],
  x: readonly [number, number],
  fromZero: boolean,
): PlotRange {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y).filter(Number.isFinite))
  const low = fromZero ? 0 : Math.min(...values, Infinity)
  const high = Math.max(...values, -Infinity)
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { x, y: [0, 1] }
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1
  return { x, y: [fromZero ? 0 : low - room, high + room] }
}

/** Round numbers between two, about `count` of them. */
export function ticksBetween([low, high]: readonly [number, number], count: number): number[] {
  const rough = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough
  const ticks: number[] = []
  // Counted, so that no sum of rounding errors leaves one out.
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++)
    ticks.push(Number((at * step).toPrecision(12)))
  return ticks
}

/** A number on an axis: few digits. */
export function tickText(value: number): string {
  const size = Math.abs(value)
  if (value !== 0 && (size < 1e-3 || size >= 1e5))
    return value.toExponential(0).replace('e-', 'e−').replace('e+', 'e')
  return String(Number(value.toPrecision(3))).replace('-', '−')
}

/** Where a value stands, as a share of the way along its axis. */
export const shareOf = (value: number, [low, high]: readonly [number, number]): number =>
  high > low ? (value - low) / (high - low) : 0.5

/** An SVG path through the points in a box; gaps where a value is no number. */
export function linePath({ points }: Series, range: PlotRange, width: number, height: number): string {
  let drawing = false
  let path = ''
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) {
      drawing = false
      continue
    }
    const [px, py] = [shareOf(x, range.x) * width, (1 - shareOf(y, range.y)) * height]
    path += `${drawing ? 'L' : 'M'}${px.toFixed(2)} ${py.toFixed(2)}`
    drawing = true
  }
  return path
}

export interface LinePlot {
  range: PlotRange
  series: readonly (Series & { colour: string; width: number })[]
  /** Steps marked by an upright line. */
  marked: readonly number[]
}

const SIZE = { width: 640, height: 240 }
const LABEL = 11

/** The same curve as a picture to keep. */
export function linePlotPicture(frame: PlotFrame, { range, series, marked }: LinePlot): PlotPicture {
  const { ink } = frame
  const [left, top] = [PLOT_MARGIN + 44, PLOT_TOP]
  const { width, height } = SIZE
  const text = { kind: 'text', fill: ink.soft, size: LABEL, font: 'mono' } as const
  const marks: Mark[] = []
  for (const tick of ticksBetween(range.y, 4)) {
    const y = top + (1 - shareOf(tick, range.y)) * height
    marks.push({ kind: 'line', x1: left, x2: left + width, y1: y, y2: y, stroke: ink.hairline, dash: '1 3' })
    marks.push({ ...text, x: left - 6, y: y + 4, text: tickText(tick), anchor: 'end' })
  }
  for (const tick of ticksBetween(range.x, 6)) {
    const x = left + shareOf(tick, range.x) * width
    marks.push({ ...text, x, y: top + height + 15, text: tickText(tick), anchor: 'middle' })
  }
  for (const step of marked) {
    const x = left + shareOf(step, range.x) * width
    marks.push({ kind: 'line', x1: x, x2: x, y1: top, y2: top + height, stroke: ink.accent, dash: '2 2' })
  }
  for (const { colour, width: thick, ...one } of series) {
    const places = one.points.filter(([, y]) => Number.isFinite(y))
    const at = ([x, y]: readonly [number, number]): [number, number] => [
      left + shareOf(x, range.x) * width,
      top + (1 - shareOf(y, range.y)) * height,
    ]
    if (one.kind === 'points')
      for (const place of places) {
        const [x, y] = at(place)
        marks.push({ kind: 'rect', x: x - 1.5, y: y - 1.5, width: 3, height: 3, fill: colour })
      }
    else if (places.length > 0) {
      const d = places
        .map(
          (place, i) =>
            `${i === 0 ? 'M' : 'L'}${at(place)
              .map((v) => v.toFixed(2))
              .join(' ')}`,
        )
        .join('')
      marks.push({ kind: 'path', d, stroke: colour, width: thick })
    }
  }
  const floor = top + height
  marks.push({ kind: 'line', x1: left, x2: left + width, y1: floor, y2: floor, stroke: ink.soft })
  return framed(frame, { width: left + width, height: floor + 20 }, marks)
}
