import type { Mask } from '../../api/model.ts'
import { seenEnd, seenRange } from '../../analysis/steps.ts'
import { rasterise, type TensorPlane, type Size, type ValueRange, type Window2 } from './heatmap.ts'

/** A rectangle in CSS pixels. */
export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** Colours and fonts of the page, as a canvas takes them. */
export interface Ink {
  paper: string
  soft: string
  strong: string
  accent: string
  hairline: string
  font: string
}

/** Columns of each row that are veiled: those that a window leaves out, and with `ahead` all that the row does not see. */
export interface Veil {
  ahead: boolean
  sight: { window: number | null; mask: Mask }
}

/** Everything one picture of a tensor shows. */
export interface Scene {
  plane: Size
  /** Null: the cells are drawn elsewhere, beneath, and the plot stays clear. */
  cells: TensorPlane | null
  view: Window2
  plot: Box
  range: ValueRange
  ramp: Uint32Array
  ink: Ink
  /** Device pixels of a CSS pixel. */
  ratio: number
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  /** True: column labels are words, written upwards. */
  colWords: boolean
  /** Columns between two dividing lines, 0 for none: the dimensions of a head. */
  group: number
  selectedRow: number
  /** Columns that the mask removes; null where there is no mask. */
  veil: Veil | null
}

const LINE = 13

/** Place of a cell in the plot. */
export function cellBox({ plot, view }: Pick<Scene, 'plot' | 'view'>, row: number, col: number): Box {
  const width = plot.width / view.cols
  const height = plot.height / view.rows
  return { x: plot.x + (col - view.col) * width, y: plot.y + (row - view.row) * height, width, height }
}

/** The cell under a point, held inside the plane. */
export function cellAt(
  { plot, view, plane }: Pick<Scene, 'plot' | 'view' | 'plane'>,
  x: number,
  y: number,
): { row: number; col: number } {
  const clamp = (value: number, end: number): number => Math.min(end - 1, Math.max(0, Math.floor(value)))
  return {
    row: clamp(view.row + ((y - plot.y) / plot.height) * view.rows, plane.rows),
    col: clamp(view.col + ((x - plot.x) / plot.width) * view.cols, plane.cols),
  }
}

/** Draws the scene into a canvas of `ratio` device pixels per CSS pixel. */
export function drawTensor(context: CanvasRenderingContext2D, scene: Scene): void {
  const { plot, ink, ratio } = scene
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.fillStyle = ink.paper
  context.fillRect(0, 0, context.canvas.width / ratio, context.canvas.height / ratio)
  context.save()
  context.beginPath()
  context.rect(plot.x, plot.y, plot.width, plot.height)
  context.clip()
  if (scene.cells === null) context.clearRect(plot.x, plot.y, plot.width, plot.height)
  else drawCells(context, scene, scene.cells)
  if (scene.veil !== null) drawVeil(context, scene, scene.veil)
  drawGroups(context, scene)
  context.restore()
  context.font = ink.font
  context.textBaseline = 'middle'
  drawRowLabels(context, scene)
  drawColLabels(context, scene)
}

function drawCells(context: CanvasRenderingContext2D, scene: Scene, plane: TensorPlane): void {
  const { plot, ratio, view, range, ramp } = scene
  const limit = { width: Math.round(plot.width * ratio), height: Math.round(plot.height * ratio) }
  const { width, height, pixels, cells } = rasterise(plane, view, limit, range, ramp)
  const picture = new OffscreenCanvas(width, height)
  const inside = picture.getContext('2d')
  if (inside === null) return
  inside.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer as ArrayBuffer), width, height), 0, 0)
  const at = cellBox(scene, cells.row, cells.col)
  context.imageSmoothingEnabled = false
  context.drawImage(picture, at.x, at.y, at.width * cells.cols, at.height * cells.rows)
}

