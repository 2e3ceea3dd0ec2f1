import { createStore } from 'zustand/vanilla'
import { invariant } from '../../../errors.ts'
import type { Mask, Model, TensorData } from '../../../api/model.ts'
import { readAnatomy } from '../../../analysis/anatomy.ts'
import {
  addHeads,
  averageHeads,
  findCopies,
  poolPattern,
  scorePattern,
  type HeadScores,
  type Pattern,
} from '../../../analysis/headScores.ts'
import { maskChoiceOf } from '../../../state/maskChoice.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

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
  /** What it was read under; undefined: the model's own. */
  mask: Mask | undefined
  /** Layer by layer, its heads and then their mean; those read so far. */
  summaries: readonly HeadSummary[]
  /** `[heads, size, size]` by layer; not all of them for a long text. */
  probs: ReadonlyMap<number, Float32Array>
}

/** A head, or with null the mean over those of its layer. */
export interface ChosenHead {
  layer: number
  head: number | null
}

export interface HeadPlace {
  layer: number
  head: number
}

export interface AttentionState {
  /** The head last pointed at; the keyboard goes on from it. */
  chosen: ChosenHead
  /** Where a range of heads begins. */
  anchor: ChosenHead
  /** Heads whose mean is shown; empty: the chosen one alone. */
  several: readonly HeadPlace[]
  /** True while a plain click adds to the mean or takes from it. */
  picking: boolean
  /** What is shown of the selected token: the keys it looks at, or the queries that look at it. */
  direction: 'keys' | 'queries'
  /** How that is drawn over the text. */
  drawn: 'arcs' | 'text'
  tab: 'heads' | 'cache'
}

/** Positions to a side of a thumbnail. */
const THUMB = 64
/** Weights asked of one forward: 64 MB. */
const BATCH_ELEMENTS = 1 << 24
/** Weights of a text that the page keeps: 128 MB. Of a longer text one layer is kept, and the others are read when chosen. */
const MAX_KEPT_ELEMENTS = 1 << 25

const pause = () => new Promise<void>((resolve) => setTimeout(resolve))

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
): Pattern {
  if (head === null) return averageHeads(probs, heads, size)
  return { size, data: probs.subarray(head * size * size, (head + 1) * size * size) }
}

/** The heads that a choice stands for. */
export function headsOf({ layer, head }: ChosenHead, heads: number): readonly HeadPlace[] {
  return head !== null ? [{ layer, head }] : Array.from({ length: heads }, (_, n) => ({ layer, head: n }))
}

const samePlace = (a: HeadPlace, b: HeadPlace): boolean => a.layer === b.layer && a.head === b.head

const inOrder = (places: readonly HeadPlace[]): HeadPlace[] =>
  places.toSorted((a, b) => a.layer - b.layer || a.head - b.head)

/** One head or one whole layer, where that is what the places are; else null. */
export function singleChoice(places: readonly HeadPlace[], heads: number): ChosenHead | null {
  const [first] = places
  if (first === undefined) return null
  if (places.length === 1) return first
  const layer = places.length === heads && places.every((place) => place.layer === first.layer)
  return layer ? { layer: first.layer, head: null } : null
}

