import { createStore } from 'zustand/vanilla'
import type { LensCell, Model } from '../../../api/model.ts'
import { throwIfAborted } from '../../../errors.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { selectedRow } from '../../../state/selection.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

export interface LensMap {
  /** Layer numbers, −1 (the embedding) first. */
  layers: readonly number[]
  /** Positions of the text. */
  positions: number
  /** How many of them are read. */
  read: number
  /** Position by position, its layers in order; those that are read. */
  cells: readonly (LensCell | undefined)[]
  /** Texts of the most probable tokens, by {@link textKey}. */
  texts: ReadonlyMap<string, string>
}

/** The text of a token depends on where it stands: it may end a character that began before. */
const textKey = (position: number, id: number): string => `${position}:${id}`

/** Text of the most probable token of a cell; empty where it has none. */
export const lensText = ({ texts }: LensMap, position: number, id: number): string =>
  texts.get(textKey(position, id)) ?? ''

/** Alternatives captured with every cell. */
export const LENS_TOP = 10
/** Logits of one call: how much is computed before more is shown. */
const BATCH_ELEMENTS = 1 << 23
/** Positions of the first call. */
const FIRST_POSITIONS = 8
/** Positions of a call over what the cache holds. */
const CACHED_POSITIONS = 32

export function lensCell(map: LensMap, layer: number, position: number): LensCell | null {
  const at = map.layers.indexOf(layer)
  return at < 0 ? null : (map.cells[position * map.layers.length + at] ?? null)
}

type Spell = (contextIds: readonly number[], id: number) => Promise<string>

/** Runs `[from, to)` of a text from the chosen position outwards: its own first, then ever farther ones. */
function outwards(total: number, chosen: number): [from: number, to: number][] {
  const begin = Math.max(0, Math.min(total, chosen + 1) - FIRST_POSITIONS)
  const runs: [number, number][] = [[begin, Math.min(total, begin + FIRST_POSITIONS)]]
  for (let from = begin; from > 0; from -= CACHED_POSITIONS)
    runs.push([Math.max(0, from - CACHED_POSITIONS), from])
  for (let to = begin + FIRST_POSITIONS; to < total; to += CACHED_POSITIONS)
    runs.push([to, Math.min(total, to + CACHED_POSITIONS)])
  const distance = ([from, to]: [number, number]): number => Math.abs((from + to) / 2 - chosen)
  return runs.toSorted((a, b) => distance(a) - distance(b))
}

/** Runs from the first position on, each twice as long as the one before: every call runs all that is before it once more. */
function onwards(total: number, most: number): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (let from = 0, rows = 2 * FIRST_POSITIONS; from < total; rows = Math.min(most, 2 * rows)) {
    runs.push([from, Math.min(total, from + rows)])
    from += rows
  }
  return runs
}

interface LensRequest {
  readonly model: Model
  readonly ids: readonly number[]
  readonly spell: Spell
  readonly signal: AbortSignal
}

/** What is read of a text so far. */
class GrowingMap {
  readonly layers: readonly number[]
  private readonly cells: (LensCell | undefined)[]
  private readonly texts = new Map<string, string>()
  private readonly request: LensRequest
  private read = 0

  constructor(request: LensRequest) {
    this.request = request
    this.layers = Array.from({ length: request.model.info.layers + 1 }, (_, i) => i - 1)
    this.cells = Array.from({ length: request.ids.length * this.layers.length })
  }

  /** Positions of a run that are not read yet. */
  missing([from, to]: readonly [number, number]): number[] {
    const all = Array.from({ length: to - from }, (_, i) => from + i)
    return all.filter((position) => this.cells[position * this.layers.length] === undefined)
  }

  /** Reads positions; resolves to the rows that ran for them. */
  async add(positions: readonly number[]): Promise<number> {
    const { model, ids, signal } = this.request
    const { cells, rows } = await model.lens(ids, { positions, topK: LENS_TOP, cached: true })
    throwIfAborted(signal)
    await this.spellOut(cells)
    for (const cell of cells)
      this.cells[cell.position * this.layers.length + this.layers.indexOf(cell.layer)] = cell
    this.read += positions.length
    return rows
  }

  private async spellOut(cells: readonly LensCell[]): Promise<void> {
    const { ids, spell } = this.request
    const fresh = new Map<string, { id: number; position: number }>()
    for (const { top, position } of cells) {
      const id = top[0]?.id
      if (id !== undefined) fresh.set(textKey(position, id), { id, position })
    }
    const texts = Array.from(fresh, async ([key, { id, position }]) => {
      this.texts.set(key, await spell(ids.slice(0, position + 1), id))
    })
    await Promise.all(texts)
  }

  now(): LensMap {
    const { layers, read } = this
    const positions = this.request.ids.length
    return { layers, positions, read, cells: [...this.cells], texts: new Map(this.texts) }
  }
}

/**
 * What every layer would predict, the chosen position and those beside it first. Where the cache does not hold the text, a call runs all
 * that is before its positions: then they are read from the first on.
 */
async function* readLens(request: LensRequest, chosen: number): AsyncIterable<LensMap> {
  const { model, ids } = request
  const map = new GrowingMap(request)
  const most = Math.max(8, Math.floor(BATCH_ELEMENTS / model.info.vocab / map.layers.length))
  const ways = { cached: outwards(ids.length, chosen), anew: onwards(ids.length, most) }
  let way: keyof typeof ways = 'cached'
  for (const run of ways.cached) {
    if (way === 'anew') break
    const positions = map.missing(run)
    if (positions.length === 0) continue
    const rows = await map.add(positions)
    yield map.now()
    if (rows > positions.length && ids.length > CACHED_POSITIONS) way = 'anew'
  }
  for (const run of ways.anew) {
    const positions = map.missing(run)
    if (positions.length === 0) continue
    await map.add(positions)
    yield map.now()
  }
}

export interface LensState {
  /** The layer whose cell is chosen; the position is the page's selected token. */
  layer: number | null
  /** The cell under the pointer. */
  hovered: { layer: number; position: number } | null
  /** What the panel says of the chosen cell. */
  detail: 'prediction' | 'attribution'
}

/** The logit lens over the text on the page. */
export class LensGrid {
  readonly measurement: TextMeasurement<LensMap>
  readonly state = createStore<LensState>()(() => ({
    layer: null,
    hovered: null,
    detail: 'prediction',
  }))

  constructor(session: Session) {
    const spellBy =
      (model: Model): Spell =>
      (contextIds, id) =>
        model.info.hasTokenizer ? session.lookUpText(contextIds, id) : Promise.resolve('')
    this.measurement = new TextMeasurement(
      session,
      (model, ids, signal) =>
        readLens({ model, ids, spell: spellBy(model), signal }, selectedRow(session, ids.length)),
      { done: ({ read }) => read },
    )
  }
}

/** The lens of a page: one, whichever panel asks. */
export const lensOf = perSession((session) => new LensGrid(session))
