import { createStore } from 'zustand/vanilla'
import { TokenscopeError, invariant, toErrorData, type ErrorData } from '../../../errors.ts'
import type { LensCell, LensOptions, Model } from '../../../api/model.ts'
import { maskChoiceOf } from '../../../state/maskChoice.ts'
import { pictureOf, streamStart, type MapLayer, type Picture } from './picture.ts'
import { normOf } from './row.ts'
import { perSession } from '../../../state/perSession.ts'
import { sameSelection } from '../../../state/selection.ts'
import type { Session } from '../../../state/session.ts'
import { stepsOf } from '../steps/store.ts'
import type { StepsSource } from '../steps/source.ts'

/** What a part writes at the chosen row. */
export interface WriteFacts {
  /** Length of what is added, of the stream before, and behind. */
  norm: number
  normBefore: number
  sum: number
}

/** What a layer does at the chosen row, as the forward computed it. */
export interface LayerFacts {
  writes: readonly WriteFacts[]
  /** Length of the stream behind the layer. */
  out: number
  /** Weights of every head over the positions, `[heads · positions]`; null without attention or where they are not kept. */
  weights: Float32Array | null
  /** Output of the MLP's activation; null where it is not kept. */
  inner: Float32Array | null
  /** Numbers of the experts taken and what each weighs, best first. */
  experts: readonly { expert: number; weight: number }[] | null
}

/** A word that a layer would say, and how the chosen token stands there. */
export interface LayerWord extends Pick<LensCell, 'layer' | 'top' | 'rank' | 'probability' | 'token'> {
  text: string
}

/** Everything the picture says of one row of a forward; parts fill in as they are read. */
export interface RowFacts {
  source: StepsSource
  row: number
  /** Length of the stream that the first layer reads. */
  start: number | null
  layers: readonly (LayerFacts | null)[]
  /** By layer, −1 the embedding; null while they are read or where the model has no such head. */
  words: ReadonlyMap<number, LayerWord> | null
  /** The token followed through the layers: the one that came, or in its place; where none has come, the most probable. */
  followed: { id: number; isGiven: boolean } | null
  /** Texts of the last layer's most probable tokens, and of the token that follows. */
  texts: ReadonlyMap<number, string>
}

export interface MapState {
  picture: Picture | null
  facts: RowFacts | null
  /** Words are those that fit the row's own place, as an encoder fills it; else those that come next. */
  inPlace: boolean
  /** Everything of the row has been read. */
  isComplete: boolean
  error: ErrorData | null
  /** The open layer; undefined before one was chosen. */
  open: number | null | undefined
  /** Head that the open layer's attention is shown of. */
  head: number
  /** Head whose weights lie over the text. */
  looked: { layer: number; head: number } | null
}

/** Alternatives shown as the outcome. */
export const OUTCOME_TOP = 5
/** Rows whose facts are kept. */
const KEPT_ROWS = 12
/** Layers whose rows are read at once. */
const LAYERS_AHEAD = 4
/** Milliseconds a selection rests before it is read: walking through the tokens asks for none of them. */
const DEBOUNCE_MS = 120

type ReadRow = (name: string) => Promise<Float32Array>

/** Reads rows of steps once each: the stream behind one block is that before the next. */
function rowReader(source: StepsSource, row: number): ReadRow {
  const asked = new Map<string, Promise<Float32Array>>()
  return (name) => {
    const pending = asked.get(name) ?? source.row(name, row).then(({ data }) => data)
    asked.set(name, pending)
    return pending
  }
}

