import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import {
  clampWindow,
  zoomWindow,
  type TensorPlane,
  type Size,
  type ValueRange,
  type Window2,
} from '../draw/heatmap.ts'
import { rampRgba, type Palette, type Shade } from '../draw/ramps.ts'
import {
  cellAt,
  cellBox,
  drawTensor,
  type Box,
  type Ink,
  type Scene,
  type Veil,
} from '../draw/tensorCanvas.ts'
import { GpuCells, type GpuTensor } from './GpuCells.tsx'
import { usePixelRatio, useSize } from './measure.ts'
import { OVERVIEW_HEIGHT, TensorOverview } from './TensorOverview.tsx'

export interface TensorViewProps {
  /** Name of the step drawn; in `data-step`. */
  step: string
  label: string
  plane: Size
  /** What is on show before any zoom; default everything. */
  start?: Window2 | null | undefined
  /** The values, or where they are drawn from. */
  cells: TensorPlane | GpuTensor
  palette: Palette
  range: ValueRange
  shade: Shade
  rowLabel: (row: number) => string
  colLabel: (col: number) => string
  colWords: boolean
  group: number
  veil: Veil | null
  /** Cells as wide as they are high. */
  square: boolean
  selectedRow: number
  cell: { row: number; col: number }
  /** Row-major index of the cell in the whole tensor, and its value. */
  cellIndex: number
  /** Null while its row is being read. */
  cellValue: number | null
  /** True while a newer step is being read. */
  busy: boolean
  onCell: (cell: { row: number; col: number }) => void
  /** Click on a cell. */
  onPick: (cell: { row: number; col: number }) => void
}

/** Tallest cell, in CSS pixels: three tokens are not stretched over a screen. */
const TALLEST = 34
/** Width of a cell of an attention pattern, in heights. */
const WIDEST = 2

/** Room for labels, then the largest plot that the rest allows. */
function plotBox(
  size: { width: number; height: number },
  plane: Size,
  square: boolean,
  colWords: boolean,
  below: number,
): Box {
  const x = Math.min(92, Math.max(56, size.width * 0.16))
  const y = colWords ? 64 : 20
  const width = Math.max(10, size.width - x - 1)
  const height = Math.max(10, Math.min(size.height - y - 1 - below, plane.rows * TALLEST))
  if (!square) return { x, y, width, height }
  // Of a small square the cells stay square; a large one may be wider than high, to be read at all.
  const side = Math.min(width / plane.cols, height / plane.rows, TALLEST)
  const wide = Math.min(width / plane.cols, side * WIDEST, TALLEST)
  return { x, y, width: wide * plane.cols, height: side * plane.rows }
}

function readInk(element: Element): Ink {
  const style = getComputedStyle(element)
  const read = (name: string): string => style.getPropertyValue(name)
  return {
    paper: read('--paper'),
    soft: read('--ink-soft'),
    strong: read('--ink'),
    accent: read('--accent'),
    hairline: read('--hairline'),
    font: `11px ${read('--font-mono')}`,
  }
}

