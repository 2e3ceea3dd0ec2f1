import { createStore } from 'zustand/vanilla'
import { invariant } from '../errors.ts'
import type { Model, TensorData } from '../types.ts'
import {
  averageHeads,
  findCopies,
  poolPattern,
  scorePattern,
  type HeadScores,
  type Pattern,
} from './attentionScores.ts'
import type { Session } from './session.ts'
import { TextReading } from './textReading.ts'

/** One head over the whole text; `head` null: the mean over the heads of its layer. */
export interface HeadSummary {
  layer: number
  head: number | null
  scores: HeadScores
  /** At most {@link THUMB} positions to a side. */
  thumb: Pattern
}

export interface AttentionMap {
  layers: number
  heads: number
  /** Layer by layer, its heads and then their mean; those read so far. */
  summaries: readonly HeadSummary[]
  /** `[heads, size, size]` by layer; not all of them for a long text. */
  probs: ReadonlyMap<number, Float32Array>
}

export interface ChosenHead {
  layer: number
  head: number | null
}

/** Positions to a side of a thumbnail. */
const THUMB = 64
/** Weights asked of one forward: 64 MB. */
const AT_ONCE = 1 << 24
/** Weights of a text that the page keeps: 128 MB. Of a longer text one layer is kept, and the others are read when chosen. */
const KEPT = 1 << 25

const pause = () => new Promise<void>((resolve) => setTimeout(resolve))

export const probsStep = (layer: number): string => `layers.${layer}.attn.probs`

/** Weights of a layer, without the positions no row reaches: `[heads, size, size]`. */
function squareProbs({ shape, data }: TensorData, size: number): Float32Array {
  const [heads = 0, rows = 0, positions = 0] = shape
  invariant(rows === size && positions === size, `attention is ${shape.join(' × ')} for ${size} tokens`)
  return data.subarray(0, heads * size * size)
}

async function readLayers(
  model: Model,
  ids: readonly number[],
  layers: readonly number[],
): Promise<Map<number, Float32Array>> {
  const traced = await model.trace(ids, { probes: layers.map(probsStep) })
  return new Map(
    layers.map((layer) => {
      const tensor = traced.get(probsStep(layer))
      invariant(tensor, `${probsStep(layer)} was not traced`)
      return [layer, squareProbs(tensor, ids.length)] as const
    }),
  )
}

/** The weights of one head of `[heads, size, size]`, or their mean. */
export function patternOf(
  probs: Float32Array,
  { heads, size }: { heads: number; size: number },
  head: number | null,
): Pattern {
  if (head === null) return averageHeads(probs, heads, size)
  return { size, data: probs.subarray(head * size * size, (head + 1) * size * size) }
}

/** Every head of every layer, a few layers to a forward; pauses between heads, so that the page stays responsive. */
async function* readAttention(model: Model, ids: readonly number[]): AsyncIterable<AttentionMap> {
  const { layers, heads } = model.info
  const size = ids.length
  const perLayer = heads * size * size
  const kept = perLayer * layers <= KEPT
  const copies = findCopies(ids)
  const summaries: HeadSummary[] = []
  const probs = new Map<number, Float32Array>()
  const step = Math.max(1, Math.floor(AT_ONCE / perLayer))
  for (let from = 0; from < layers; from += step) {
    const some = Array.from({ length: Math.min(step, layers - from) }, (_, i) => from + i)
    for (const [layer, weights] of await readLayers(model, ids, some)) {
      if (kept) probs.set(layer, weights)
      for (const head of [...Array(heads).keys(), null]) {
        const pattern = patternOf(weights, { heads, size }, head)
        summaries.push({
          layer,
          head,
          scores: scorePattern(pattern, copies),
          thumb: poolPattern(pattern, THUMB),
        })
        await pause()
      }
    }
    yield { layers, heads, summaries: [...summaries], probs }
  }
}

/** Attention over the text on the page: all heads at a glance, one of them chosen. */
export class Attention {
  readonly reading: TextReading<AttentionMap>
  readonly state = createStore<{ chosen: ChosenHead }>()(() => ({ chosen: { layer: 0, head: 0 } }))
  /** The layer read last for a text too long to keep whole. */
  private single: { of: readonly number[]; layer: number; probs: Float32Array } | null = null

  constructor(session: Session) {
    this.reading = new TextReading(session, readAttention)
  }

  choose(chosen: ChosenHead): void {
    this.state.setState({ chosen })
  }

  /** `[heads, size, size]` of a layer of the text on show; null while it must be read. */
  peek(layer: number): Float32Array | null {
    const { shown } = this.reading.state.getState()
    if (shown === null) return null
    const { single } = this
    const alone = single?.of === shown.ids && single.layer === layer ? single.probs : null
    return shown.value.probs.get(layer) ?? alone
  }

  /** Reads a layer that {@link peek} does not hold. */
  async read(layer: number): Promise<void> {
    const { shown } = this.reading.state.getState()
    if (shown === null) return
    const { model, ids } = shown
    const probs = (await readLayers(model, ids, [layer])).get(layer)
    if (probs !== undefined && this.reading.state.getState().shown?.ids === ids)
      this.single = { of: ids, layer, probs }
  }
}

const known = new WeakMap<Session, Attention>()

/** The attention of a page: one, whichever panel asks. */
export function attentionOf(session: Session): Attention {
  const attention = known.get(session) ?? new Attention(session)
  known.set(session, attention)
  return attention
}
