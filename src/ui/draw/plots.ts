import type { Mark, PlotInk, PlotPicture } from './plotFiles.ts'

/** What every picture is given: colours, and the words over it. */
export interface PlotFrame {
  ink: PlotInk
  title: string
  caption: string
}

export const PLOT_MARGIN = 16
/** Where a plot begins, below the title and a caption of two lines. */
export const PLOT_TOP = 66
const LABEL = 11
/** Width of a letter of labels, in their size. */
const LETTER = 0.62

/** Room for title and caption. */
const NARROWEST = 520

/** Title and caption above marks that begin at {@link PLOT_TOP}, in a picture just large enough. */
export function framed(
  { ink, title, caption }: PlotFrame,
  size: { width: number; height: number },
  marks: readonly Mark[],
): PlotPicture {
  const width = Math.max(NARROWEST, size.width + PLOT_MARGIN)
  const most = Math.floor((width - 2 * PLOT_MARGIN) / (LABEL * 0.52))
  const words = { kind: 'text', x: PLOT_MARGIN, font: 'ui', anchor: 'start' } as const
  const head: Mark[] = [
    { ...words, y: 24, text: cut(title, Math.floor(most * 0.8)), fill: ink.ink, size: 14, bold: true },
    ...captionLines(caption, most).map((text, line): Mark => ({
      ...words,
      y: 40 + line * 14,
      text,
      fill: ink.soft,
      size: LABEL,
    })),
  ]
  return { width, height: size.height + PLOT_MARGIN, title, caption, marks: [...head, ...marks] }
}

const BETWEEN = ' · '

