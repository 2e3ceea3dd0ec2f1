import { expect, test } from 'vitest'
import { hex, writeSvg, type Mark, type PlotInk } from '../../src/ui/draw/plotFiles.ts'
import { barPlot, matrixPlot, type MatrixPlot } from '../../src/ui/draw/plots.ts'

const ink: PlotInk = {
  paper: '#ffffff',
  ink: '#000000',
  soft: '#555555',
  hairline: '#cccccc',
  accent: '#cc0000',
  data: '#0000cc',
  levels: Array.from({ length: 10 }, (_, level) => `#00000${level}`),
  ui: "'Source Sans 3', sans-serif",
  mono: 'monospace',
}
const frame = { ink, title: 'A <b> & "c"', caption: 'model · “text\u0000” · base' }

const rects = (marks: readonly Mark[]) => marks.filter((mark) => mark.kind === 'rect')

const table: MatrixPlot = {
  rows: 2,
  cols: 4,
  colour: (row, col) => (row === 0 ? '#111111' : col < 2 ? null : `#22222${col}`),
  rowLabel: (row) => `r${row}`,
  colLabel: (col) => `c${col}`,
  colWords: false,
  cell: { width: 10, height: 10 },
  scale: { colours: ['#aaaaaa', '#bbbbbb'], ends: ['0', '7 nats'] },
}
const isCell = (mark: Mark): boolean => mark.kind === 'rect' && !table.scale.colours.includes(mark.fill)

test('equal neighbours are one rectangle, empty cells none', () => {
  const { marks } = matrixPlot(frame, table)
  expect(rects(marks.filter(isCell)).map(({ width, fill }) => [width, fill])).toEqual([
    [40, '#111111'],
    [10, '#222222'],
    [10, '#222223'],
  ])
})

test('cells with words stay apart and say them', () => {
  const { marks } = matrixPlot(frame, {
    ...table,
    words: (row, col) => `${row}${col}`,
    cell: { width: 60, height: 20 },
  })
  expect(rects(marks.filter(isCell))).toHaveLength(6)
  expect(marks.flatMap((mark) => (mark.kind === 'text' ? mark.text : []))).toEqual(
    expect.arrayContaining(['00', '13', 'r1', 'c3', frame.title]),
  )
})

test('below the cells stands what their colours say, inside the picture', () => {
  const picture = matrixPlot(frame, table)
  const scale = rects(picture.marks).filter((mark) => !isCell(mark))
  expect(scale.map(({ fill }) => fill)).toEqual(table.scale.colours)
  const [low, high] = table.scale.ends.map((end) =>
    picture.marks.find((mark) => mark.kind === 'text' && mark.text === end),
  )
  expect([low, high]).toEqual([expect.anything(), expect.anything()])
  const floor = Math.max(...rects(picture.marks.filter(isCell)).map(({ y, height }) => y + height))
  for (const { y, height } of scale) {
    expect(y).toBeGreaterThan(floor)
    expect(y + height).toBeLessThan(picture.height)
  }
})

test('a caption too long for the picture goes on in a second line, between its parts', () => {
  const long = ['a model', `“${'word '.repeat(14)}”`, 'base', 'position 24', 'seed 0'].join(' · ')
  const lines = matrixPlot({ ...frame, caption: long }, table).marks.flatMap((mark) =>
    mark.kind === 'text' && mark.y < 60 && mark.text !== frame.title ? [mark.text] : [],
  )
  expect(lines).toHaveLength(2)
  expect(lines.join(' · ')).toBe(long)
})

test('a large table stays within the largest picture', () => {
  const { width, height } = matrixPlot(frame, { ...table, rows: 500, cols: 2000 })
  expect(Math.max(width, height)).toBeLessThan(1400)
})

test('bars stand on the axis, none higher than the plot', () => {
  const shares = [0, 0.5, 2]
  const plot = { shares, barWidth: 10, height: 100, labels: null, ends: null, ticks: [] }
  const { marks } = barPlot(frame, { ...plot, colour: () => ink.data })
  const bars = rects(marks)
  expect(bars.map(({ height }) => height)).toEqual([0, 50, 100])
  expect(new Set(bars.map(({ y, height }) => y + height)).size).toBe(1)
})

test('what is written is XML: escaped, without control characters or style sheets', async () => {
  const text = await writeSvg(matrixPlot(frame, table), ink).text()
  expect(text).toContain('<title>A &lt;b&gt; &amp; &quot;c&quot;</title>')
  expect(text).toContain('<desc>model · “text\ufffd” · base</desc>')
  expect(text).not.toMatch(/<style|style=|NaN|undefined/)
  expect(text).toMatch(/viewBox="0 0 [\d.]+ [\d.]+"/)
  const [open, close] = [/<[a-z][^>]*[^/]>/g, /<\/[a-z]+>/g].map((tag) => text.match(tag)?.length)
  expect(open).toBe(close)
  expect(hex(0xff332211)).toBe('#112233')
})
