import { createStore } from 'zustand/vanilla'
import type { LensCell, Model } from '../../../api/model.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

export interface LensMap {
  /** Layer numbers, −1 (the embedding) first. */
  layers: readonly number[]
  /** Positions read so far: all up to this one. */
  positions: number
  /** Position by position, its layers in order. */
  cells: readonly LensCell[]
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

export function lensCell(map: LensMap, layer: number, position: number): LensCell | null {
  const at = map.layers.indexOf(layer)
  return at < 0 ? null : (map.cells[position * map.layers.length + at] ?? null)
}

type Spell = (before: readonly number[], id: number) => Promise<string>

/** Position by position what every layer would predict, a chunk of the text to a call. */
async function* readLens(model: Model, ids: readonly number[], spell: Spell): AsyncIterable<LensMap> {
  const layers = Array.from({ length: model.info.layers + 1 }, (_, i) => i - 1)
  const cells: LensCell[] = []
  const texts = new Map<string, string>()
  const step = Math.max(8, Math.floor(BATCH_ELEMENTS / model.info.vocab / layers.length))
  for (let from = 0; from < ids.length; from += step) {
    const count = Math.min(step, ids.length - from)
    const positions = Array.from({ length: count }, (_, i) => from + i)
    const lens = await model.lens(ids, { positions, topK: LENS_TOP })
    for (let i = 0; i < count; i++)
      layers.forEach((_, at) => cells.push(...lens.cells.slice(at * count + i, at * count + i + 1)))
    const fresh = new Map<string, { id: number; position: number }>()
    for (const { top, position } of lens.cells) {
      const id = top[0]?.id
      if (id !== undefined) fresh.set(textKey(position, id), { id, position })
    }
    const spelled = await Promise.all(
      Array.from(
        fresh,
        async ([key, { id, position }]) => [key, await spell(ids.slice(0, position + 1), id)] as const,
      ),
    )
    for (const [key, text] of spelled) texts.set(key, text)
    yield { layers, positions: from + count, cells: [...cells], texts: new Map(texts) }
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
    this.measurement = new TextMeasurement(session, (model, ids) =>
      readLens(model, ids, (before, id) =>
        model.info.hasTokenizer ? session.lookUpText(before, id) : Promise.resolve(''),
      ),
    )
  }
}

/** The lens of a page: one, whichever panel asks. */
export const lensOf = perSession((session) => new LensGrid(session))
