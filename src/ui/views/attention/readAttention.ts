import { invariant, throwIfAborted } from '../../../errors.ts'
import type { Mask, Model, TensorData } from '../../../api/model.ts'
import { readAnatomy } from '../../../analysis/anatomy.ts'
import { breather, nextTask } from '../../../analysis/breather.ts'
import {
  averageHeads,
  findCopies,
  poolPattern,
  scorePattern,
  type HeadScores,
  type AttentionPattern,
} from '../../../analysis/headScores.ts'

/** One head over the whole text; `head` null: the mean over the heads of its layer. */
export interface HeadSummary {
  layer: number
  head: number | null
  scores: HeadScores
  /** At most {@link THUMB} positions to a side. */
  thumb: AttentionPattern
}

export interface AttentionMap {
  layers: number
  heads: number
  /** Tokens read so far: rows of every head, or of a long text the share of the layers. */
  rows: number
  /** What it was read under; undefined: the model's own. */
  mask: Mask | undefined
  /** Layer by layer, its heads and then their mean; those read so far. */
  summaries: readonly HeadSummary[]
  /** `[heads, size, size]` by layer; not all of them for a long text. */
  probs: ReadonlyMap<number, Float32Array>
}

/** Positions to a side of a thumbnail. */
const THUMB = 64
/** Weights asked of one forward: 64 MB. */
const BATCH_ELEMENTS = 1 << 24
/** Weights of a text that the page keeps: 128 MB. Of a longer text one layer is kept, and the others are read when chosen. */
const MAX_KEPT_ELEMENTS = 1 << 25

/** Weights of a layer, without the positions no row reaches: `[heads, size, size]`. */
function squareProbs({ shape, data }: TensorData, size: number): Float32Array {
  const [heads = 0, rows = 0, positions = 0] = shape
  invariant(rows === size && positions === size, `attention is ${shape.join(' × ')} for ${size} tokens`)
  return data.subarray(0, heads * size * size)
}

/** Weights of some layers over the whole text. */
export async function readLayers(
  model: Model,
  ids: readonly number[],
  layers: readonly number[],
  mask: Mask | undefined,
): Promise<Map<number, Float32Array>> {
  const anatomy = await readAnatomy(model)
  const steps = layers.flatMap((layer) => {
    const probs = anatomy.layers[layer]?.attention?.probs
    return probs === undefined ? [] : [[layer, probs] as const]
  })
  const traced = await model.trace(ids, { probes: steps.map(([, probs]) => probs), mask })
  return new Map(
    steps.map(([layer, probs]) => {
      const tensor = traced.get(probs)
      invariant(tensor, `${probs} was not traced`)
      return [layer, squareProbs(tensor, ids.length)] as const
    }),
  )
}

/** The weights of one head of `[heads, size, size]`, or their mean. */
export function patternOf(
  probs: Float32Array,
  { heads, size }: { heads: number; size: number },
  head: number | null,
): AttentionPattern {
  if (head === null) return averageHeads(probs, heads, size)
  return { size, data: probs.subarray(head * size * size, (head + 1) * size * size) }
}

/** The first `rows` queries of a head by themselves: rows that see no later ones are the whole pattern of a shorter text. */
function beginning({ size, data }: AttentionPattern, rows: number): AttentionPattern {
  if (rows === size) return { size, data }
  const cut = new Float32Array(rows * rows)
  for (let row = 0; row < rows; row++) cut.set(data.subarray(row * size, row * size + rows), row * rows)
  return { size: rows, data: cut }
}

interface SummaryContext {
  readonly heads: number
  readonly size: number
  readonly copies: ReturnType<typeof findCopies>
  readonly breathe: () => Promise<void>
}

/** What every head of a layer does, as far as `rows` of its queries tell. */
async function summarise(
  weights: Float32Array,
  layer: number,
  rows: number,
  { heads, size, copies, breathe }: SummaryContext,
): Promise<HeadSummary[]> {
  const summaries: HeadSummary[] = []
  for (const head of [...Array(heads).keys(), null]) {
    const pattern = patternOf(weights, { heads, size }, head)
    const scores = scorePattern(beginning(pattern, rows), copies)
    summaries.push({ layer, head, scores, thumb: poolPattern(pattern, THUMB) })
    await breathe()
  }
  return summaries
}

/** Every head of every layer, row by row as they come. */
async function* readRows(
  model: Model,
  ids: readonly number[],
  mask: Mask | undefined,
  signal: AbortSignal,
): AsyncIterable<AttentionMap> {
  const { layers, heads } = model.info
  const size = ids.length
  const context = { heads, size, copies: findCopies(ids), breathe: breather() }
  const anatomy = await readAnatomy(model)
  const layerOf = new Map(
    anatomy.layers.slice(0, layers).flatMap(({ attention }, n) => (attention ? [[attention.probs, n]] : [])),
  )
  const probs = new Map<number, Float32Array>()
  const read = new Map<number, number>()
  for await (const { begin, end, tensors } of model.traceRows(ids, {
    probes: [...layerOf.keys()],
    mask,
    signal,
  })) {
    for (const [step, tensor] of tensors) {
      const layer = layerOf.get(step)
      invariant(layer !== undefined, `${step} was asked for`)
      const square = probs.get(layer) ?? new Float32Array(heads * size * size)
      placeRows(tensor, square, begin, size)
      probs.set(layer, square)
      read.set(layer, end)
    }
    const summaries: HeadSummary[] = []
    for (const [layer, weights] of probs)
      summaries.push(...(await summarise(weights, layer, read.get(layer) ?? 0, context)))
    const rows = Math.floor([...read.values()].reduce((sum, end) => sum + end, 0) / layerOf.size)
    await nextTask()
    yield { layers, heads, rows, mask, summaries, probs }
  }
}

/** Puts rows of `[heads, rows, size]` where they lie in `[heads, size, size]`. */
function placeRows({ shape, data }: TensorData, square: Float32Array, begin: number, size: number): void {
  const [heads = 0, rows = 0, positions = 0] = shape
  invariant(positions === size, `attention is ${shape.join(' × ')} for ${size} tokens`)
  for (let head = 0; head < heads; head++)
    square.set(data.subarray(head * rows * size, (head + 1) * rows * size), (head * size + begin) * size)
}

/** Every head of every layer: row by row, or of a text too long to be kept a few layers to a forward. */
export async function* readAttention(
  model: Model,
  ids: readonly number[],
  mask: Mask | undefined,
  signal: AbortSignal,
): AsyncIterable<AttentionMap> {
  const { layers, heads } = model.info
  const size = ids.length
  const perLayer = heads * size * size
  if (perLayer * layers <= MAX_KEPT_ELEMENTS) return yield* readRows(model, ids, mask, signal)
  const context = { heads, size, copies: findCopies(ids), breathe: breather() }
  const summaries: HeadSummary[] = []
  const step = Math.max(1, Math.floor(BATCH_ELEMENTS / perLayer))
  for (let from = 0; from < layers; from += step) {
    throwIfAborted(signal)
    const some = Array.from({ length: Math.min(step, layers - from) }, (_, i) => from + i)
    for (const [layer, weights] of await readLayers(model, ids, some, mask))
      summaries.push(...(await summarise(weights, layer, size, context)))
    const rows = Math.floor((size * (from + some.length)) / layers)
    await nextTask()
    yield { layers, heads, rows, mask, summaries: [...summaries], probs: new Map() }
  }
}
