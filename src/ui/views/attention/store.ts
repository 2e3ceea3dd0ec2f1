import { createStore } from 'zustand/vanilla'
import { nextTask } from '../../../analysis/breather.ts'
import { addHeads, type AttentionPattern } from '../../../analysis/headScores.ts'
import { maskChoiceOf } from '../../../state/maskChoice.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'
import { readAttention, readLayers, type AttentionMap } from './readAttention.ts'

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
  private mean: { of: AttentionMap; key: string; pattern: AttentionPattern } | null = null

  constructor(session: Session) {
    const choice = maskChoiceOf(session)
    this.measurement = new TextMeasurement(
      session,
      (model, ids, signal) => readAttention(model, ids, choice.mask, signal),
      { done: ({ rows }) => rows },
    )
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
    const { several, chosen: previous } = this.state.getState()
    const heads = this.heads()
    const current = several.length > 0 ? several : headsOf(previous, heads)
    const touched = headsOf(chosen, heads)
    const rest = current.filter((place) => !touched.some((one) => samePlace(one, place)))
    const hadAll = current.length - rest.length === touched.length
    if (hadAll && rest.length === 0) return
    this.state.setState({
      chosen,
      anchor: chosen,
      several: inOrder(hadAll ? rest : [...rest, ...touched]),
    })
  }

  /** The mean over everything between the head chosen last and this one, layers and heads. */
  extendTo(chosen: ChosenHead): void {
    const { anchor } = this.state.getState()
    const heads = this.heads()
    const between = (a: number, b: number): number[] =>
      Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i)
    const isFullRow = anchor.head === null || chosen.head === null
    const columns = isFullRow ? [...Array(heads).keys()] : between(anchor.head ?? 0, chosen.head ?? 0)
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
    const singleProbs = single?.of === shown.ids && single.layer === layer ? single.probs : null
    return shown.value.probs.get(layer) ?? singleProbs
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
  peekMean(places: readonly HeadPlace[]): AttentionPattern | null {
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
      await nextTask()
    }
    this.mean = { of: value, key: keyOf(places), pattern: { size, data: sum } }
  }
}

const keyOf = (places: readonly HeadPlace[]): string =>
  places.map(({ layer, head }) => `${layer}.${head}`).join(' ')

/** The attention of a page: one, whichever panel asks. */
export const attentionOf = perSession((session) => new Attention(session))