function drawVeil(context: CanvasRenderingContext2D, scene: Scene, { ahead, sight }: Veil): void {
  const { view, plane, plot, ink } = scene
  const last = Math.min(plane.rows, Math.ceil(view.row + view.rows))
  context.fillStyle = ink.paper
  context.globalAlpha = 0.82
  for (let row = Math.max(0, Math.floor(view.row)); row < last; row++) {
    const [first, end] = seenRange(sight, row, plane.cols)
    const behind = cellBox(scene, row, end)
    const top = Math.round(behind.y)
    const height = Math.round(behind.y + behind.height) - top
    const x = Math.max(plot.x, behind.x)
    const isVeiled = ahead || end < seenEnd(sight.mask, row, plane.cols)
    if (isVeiled && end < plane.cols) context.fillRect(x, top, Math.max(0, plot.x + plot.width - x), height)
    const passed = cellBox(scene, row, first).x
    if (first > 0 && passed > plot.x) context.fillRect(plot.x, top, passed - plot.x, height)
  }
  context.globalAlpha = 1
}

function drawGroups(context: CanvasRenderingContext2D, scene: Scene): void {
  const { group, view, plot, ink } = scene
  if (group === 0 || (plot.width / view.cols) * group < 12) return
  context.strokeStyle = ink.soft
  context.globalAlpha = 0.5
  context.lineWidth = 1
  context.beginPath()
  for (let col = Math.ceil(view.col / group) * group; col < view.col + view.cols; col += group) {
    if (col === 0) continue
    const x = Math.round(cellBox(scene, 0, col).x) + 0.5
    context.moveTo(x, plot.y)
    context.lineTo(x, plot.y + plot.height)
  }
  context.stroke()
  context.globalAlpha = 1
}

/** Shortens a label to the room it has; monospaced, so counting is measuring. */
function fit(text: string, room: number, letter: number): string {
  const most = Math.floor(room / letter)
  const letters = [...text]
  return letters.length <= most ? text : `${letters.slice(0, Math.max(1, most - 1)).join('')}…`
}

function drawRowLabels(context: CanvasRenderingContext2D, scene: Scene): void {
  const { plot, view, plane, ink, selectedRow } = scene
  const letter = context.measureText('0').width
  const height = plot.height / view.rows
  const every = Math.max(1, Math.ceil(LINE / height))
  const last = Math.min(plane.rows, Math.ceil(view.row + view.rows))
  context.textAlign = 'right'
  for (let row = Math.max(0, Math.floor(view.row)); row < last; row++) {
    const selected = row === selectedRow
    const crowded = !selected && Math.abs(row - selectedRow) < every
    if ((row % every !== 0 && !selected) || crowded) continue
    const y = cellBox(scene, row, 0).y + height / 2
    if (y < plot.y || y > plot.y + plot.height) continue
    context.fillStyle = selected ? ink.accent : ink.soft
    context.fillText(fit(scene.rowLabel(row), plot.x - 14, letter), plot.x - 8, y)
    if (selected) context.fillRect(plot.x - 4, y - Math.max(2, height / 2), 3, Math.max(4, height))
  }
}

function drawColLabels(context: CanvasRenderingContext2D, scene: Scene): void {
  const { plot, view, plane, ink, group, colWords } = scene
  const letter = context.measureText('0').width
  const width = plot.width / view.cols
  const room = colWords ? LINE : letter * 5
  const unit = group > 0 ? group : 1
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000]
  const every = colWords
    ? Math.ceil(room / width)
    : unit * (steps.find((count) => count * unit * width >= room) ?? 1)
  const last = Math.min(plane.cols, view.col + view.cols)
  context.fillStyle = ink.soft
  for (let col = Math.ceil(Math.max(0, view.col) / every) * every; col < last; col += every) {
    const x = cellBox(scene, 0, col).x
    if (colWords) {
      context.save()
      context.translate(x + width / 2, plot.y - 6)
      context.rotate(-Math.PI / 2)
      context.textAlign = 'left'
      context.fillText(fit(scene.colLabel(col), plot.y - 10, letter), 0, 0)
      context.restore()
    } else {
      const label = scene.colLabel(col)
      context.fillRect(x, plot.y - 3, 1, 3)
      if (x + label.length * letter > plot.x + plot.width) continue
      context.textAlign = 'left'
      context.fillText(label, x + (group > 0 ? 2 : 0), plot.y - 9)
    }
  }
}
