import type { FlowEdge, LayerFlow } from '../../../analysis/layerFlow.ts'

/** Sizes of the drawing of an open layer, CSS pixels. */
export interface FlowScale {
  /** The flow goes down instead of to the right. */
  down: boolean
  /** From one rank to the next, and from one column to the next. */
  rank: number
  columnSize: number
  node: { width: number; height: number }
  thumb: { width: number; height: number }
}

export interface PlacedNode {
  name: string
  left: number
  top: number
}

export interface DrawnEdge extends FlowEdge {
  path: string
  /** Along the residual stream. */
  stream: boolean
}

export interface DrawnFlow {
  width: number
  height: number
  nodes: readonly PlacedNode[]
  edges: readonly DrawnEdge[]
  /** Where the stream enters a band. */
  ports: readonly { band: number; x: number; y: number }[]
}

const PORT = 26
const BAND_GAP = 10
const THUMB_HEIGHT = 36
/** Name and shape below the picture. */
const CAPTION = 30

/** Room along the flow that all ranks share. */
const ranksOf = ({ bands }: LayerFlow): number => bands.reduce((sum, { ranks }) => sum + ranks - 1, 0)

/** Fits a layer into a width: in one line where nodes stay legible, else band below band; narrow pages flow down. */
export function scaleFor(flow: LayerFlow, width: number): FlowScale & { stacked: boolean } {
  const node = (room: number) => {
    const wide = Math.floor(Math.min(112, room))
    return {
      node: { width: wide, height: THUMB_HEIGHT + CAPTION },
      thumb: { width: wide, height: THUMB_HEIGHT },
    }
  }
  if (width < 640) {
    const columns = Math.max(...flow.bands.map((band) => band.columns))
    const columnSize = Math.min(130, Math.floor(width / columns))
    return {
      down: true,
      stacked: true,
      columnSize,
      rank: THUMB_HEIGHT + CAPTION + 18,
      ...node(columnSize - 10),
    }
  }
  const ports = flow.bands.length * PORT + (flow.bands.length - 1) * BAND_GAP
  const pitch = Math.floor((width - ports) / ranksOf(flow))
  const columnSize = THUMB_HEIGHT + CAPTION + 6
  if (pitch >= 70)
    return { down: false, stacked: false, columnSize, rank: Math.min(pitch, 128), ...node(pitch - 16) }
  const most = Math.max(...flow.bands.map(({ ranks }) => ranks - 1))
  const wide = Math.max(64, Math.min(128, Math.floor((width - PORT) / most)))
  return { down: false, stacked: true, columnSize, rank: wide, ...node(wide - 16) }
}

interface Point {
  x: number
  y: number
}

/** A step's place along and across the flow, of the middle of its picture. */
interface Spot {
  begin: number
  end: number
  across: number
  rank: number
  column: number
}

function pathBetween(from: Spot, to: Spot, isFree: (rank: number, column: number) => boolean, down: boolean) {
  const point = (along: number, across: number): string =>
    down ? `${across},${along}` : `${along},${across}`
  const start = `M${point(from.end, from.across)}`
  if (from.across === to.across) return `${start} L${point(to.begin, to.across)}`
  const curve = (begin: number, end: number): string => {
    const middle = (begin + end) / 2
    return `C${point(middle, from.across)} ${point(middle, to.across)} ${point(end, to.across)}`
  }
  const between = Array.from({ length: Math.max(0, to.rank - from.rank - 1) }, (_, at) => from.rank + 1 + at)
  // A long way is gone in the column where nothing stands, and crossed at its end or at its beginning.
  const bend = 34
  if (between.every((rank) => isFree(rank, from.column)) && between.length > 0)
    return `${start} L${point(to.begin - bend, from.across)} ${curve(to.begin - bend, to.begin)}`
  if (between.length > 0) return `${start} ${curve(from.end, from.end + bend)} L${point(to.begin, to.across)}`
  return `${start} ${curve(from.end, to.begin)}`
}

/** Nodes, edges and ports of an open layer, in pixels. */
export function drawFlow(flow: LayerFlow, scale: FlowScale & { stacked: boolean }): DrawnFlow {
  const { down, rank, columnSize, node, thumb, stacked } = scale
  const nodeLength = down ? node.height : node.width
  const origins: Point[] = []
  let [along, across] = [0, 0]
  let [most, widest] = [0, 0]
  for (const band of flow.bands) {
    origins.push({ x: along, y: across })
    const length = PORT + (band.ranks - 2) * rank + nodeLength
    most = Math.max(most, along + length)
    widest = Math.max(widest, across + band.columns * columnSize)
    if (down || !stacked) along += PORT + (band.ranks - 1) * rank + BAND_GAP
    else across += band.columns * columnSize + BAND_GAP
  }
  const columnMiddle = (at: number): number =>
    down ? at * columnSize + node.width / 2 : at * columnSize + thumb.height / 2
  const spots = new Map<string, Spot & { band: number }>()
  const taken = new Set<string>()
  const nodes = flow.places.map((place): PlacedNode => {
    const origin = origins[place.band] ?? { x: 0, y: 0 }
    const begin = origin.x + PORT + (place.rank - 1) * rank
    const middle = origin.y + columnMiddle(place.column)
    spots.set(place.name, {
      begin,
      end: begin + nodeLength,
      across: middle,
      rank: place.rank,
      column: place.column,
      band: place.band,
    })
    taken.add(`${place.band}:${place.rank}:${place.column}`)
    const corner = origin.y + place.column * columnSize
    return down
      ? { name: place.name, left: corner, top: begin }
      : { name: place.name, left: begin, top: corner }
  })
  const portOf = (band: number): Spot => {
    const origin = origins[band] ?? { x: 0, y: 0 }
    return { begin: origin.x, end: origin.x + 6, across: origin.y + columnMiddle(0), rank: 0, column: 0 }
  }
  const columnOf = (name: string): number => spots.get(name)?.column ?? 0
  const edges = flow.edges.flatMap((edge): DrawnEdge[] => {
    const to = spots.get(edge.to)
    if (to === undefined) return []
    const source = spots.get(edge.from)
    const from = source?.band === to.band ? source : portOf(to.band)
    const isFree = (at: number, of: number): boolean => !taken.has(`${to.band}:${at}:${of}`)
    return [
      {
        ...edge,
        path: pathBetween(from, to, isFree, down),
        stream: columnOf(edge.to) === 0 && from.column === 0,
      },
    ]
  })
  const ports = flow.bands.map((_, band) => {
    const { end, across: at } = portOf(band)
    return down ? { band, x: at, y: end - 3 } : { band, x: end - 3, y: at }
  })
  const length = Math.ceil(most)
  return { nodes, edges, ports, width: down ? widest : length, height: down ? length : widest }
}