/** Every head of every layer, a few layers to a forward; pauses between heads, so that the page stays responsive. */
async function* readAttention(
  model: Model,
  ids: readonly number[],
  mask: Mask | undefined,
): AsyncIterable<AttentionMap> {
  const { layers, heads } = model.info
  const size = ids.length
  const perLayer = heads * size * size
  const kept = perLayer * layers <= MAX_KEPT_ELEMENTS
  const copies = findCopies(ids)
  const summaries: HeadSummary[] = []
  const probs = new Map<number, Float32Array>()
  const step = Math.max(1, Math.floor(BATCH_ELEMENTS / perLayer))
  for (let from = 0; from < layers; from += step) {
    const some = Array.from({ length: Math.min(step, layers - from) }, (_, i) => from + i)
    for (const [layer, weights] of await readLayers(model, ids, some, mask)) {
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
    yield { layers, heads, mask, summaries: [...summaries], probs }
  }
}

const BEGIN: AttentionState = {
  chosen: { layer: 0, head: 0 },
  anchor: { layer: 0, head: 0 },
  several: [],
  picking: false,
  direction: 'keys',
  drawn: 'arcs',
  tab: 'heads',
}

/** Attention over the text on the page: all heads at a glance, one of them or the mean of some chosen. */
export class Attention {
  readonly measurement: TextMeasurement<AttentionMap>
  readonly state = createStore<AttentionState>()(() => BEGIN)
  /** The layer read last for a text too long to keep whole. */
  private single: { of: readonly number[]; layer: number; probs: Float32Array } | null = null
  /** The mean made last. */
  private mean: { of: AttentionMap; key: string; pattern: Pattern } | null = null

  constructor(session: Session) {
    const choice = maskChoiceOf(session)
    this.measurement = new TextMeasurement(session, (model, ids) => readAttention(model, ids, choice.mask))
    choice.onChange(() => this.measurement.refresh())
  }

  choose(chosen: ChosenHead): void {
    this.state.setState({ chosen, anchor: chosen, several: [] })
  }

  /** Moves the keyboard's place; what is averaged stays. */
  moveTo(chosen: ChosenHead): void {
    this.state.setState({ chosen })
  }

  /** Adds a head or a whole layer to the mean, or takes it out; the last one stays. */
  toggle(chosen: ChosenHead): void {
    const { several, chosen: before } = this.state.getState()
    const heads = this.heads()
    const now = several.length > 0 ? several : headsOf(before, heads)
    const touched = headsOf(chosen, heads)
    const rest = now.filter((place) => !touched.some((one) => samePlace(one, place)))
    const had = now.length - rest.length === touched.length
    if (had && rest.length === 0) return
    this.state.setState({
      chosen,
      anchor: chosen,
      several: inOrder(had ? rest : [...rest, ...touched]),
    })
  }

  /** The mean over everything between the head chosen last and this one, layers and heads. */
  extendTo(chosen: ChosenHead): void {
    const { anchor } = this.state.getState()
    const heads = this.heads()
    const between = (a: number, b: number): number[] =>
      Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i)
    const whole = anchor.head === null || chosen.head === null
    const columns = whole ? [...Array(heads).keys()] : between(anchor.head ?? 0, chosen.head ?? 0)
    const several = between(anchor.layer, chosen.layer).flatMap((layer) =>
      columns.map((head) => ({ layer, head })),
    )
    this.state.setState({ chosen, several })
  }

  chooseAll(): void {
    const { layers = 0, heads = 0 } = this.measurement.state.getState().shown?.value ?? {}
    const all = Array.from({ length: layers }, (_, layer) => headsOf({ layer, head: null }, heads))
    this.state.setState({ several: all.flat() })
  }

  private heads(): number {
    return this.measurement.state.getState().shown?.value.heads ?? 0
  }

  /** `[heads, size, size]` of a layer of the text on show; null while it must be read. */
  peek(layer: number): Float32Array | null {
    const { shown } = this.measurement.state.getState()
    if (shown === null) return null
    const { single } = this
    const alone = single?.of === shown.ids && single.layer === layer ? single.probs : null
    return shown.value.probs.get(layer) ?? alone
  }

  /** Reads a layer that {@link peek} does not hold. */
  async read(layer: number): Promise<void> {
    const { shown } = this.measurement.state.getState()
    if (shown === null) return
    const { model, ids, value } = shown
    const probs = (await readLayers(model, ids, [layer], value.mask)).get(layer)
    if (probs !== undefined && this.measurement.state.getState().shown?.ids === ids)
      this.single = { of: ids, layer, probs }
  }

  /** The mean over heads of several layers; null until {@link average} has made it. */
  peekMean(places: readonly HeadPlace[]): Pattern | null {
    const { shown } = this.measurement.state.getState()
    const { mean } = this
    return mean !== null && mean.of === shown?.value && mean.key === keyOf(places) ? mean.pattern : null
  }

  /** Makes that mean, layer by layer, pausing between them; layers that are not held are read. */
  async average(places: readonly HeadPlace[]): Promise<void> {
    const { shown } = this.measurement.state.getState()
    if (shown === null || places.length === 0) return
    const { ids, value } = shown
    const size = ids.length
    const sum = new Float32Array(size * size)
    for (const layer of new Set(places.map((place) => place.layer))) {
      if (this.peek(layer) === null) await this.read(layer)
      const probs = this.peek(layer)
      if (probs === null || this.measurement.state.getState().shown?.value !== value) return
      const heads = places.filter((place) => place.layer === layer).map(({ head }) => head)
      addHeads(sum, probs, heads, places.length)
      await pause()
    }
    this.mean = { of: value, key: keyOf(places), pattern: { size, data: sum } }
  }
}

const keyOf = (places: readonly HeadPlace[]): string =>
  places.map(({ layer, head }) => `${layer}.${head}`).join(' ')

/** The attention of a page: one, whichever panel asks. */
export const attentionOf = perSession((session) => new Attention(session))