async function readLayer(
  source: StepsSource,
  { writes, out, heads, inner, experts }: MapLayer,
  read: ReadRow,
): Promise<LayerFacts> {
  const kept = (name: string | undefined | null): Promise<Float32Array> | null => {
    const step = source.steps.find((one) => one.name === name)
    return step?.retained === true ? read(step.name) : null
  }
  const sums = writes.map(async ({ step, sum }) => {
    const sumStep = source.steps.find(({ name }) => name === sum)
    const inputStep = sumStep?.inputs[0]
    const [written, behind, first] = await Promise.all([
      read(step),
      read(sum),
      inputStep === undefined ? null : read(inputStep),
    ])
    return {
      norm: normOf(written),
      normBefore: first === null ? normOf(behind) : normOf(first),
      sum: normOf(behind),
    }
  })
  const [facts, end, weights, active, taken, shares] = await Promise.all([
    Promise.all(sums),
    read(out),
    kept(heads?.probs),
    experts === null ? kept(inner) : null,
    experts === null ? null : read(experts.taken),
    experts === null || experts.weights === null ? null : read(experts.weights),
  ])
  return {
    writes: facts,
    out: normOf(end),
    weights,
    inner: active,
    experts:
      taken === null ? null : Array.from(taken, (expert, at) => ({ expert, weight: shares?.[at] ?? 1 })),
  }
}

/** Layers in order; some are under way at once, so that the time of a readback is not waited for layer by layer. */
async function* readLayers(
  source: StepsSource,
  layers: readonly MapLayer[],
  read: ReadRow,
): AsyncIterable<readonly [index: number, facts: LayerFacts]> {
  const reads: Promise<{ facts: LayerFacts } | { error: unknown }>[] = []
  for (const index of layers.keys()) {
    for (const layer of layers.slice(reads.length, index + LAYERS_AHEAD))
      reads.push(
        readLayer(source, layer, read).then(
          (facts) => ({ facts }),
          (error: unknown) => ({ error }),
        ),
      )
    const result = await reads[index]
    invariant(result !== undefined, 'a layer is read before it is awaited')
    if ('error' in result) throw result.error
    yield [index, result.facts]
  }
}

/**
 * The whole model in one picture, at the page's chosen position: the forward is that of the stepper, and every number is a row of
 * one of its steps, or a cell of the lens.
 */
export class ModelMap {
  readonly state = createStore<MapState>()(() => ({
    picture: null,
    facts: null,
    inPlace: false,
    isComplete: false,
    error: null,
    open: undefined,
    head: 0,
    looked: null,
  }))
  readonly #session: Session
  readonly #kept = new Map<number, RowFacts>()
  #source: StepsSource | null = null
  #viewers = 0
  #run = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(session: Session) {
    this.#session = session
    const steps = stepsOf(session)
    steps.state.subscribe((state, previous) => {
      if (state.source !== previous.source) this.#sync()
      if (state.step !== previous.step && previous.step !== '' && this.#viewers > 0) this.#follow(state.step)
    })
    session.app.subscribe((state, previous) => {
      if (!sameSelection(state, previous)) this.#sync()
    })
  }

  /** Reads while a view looks; returns the function that lets go. */
  watch(): () => void {
    this.#viewers += 1
    this.#sync()
    return () => {
      this.#viewers -= 1
    }
  }

  toggle(layer: number): void {
    const { open } = this.state.getState()
    this.state.setState({ open: open === layer ? null : layer })
  }

  look(looked: MapState['looked']): void {
    this.state.setState({ looked })
  }

  chooseHead(head: number): void {
    this.state.setState({ head })
  }

  /** Reads the chosen row again. */
  refresh(): void {
    this.#kept.clear()
    this.#sync()
  }