/** A caption in at most two lines, broken between its parts. */
function captionLines(caption: string, most: number): string[] {
  const lines: string[] = []
  for (const part of caption.split(BETWEEN)) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)}${BETWEEN}${part}`
    if (lines.length > 0 && ([...longer].length <= most || lines.length === 2))
      lines[lines.length - 1] = longer
    else lines.push(part)
  }
  return lines.map((line) => cut(line, most))
}

function cut(text: string, most: number): string {
  const letters = [...text]
  return letters.length <= most ? text : `${letters.slice(0, Math.max(1, most - 1)).join('')}…`
}

/** What the colours of cells say. */
export interface ColourScale {
  /** From the smallest value to the largest. */
  colours: readonly string[]
  ends: readonly [low: string, high: string]
  /** What the values are, where they are not spread evenly over the colours. */
  note?: string
}

/** Height that a scale takes. */
export const SCALE_HEIGHT = 28
const SCALE = { width: 120, height: 10 }

/** A scale at a place: the colours between the ends. */
export function scaleMarks(
  ink: PlotInk,
  { colours, ends, note }: ColourScale,
  { x, y }: { x: number; y: number },
): Mark[] {
  const text = { kind: 'text', fill: ink.soft, size: LABEL, font: 'mono', anchor: 'start' } as const
  const [low, high] = ends
  const left = x + [...low].length * LABEL * LETTER + 6
  const side = SCALE.width / colours.length
  const right = left + SCALE.width + 6
  const ramp = colours.map((fill, at): Mark => ({
    kind: 'rect',
    x: left + at * side,
    y: y - SCALE.height + 1,
    width: side,
    height: SCALE.height,
    fill,
  }))
  const after = right + [...high].length * LABEL * LETTER + 10
  return [
    { ...text, x, y, text: low },
    ...ramp,
    { ...text, x: right, y, text: high },
    ...(note === undefined ? [] : [{ ...text, font: 'ui' as const, x: after, y, text: note }]),
  ]
}

/** A table of coloured cells. */
export interface MatrixPlot {
  rows: number
  cols: number
  /** Null leaves the paper. */
  colour: (row: number, col: number) => string | null
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  /** Column labels are words, written upwards. */
  colWords: boolean
  /** Words in the cells, which are made wide enough. */
  words?: (row: number, col: number) => string
  /** Largest side of a cell. */
  cell: { width: number; height: number }
  scale: ColourScale
}

/** Largest plot, in CSS pixels. */
const MAX_SIZE = { width: 1200, height: 1200 }
const LONGEST = 18

const widest = (count: number, label: (at: number) => string): number =>
  Math.min(
    LONGEST,
    Math.max(1, ...Array.from({ length: Math.min(count, 512) }, (_, at) => [...label(at)].length)),
  )

/** Cells as rectangles, equal neighbours of a row joined into one; labels where there is room. */
export function matrixPlot(frame: PlotFrame, plot: MatrixPlot): PlotPicture {
  const { rows, cols, words } = plot
  const left = PLOT_MARGIN + widest(rows, plot.rowLabel) * LABEL * LETTER + 8
  const above = plot.colWords ? widest(cols, plot.colLabel) * LABEL * LETTER + 8 : 18
  const top = PLOT_TOP + above
  const fit = (most: number, count: number, side: number): number =>
    words === undefined ? Math.min(side, most / count) : side
  const width = fit(MAX_SIZE.width, cols, plot.cell.width)
  const height = fit(MAX_SIZE.height, rows, plot.cell.height)
  const place = { left, top, width, height }
  const marks = [...cellMarks(plot, place), ...labelMarks(frame.ink, plot, place)]
  const bottom = top + height * rows + SCALE_HEIGHT
  return framed(frame, { width: left + width * cols, height: bottom }, [
    ...marks,
    ...(words === undefined ? [] : wordMarks(frame.ink, plot, words, place)),
    ...scaleMarks(frame.ink, plot.scale, { x: left, y: bottom - 4 }),
  ])
}

interface PlotArea {
  left: number
  top: number
  width: number
  height: number
}

function cellMarks({ rows, cols, colour, words }: MatrixPlot, place: PlotArea): Mark[] {
  const marks: Mark[] = []
  const { left, top, width, height } = place
  // Cells with words keep a hairline of paper between them.
  const gap = words === undefined ? 0 : 1
  const joined = words === undefined ? cols : 0
  for (let row = 0; row < rows; row++) {
    for (let col = 0, end = 0; col < cols; col = end) {
      const fill = colour(row, col)
      end = col + 1
      while (end < joined && colour(row, end) === fill) end += 1
      if (fill === null) continue
      const box = { x: left + col * width, y: top + row * height, width: (end - col) * width - gap }
      marks.push({ kind: 'rect', ...box, height: height - gap, fill })
    }
  }
  return marks
}

function labelMarks(ink: PlotInk, plot: MatrixPlot, place: PlotArea): Mark[] {
  const { rows, cols, rowLabel, colLabel, colWords } = plot
  const { left, top, width, height } = place
  const every = (side: number, room: number): number => Math.max(1, Math.ceil(room / side))
  const common = { kind: 'text', fill: ink.soft, size: LABEL, font: 'mono' } as const
  const marks: Mark[] = []
  for (let row = 0; row < rows; row += every(height, LABEL + 2)) {
    const y = top + (row + 0.5) * height + LABEL * 0.35
    marks.push({ ...common, x: left - 6, y, text: cut(rowLabel(row), LONGEST), anchor: 'end' })
  }
  const room = colWords ? LABEL + 2 : widest(cols, colLabel) * LABEL * LETTER + 6
  for (let col = 0; col < cols; col += every(width, room)) {
    const text = cut(colLabel(col), LONGEST)
    const x = left + (col + 0.5) * width
    if (colWords)
      marks.push({ ...common, x: x + LABEL * 0.35, y: top - 6, text, anchor: 'start', turned: true })
    else marks.push({ ...common, x, y: top - 6, text, anchor: 'middle' })
  }
  return marks
}

function wordMarks(
  ink: PlotInk,
  { rows, cols, cell }: MatrixPlot,
  words: NonNullable<MatrixPlot['words']>,
  { left, top, width, height }: PlotArea,
): Mark[] {
  const most = Math.floor((cell.width - 6) / (LABEL * LETTER))
  return Array.from({ length: rows * cols }, (_, at): Mark => {
    const [row, col] = [Math.floor(at / cols), at % cols]
    const [x, y] = [left + col * width + 4, top + (row + 0.5) * height + LABEL * 0.35]
    const text = cut(words(row, col), most)
    return { kind: 'text', x, y, text, fill: ink.ink, size: LABEL, font: 'mono', anchor: 'start' }
  })
}

/** Bars over numbered or named places. */
export interface BarPlot {
  /** Heights as shares of the plot, 0…1. */
  shares: readonly number[]
  barWidth: number
  height: number
  colour: (at: number) => string
  /** Below the bars, each under its own; none for unnamed ones. */
  labels: readonly string[] | null
  /** At the left and right end below the axis. */
  ends: readonly [string, string] | null
  /** Labels of heights: share and text. */
  ticks: readonly (readonly [number, string])[]
}

export function barPlot(frame: PlotFrame, plot: BarPlot): PlotPicture {
  const { shares, barWidth, height, colour, labels, ends, ticks } = plot
  const { ink } = frame
  const left = PLOT_MARGIN + Math.max(0, ...ticks.map(([, text]) => text.length)) * LABEL * LETTER + 8
  const [floor, width] = [PLOT_TOP + height, barWidth * shares.length]
  const gap = barWidth > 4 ? 1 : 0
  const text = { kind: 'text', fill: ink.soft, size: LABEL, font: 'mono' } as const
  const marks: Mark[] = ticks.flatMap(([share, label]): Mark[] => {
    const y = floor - share * height
    return [
      { kind: 'line', x1: left, x2: left + width, y1: y, y2: y, stroke: ink.hairline, dash: '1 3' },
      { ...text, x: left - 6, y: y + 4, text: label, anchor: 'end' },
    ]
  })
  shares.forEach((share, at) => {
    const tall = Math.min(1, Math.max(0, share)) * height
    marks.push({
      kind: 'rect',
      x: left + at * barWidth,
      y: floor - tall,
      width: barWidth - gap,
      height: tall,
      fill: colour(at),
    })
  })
  marks.push({ kind: 'line', x1: left, x2: left + width, y1: floor, y2: floor, stroke: ink.soft })
  labels?.forEach((label, at) => {
    const x = left + (at + 0.5) * barWidth + LABEL * 0.35
    marks.push({ ...text, x, y: floor + 6, text: cut(label, LONGEST), anchor: 'end', turned: true })
  })
  if (ends !== null)
    marks.push(
      { ...text, x: left, y: floor + 15, text: ends[0], anchor: 'start' },
      { ...text, x: left + width, y: floor + 15, text: ends[1], anchor: 'end' },
    )
  const below = labels === null ? 20 : widest(labels.length, (at) => labels[at] ?? '') * LABEL * LETTER + 8
  return framed(frame, { width: left + width, height: floor + below }, marks)
}