/** A rank-2 tensor as a heatmap: hover or arrow keys read cells, the wheel zooms, dragging pans. */
export function TensorView(props: TensorViewProps) {
  const { step, label, plane, palette, range, shade, cell, cells, busy, square } = props
  const { rowLabel, colLabel, colWords, group, selectedRow, veil } = props
  const [frame, setFrame] = useState<HTMLDivElement | null>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(frame)
  const ratio = usePixelRatio()
  const { view, setView, fitted } = useWindow(plane, props.start ?? null)
  const { width, height } = size
  const isWide = view.cols < plane.cols
  const plot = useMemo(
    () => plotBox({ width, height }, plane, square, colWords, isWide ? OVERVIEW_HEIGHT : 0),
    [width, height, plane, square, colWords, isWide],
  )
  const geometry = { plot, view, plane }
  // The cursor moves without a redraw: everything else that shows is named here.
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!element || !context || width === 0) return
    element.width = Math.round(width * ratio)
    element.height = Math.round(height * ratio)
    const values = 'data' in cells ? cells : null
    const data = {
      plane,
      cells: values,
      view,
      plot,
      range,
      ramp: rampRgba(palette, shade),
      ratio,
      ink: readInk(element),
    }
    drawTensor(context, { ...data, rowLabel, colLabel, colWords, group, selectedRow, veil })
  }, [
    plane,
    cells,
    view,
    plot,
    range,
    palette,
    shade,
    ratio,
    width,
    height,
    rowLabel,
    colLabel,
    colWords,
    group,
    selectedRow,
    veil,
  ])
  const pointer = usePointer(props, geometry, setView)
  useWheel(frame, geometry, setView)
  return (
    <div
      ref={setFrame}
      className={fitted ? 'tensor' : 'tensor tensor-zoomed'}
      data-testid="tensor-view"
      data-step={step}
      data-rows={plane.rows}
      data-cols={plane.cols}
      data-arrows=""
      role="group"
      aria-label={label}
      aria-busy={busy}
      tabIndex={0}
      onKeyDown={(event) => onKey(event, props, geometry, setView)}
      {...pointer}
    >
      {'source' in cells && <GpuCells tensor={cells} {...{ plot, view, palette, shade, ratio }} />}
      <canvas ref={canvas} className="tensor-canvas" aria-hidden="true" />
      {isWide && (
        <TensorOverview
          {...{ plot, view, range }}
          cols={plane.cols}
          cells={'data' in cells ? cells : null}
          onView={setView}
        />
      )}
      <CellMark box={cellBox(geometry, cell.row, cell.col)} plot={plot} props={props} />
    </div>
  )
}

/** The window on a tensor: everything, before any zoom; kept while the size stays. */
function useWindow(plane: Size, start: Window2 | null) {
  const fullWindow = useMemo(
    () => start ?? { row: 0, col: 0, rows: plane.rows, cols: plane.cols },
    [start, plane.rows, plane.cols],
  )
  const [chosen, setChosen] = useState<{ of: Window2; view: Window2 } | null>(null)
  const fitted = chosen === null || chosen.of !== fullWindow
  const view = fitted ? fullWindow : chosen.view
  const setView = (next: Window2 | null): void =>
    setChosen(next === null ? null : { of: fullWindow, view: clampWindow(next, plane) })
  return { view, setView, fitted }
}

type Geometry = Pick<Scene, 'plot' | 'view' | 'plane'>
type SetView = (view: Window2 | null) => void

function usePointer({ onCell, onPick }: TensorViewProps, geometry: Geometry, setView: SetView) {
  const touches = useRef(new Map<number, { x: number; y: number }>())
  const moved = useRef(false)
  const at = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  const drag = (id: number, to: { x: number; y: number }) => {
    const from = touches.current.get(id)
    if (from === undefined) return
    const { view, plot } = geometry
    const others = [...touches.current].filter(([other]) => other !== id)
    const other = others[0]?.[1]
    touches.current.set(id, to)
    if (Math.hypot(to.x - from.x, to.y - from.y) > 2) moved.current = true
    if (other !== undefined) {
      const startDistance = Math.hypot(from.x - other.x, from.y - other.y)
      const factor = startDistance / Math.max(8, Math.hypot(to.x - other.x, to.y - other.y))
      setView(zoomWindow(view, factor, shareOf(geometry, other), geometry.plane))
      return
    }
    const col = view.col - ((to.x - from.x) / plot.width) * view.cols
    const row = view.row - ((to.y - from.y) / plot.height) * view.rows
    setView({ ...view, row, col })
  }
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      moved.current = false
      touches.current.set(event.pointerId, at(event))
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const point = at(event)
      if (touches.current.has(event.pointerId)) drag(event.pointerId, point)
      else if (insideBox(geometry.plot, point)) onCell(cellAt(geometry, point.x, point.y))
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => {
      touches.current.delete(event.pointerId)
      const point = at(event)
      if (!moved.current && insideBox(geometry.plot, point)) onPick(cellAt(geometry, point.x, point.y))
    },
    onPointerCancel: (event: PointerEvent<HTMLElement>) => {
      touches.current.delete(event.pointerId)
    },
  }
}

const insideBox = ({ x, y, width, height }: Box, point: { x: number; y: number }): boolean =>
  point.x >= x && point.x < x + width && point.y >= y && point.y < y + height

