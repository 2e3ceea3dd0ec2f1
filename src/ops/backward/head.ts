import { invariant } from '../../errors.ts'
import { elementsOf, widthOf, type Axis, type Step } from '../../program/step.ts'
import type { VocabularyTile } from '../../program/trainAttrs.ts'
import type { OpStep } from '../op.ts'
import { ranksOf, throughA, throughB } from './linear.ts'
import type { Tape } from './tape.ts'

/** Elements of the logits of one tile, about. */
const TILE_ELEMENTS = 1 << 21
/** Fewest ids of a tile: below, its kernels wait for each other. */
const LEAST_TILE = 1024

/** Cuts the vocabulary for so many rows. */
export function vocabularyTiles(vocab: number, rows: number): VocabularyTile[] {
  const most = Math.max(LEAST_TILE, Math.floor(TILE_ELEMENTS / Math.max(1, rows) / 32) * 32)
  const count = Math.ceil(vocab / most)
  const size = Math.ceil(vocab / count / 32) * 32
  return Array.from({ length: Math.ceil(vocab / size) }, (_, i) => ({
    begin: i * size,
    end: Math.min(vocab, (i + 1) * size),
  }))
}

/** Name of some rows of a matrix. */
export const tileMatrix = (matrix: string, { begin, end }: VocabularyTile): string =>
  `${matrix}#${begin}:${end}`

/** What {@link tileMatrix} names; null for a whole matrix. */
export function parseTileMatrix(name: string): ({ readonly matrix: string } & VocabularyTile) | null {
  const match = /^(.*)#(\d+):(\d+)$/.exec(name)
  return match ? { matrix: match[1] ?? '', begin: Number(match[2]), end: Number(match[3]) } : null
}

/** Name of a step of one tile; a vocabulary in one piece needs no number. */
const tiled = (name: string, i: number, tiles: readonly VocabularyTile[]): string =>
  tiles.length === 1 ? name : `${name}.tile${i}`

function tileStep(lmHead: OpStep<'linear'>, tile: VocabularyTile, name: string): OpStep<'linear'> {
  const [rows] = lmHead.axes
  invariant(rows, 'the head has rows')
  const size = tile.end - tile.begin
  return {
    ...lmHead,
    name,
    attrs: { ...lmHead.attrs, matrix: tileMatrix(lmHead.attrs.matrix, tile) },
    axes: [rows, { kind: 'vocabulary', size }],
    rows: 'packed',
    flops: (lmHead.flops / widthOf(lmHead)) * size,
  }
}

/** The head with the loss of its counted rows: logits come in tiles and go again. The last step gives the losses. */
export function lossSteps(lmHead: OpStep<'linear'>, tiles: readonly VocabularyTile[]): Step[] {
  const [rows] = lmHead.axes
  invariant(rows, 'the head has rows')
  const plain = { layer: null, params: [], stream: null, saves: [], rows: 'packed', covers: [] } as const
  const steps: Step[] = []
  let state: string | null = null
  for (const [i, tile] of tiles.entries()) {
    const logits = tileStep(lmHead, tile, tiled(lmHead.name, i, tiles))
    const fold: Step = {
      ...plain,
      name: tiled('loss.state', i, tiles),
      op: 'loss_fold',
      inputs: state === null ? [logits.name] : [logits.name, state],
      attrs: tile,
      axes: [rows, { kind: 'features', size: 4 }],
      flops: 3 * elementsOf(logits),
    }
    steps.push(logits, fold)
    state = fold.name
  }
  invariant(state !== null, 'a vocabulary has tiles')
  const loss: Step = {
    ...plain,
    name: 'loss',
    op: 'loss',
    inputs: [state],
    attrs: {},
    axes: [rows],
    flops: 3 * rows.size,
  }
  return [...steps, loss]
}

/** Writes the backward pass of the loss and the head. Tiles but one are computed again. `weights`: of each counted row; null: all the same. */
export function lmHeadRule(
  {
    lmHead,
    tiles,
    weights,
  }: { lmHead: OpStep<'linear'>; tiles: readonly VocabularyTile[]; weights: string | null },
  tape: Tape,
): void {
  const [rows] = lmHead.axes
  const [x = ''] = lmHead.inputs
  invariant(rows, 'the head has rows')
  const part = tape.lora(lmHead)
  const wanted = tape.wants(x)
  const { scale, softcap } = lmHead.attrs
  const state = tiled('loss.state', tiles.length - 1, tiles)
  let du: string | null = null
  let dx: string | null = null
  for (const [i, tile] of tiles.entries()) {
    const name = tiled(lmHead.name, i, tiles)
    const again = tileStep(lmHead, tile, `${name}.again`)
    const logits = tiles.length === 1 ? name : tape.emit(lmHead, 'linear', again)
    const dy = tape.emit(lmHead, 'logits_dy', {
      name: `${name}.dy`,
      inputs: weights === null ? [logits, state] : [logits, state, weights],
      attrs: { ...tile, scale, softcap },
      axes: again.axes,
      rows: 'packed',
      flops: 4 * elementsOf(again),
    })
    if (part) du = throughB(lmHead, part, { dy, name, ...tile, rows, prior: du }, tape)
    if (wanted) dx = tileDx(lmHead, { dy, du, dx, name, tile, rows, isLast: i === tiles.length - 1 }, tape)
  }
  if (part && du !== null) throughA(lmHead, part, du, rows, tape)
  if (dx === null) return
  const { axes } = tape.step(x)
  const unpacked = tape.emit(lmHead, 'unpack_rows', {
    name: `${lmHead.name}.dx`,
    inputs: [dx],
    attrs: {},
    axes,
    flops: 0,
  })
  tape.flow(x, unpacked)
}

interface TileGradient {
  readonly dy: string
  /** That of A·x over this tile and those before. */
  readonly du: string | null
  /** Gradient of the head's input over the tiles before. */
  readonly dx: string | null
  readonly name: string
  readonly tile: VocabularyTile
  readonly rows: Axis
  readonly isLast: boolean
}

function tileDx(
  lmHead: OpStep<'linear'>,
  { dy, du, dx, name, tile, rows, isLast }: TileGradient,
  tape: Tape,
): string {
  const width = widthOf(tape.step(lmHead.inputs[0] ?? ''))
  const part = isLast && du !== null ? tape.lora(lmHead) : null
  const low = part && du !== null ? [du] : []
  return tape.emit(lmHead, 'linear_dx', {
    name: `${name}.dx.packed`,
    inputs: dx === null ? [dy, ...low] : [dy, ...low, dx],
    attrs: {
      matrix: tileMatrix(lmHead.attrs.matrix, tile),
      onto: dx !== null,
      ...(part ? { lora: ranksOf(part) } : {}),
    },
    axes: [rows, { kind: 'features', size: width }],
    params: lmHead.params,
    rows: 'packed',
    flops: 2 * rows.size * (tile.end - tile.begin) * width,
  })
}