  /** Steps that are stepped through are shown: their layer opens. */
  #follow(name: string): void {
    const step = this.state
      .getState()
      .picture?.layers.find(({ steps }) => steps.some((one) => one.name === name))
    if (step !== undefined) this.state.setState({ open: step.layer })
  }

  #sync(): void {
    clearTimeout(this.#timer)
    const { source } = stepsOf(this.#session).state.getState()
    if (source !== this.#source) {
      this.#source = source
      this.#run += 1
      this.#kept.clear()
      const picture = source === null ? null : pictureOf(source.steps)
      // A decoder that is shown more than it was trained with still predicts what comes next.
      const inPlace = picture?.seesLater === true && maskChoiceOf(this.#session).mask === undefined
      this.state.setState({ picture, inPlace, facts: null, isComplete: false })
    }
    if (source === null || this.#viewers === 0) return
    const { row } = stepsOf(this.#session)
    const { facts, isComplete } = this.state.getState()
    if (facts?.row === row && facts.source === source && isComplete) return
    const cached = this.#kept.get(row)
    if (cached !== undefined) {
      this.#run += 1
      this.state.setState({ facts: cached, isComplete: true, error: null })
      return
    }
    this.#timer = setTimeout(() => void this.#read(source, row), facts === null ? 0 : DEBOUNCE_MS)
  }

  async #read(source: StepsSource, row: number): Promise<void> {
    const run = ++this.#run
    const { picture } = this.state.getState()
    const { model } = this.#session
    if (picture === null || model === null) return
    let facts: RowFacts = {
      source,
      row,
      start: null,
      layers: picture.layers.map(() => null),
      words: null,
      followed: null,
      texts: new Map(),
    }
    const show = (part: Partial<RowFacts>): boolean => {
      if (run !== this.#run) return false
      facts = { ...facts, ...part }
      this.state.setState({ facts, isComplete: false, error: null })
      return true
    }
    try {
      const showingWords = this.#readWords(model, source, row, picture.seesLater).then(show)
      const read = rowReader(source, row)
      // The row before stays until something of this one is there.
      const first = streamStart(picture)
      if (first !== null) {
        const start = normOf(await read(first.name))
        if (!show({ start })) return
      }
      for await (const [index, layerFacts] of readLayers(source, picture.layers, read))
        if (!show({ layers: facts.layers.with(index, layerFacts) })) return
      await showingWords
      if (run !== this.#run) return
      this.#store(row, facts)
      this.state.setState({ isComplete: true })
    } catch (error) {
      if (run === this.#run) this.state.setState({ error: toErrorData(error) })
    }
  }

  #store(row: number, facts: RowFacts): void {
    this.#kept.set(row, facts)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > KEPT_ROWS && oldest !== undefined) this.#kept.delete(oldest)
  }

  /** What every layer would say behind this row; where rows see later positions, in its place. */
  async #readWords(
    model: Model,
    { ids }: StepsSource,
    row: number,
    seesLater: boolean,
  ): Promise<Pick<RowFacts, 'words' | 'texts' | 'followed'>> {
    const contextIds = ids.slice(0, row + 1)
    const given = this.state.getState().inPlace ? ids[row] : ids[row + 1]
    const { mask } = maskChoiceOf(this.#session)
    const read = (token: number | undefined): Promise<readonly LensCell[]> =>
      readCells(model, seesLater ? ids : contextIds, {
        positions: [row],
        topK: OUTCOME_TOP,
        token,
        cached: !seesLater && mask === undefined,
        mask,
      })
    const first = await read(given)
    const id = given ?? first.at(-1)?.top[0]?.id
    if (id === undefined) return { words: null, followed: null, texts: new Map() }
    // Only now is it known whom to follow.
    const cells = given === undefined ? await read(id) : first
    const wanted = new Set([id, ...cells.flatMap(({ top }) => top[0]?.id ?? [])])
    for (const { id: likely } of cells.at(-1)?.top ?? []) wanted.add(likely)
    const entries = await Promise.all(
      Array.from(wanted, async (one) => [one, await this.#session.lookUpText(contextIds, one)] as const),
    )
    const texts = new Map(entries)
    const words = new Map(
      cells.map((cell) => [cell.layer, { ...cell, text: texts.get(cell.top[0]?.id ?? -1) ?? '' }]),
    )
    return { words, texts, followed: { id, isGiven: given !== undefined } }
  }
}

/** Cells of the lens; none of a model without a head to read words through. */
async function readCells(
  model: Model,
  ids: readonly number[],
  options: LensOptions,
): Promise<readonly LensCell[]> {
  try {
    return (await model.lens(ids, options)).cells
  } catch (error) {
    if (error instanceof TokenscopeError && error.code === 'unsupported') return []
    throw error
  }
}

/** The picture of a page: one, wherever it is shown. */
export const modelMapOf = perSession((session) => new ModelMap(session))