const shareOf = ({ plot }: Geometry, point: { x: number; y: number }) => ({
  x: Math.min(1, Math.max(0, (point.x - plot.x) / plot.width)),
  y: Math.min(1, Math.max(0, (point.y - plot.y) / plot.height)),
})

/** The wheel zooms here; the browser would scroll, so the listener must not be passive. */
function useWheel(frame: HTMLElement | null, geometry: Geometry, setView: SetView): void {
  const latest = useRef({ geometry, setView })
  useEffect(() => {
    latest.current = { geometry, setView }
  })
  useEffect(() => {
    if (frame === null) return
    const onWheel = (event: WheelEvent) => {
      const box = frame.getBoundingClientRect()
      const point = { x: event.clientX - box.left, y: event.clientY - box.top }
      const { geometry, setView } = latest.current
      if (!insideBox(geometry.plot, point)) return
      event.preventDefault()
      const factor = Math.exp(Math.min(1, Math.max(-1, event.deltaY / 240)))
      setView(zoomWindow(geometry.view, factor, shareOf(geometry, point), geometry.plane))
    }
    frame.addEventListener('wheel', onWheel, { passive: false })
    return () => frame.removeEventListener('wheel', onWheel)
  }, [frame])
}

/** Where a key moves the cell to; null when it is none of these. */
function movedCell(
  key: string,
  far: boolean,
  { row, col }: { row: number; col: number },
  plane: Size,
): { row: number; col: number } | null {
  const step = far ? 10 : 1
  switch (key) {
    case 'ArrowLeft':
      return { row, col: col - step }
    case 'ArrowRight':
      return { row, col: col + step }
    case 'ArrowUp':
      return { row: row - step, col }
    case 'ArrowDown':
      return { row: row + step, col }
    case 'Home':
      return { row, col: 0 }
    case 'End':
      return { row, col: plane.cols - 1 }
    case 'PageUp':
      return { row: 0, col }
    case 'PageDown':
      return { row: plane.rows - 1, col }
    default:
      return null
  }
}

/** The window moved just so far that a cell is on show. */
function reveal(view: Window2, { row, col }: { row: number; col: number }): Window2 {
  const shift = (at: number, from: number, length: number): number =>
    at < from ? at : at + 1 > from + length ? at + 1 - length : from
  return { ...view, row: shift(row, view.row, view.rows), col: shift(col, view.col, view.cols) }
}

function onKey(
  event: KeyboardEvent<HTMLElement>,
  { cell, plane, onCell, onPick }: TensorViewProps,
  geometry: Geometry,
  setView: SetView,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const { view } = geometry
  const target = movedCell(event.key, event.shiftKey, cell, plane)
  const centre = shareOf(geometry, {
    x: cellBox(geometry, cell.row, cell.col).x,
    y: cellBox(geometry, cell.row, cell.col).y,
  })
  if (target !== null) {
    const row = Math.min(plane.rows - 1, Math.max(0, target.row))
    const col = Math.min(plane.cols - 1, Math.max(0, target.col))
    onCell({ row, col })
    if (view.rows < plane.rows || view.cols < plane.cols) setView(reveal(view, { row, col }))
  } else if (event.key === '+' || event.key === '=') setView(zoomWindow(view, 0.7, centre, plane))
  else if (event.key === '-') setView(zoomWindow(view, 1 / 0.7, centre, plane))
  else if (event.key === '0') setView(null)
  else if (event.key === 'Enter') onPick(cell)
  else return
  event.preventDefault()
  event.stopPropagation()
}

/** The cursor: a ring around its cell, never smaller than the eye can find. */
function CellMark({ box, plot, props }: { box: Box; plot: Box; props: TensorViewProps }) {
  const width = Math.max(7, box.width)
  const height = Math.max(7, box.height)
  const x = box.x + box.width / 2
  const y = box.y + box.height / 2
  const visible = insideBox({ ...plot, width: plot.width + 1, height: plot.height + 1 }, { x, y })
  return (
    <div
      className="tensor-cell"
      data-testid="tensor-cell"
      data-index={props.cellIndex}
      data-value={props.cellValue === null ? undefined : String(props.cellValue)}
      data-row={props.cell.row}
      data-col={props.cell.col}
      hidden={!visible}
      style={{ left: x - width / 2, top: y - height / 2, width, height }}
    />
  )
}
