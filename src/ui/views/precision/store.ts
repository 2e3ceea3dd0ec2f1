import { createStore } from 'zustand/vanilla'
import type {
  KvFormatName,
  LoadFormat,
  Model,
  PrecisionChunk,
  PrecisionStep,
  PrecisionToken,
} from '../../../api/model.ts'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import { perSession } from '../../../state/perSession.ts'
import { hasPageText } from '../score/store.ts'
import type { Session } from '../../../state/session.ts'

/** The other weights: this model's own, its own files read as a format, or files of their own. */
export const OTHERS = ['same', 'f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'files'] as const satisfies readonly (
  LoadFormat | 'same' | 'files'
)[]
export type OtherWeights = (typeof OTHERS)[number]

export type PrecisionPhase =
  | { kind: 'empty' }
  | { kind: 'loading'; done: number; total: number }
  | { kind: 'comparing' }
  | { kind: 'done' }
  | { kind: 'stopped' }
  | { kind: 'failed'; error: ErrorData }

/** A text as it was compared, so far. */
export interface PrecisionResult extends Omit<PrecisionChunk, 'tokens' | 'steps'> {
  readonly modelId: string
  readonly layers: number
  readonly ids: readonly number[]
  readonly texts: readonly string[]
  readonly tokens: readonly PrecisionToken[]
  readonly steps: readonly PrecisionStep[]
}

export interface PrecisionState {
  other: OtherWeights
  /** How the other keeps keys and values; null: as this model. */
  kvCache: KvFormatName | null
  files: readonly File[]
  phase: PrecisionPhase
  result: PrecisionResult | null
  /** Row of the text whose numbers are shown. */
  selected: number | null
  heat: HeatOf
}

/** What the page's text loses under other weights. */
export class PrecisionRuns {
  readonly state = createStore<PrecisionState>()(() => ({
    other: 'q4_0',
    kvCache: null,
    files: [],
    phase: { kind: 'empty' },
    result: null,
    selected: null,
    heat: 'own',
  }))
  readonly #session: Session
  #running: AbortController | null = null

  constructor(session: Session) {
    this.#session = session
    session.app.subscribe(({ model }, previous) => {
      if (model !== previous.model && model.kind !== 'ready') this.cancel()
    })
  }

  get canCompare(): boolean {
    const { other, kvCache, files } = this.state.getState()
    const ownFormat = this.#session.model?.info.kvCache
    if (other === 'same' && (kvCache ?? ownFormat) === ownFormat) return false
    return hasPageText(this.#session) && (other !== 'files' || files.length > 0)
  }

  cancel(): void {
    this.#running?.abort()
  }

  /** Compares the text on the page. */
  async compare(): Promise<void> {
    const { model, log } = this.#session
    if (model === null || !this.canCompare) return
    this.cancel()
    const controller = new AbortController()
    this.#running = controller
    const isCurrent = (): boolean => this.#running === controller
    const ids = log.idsBefore(log.tokens.length)
    const texts = [...log.promptTexts, ...log.tokens.map(({ text }) => text)]
    this.#change({ phase: { kind: 'loading', done: 0, total: 0 }, result: null, selected: null })
    // The same matrices cost nothing by themselves.
    if (this.state.getState().other === 'same') this.#change({ heat: 'error' })
    try {
      const { id: modelId, layers } = model.info
      let tokens: readonly PrecisionToken[] = []
      for await (const chunk of this.#stream(model, ids, controller.signal)) {
        if (!isCurrent()) return
        tokens = [...tokens, ...chunk.tokens]
        this.#change({
          phase: { kind: 'comparing' },
          result: { ...chunk, modelId, layers, ids, texts, tokens },
        })
      }
      if (isCurrent()) this.#change({ phase: { kind: 'done' } })
    } catch (error) {
      if (isCurrent()) this.#change({ phase: ending(error, controller.signal) })
    }
  }

  #stream(model: Model, ids: readonly number[], signal: AbortSignal): AsyncIterable<PrecisionChunk> {
    const { other, kvCache, files } = this.state.getState()
    return model.precision(ids, {
      ...(other === 'files' ? { source: files } : other === 'same' ? {} : { weights: other }),
      ...(kvCache === null ? {} : { kvCache }),
      signal,
      onProgress: ({ bytesDone, bytesTotal }) => {
        if (this.state.getState().phase.kind === 'loading')
          this.#change({ phase: { kind: 'loading', done: bytesDone, total: bytesTotal } })
      },
    })
  }

  #change(part: Partial<PrecisionState>): void {
    this.state.setState(part)
  }
}

function ending(error: unknown, signal: AbortSignal): PrecisionPhase {
  const data = toErrorData(error)
  // A lost device has a state of its own.
  return signal.aborted || data.code === 'device-lost' ? { kind: 'stopped' } : { kind: 'failed', error: data }
}

/** The comparisons of a page: one, whichever panel asks. */
export const precisionOf = perSession((session) => new PrecisionRuns(session))

/** Errors of products by themselves, or those of all steps with what came before. */
export const HEATS = ['own', 'error'] as const
export type HeatOf = (typeof HEATS)[number]

/** Steps as a table: a line for each layer, columns in the order of the forward. */
export interface ErrorTable {
  readonly columns: readonly string[]
  readonly lines: readonly { readonly layer: number; readonly cells: readonly (PrecisionStep | null)[] }[]
  /** Steps outside the layers. */
  readonly outside: readonly PrecisionStep[]
}

export function errorTable(
  { steps: all, layers }: Pick<PrecisionResult, 'steps' | 'layers'>,
  heat: HeatOf,
): ErrorTable {
  const local = ({ name, layer }: PrecisionStep): string => name.slice(`layers.${layer}.`.length)
  const steps = heat === 'own' ? all.filter(({ own }) => own !== null) : all
  const inside = steps.filter(({ layer }) => layer !== null)
  const columns = [...new Set(inside.map(local))]
  const byPlace = new Map(inside.map((step) => [`${step.layer}/${local(step)}`, step]))
  const lines = Array.from({ length: layers }, (_, layer) => ({
    layer,
    cells: columns.map((column) => byPlace.get(`${layer}/${column}`) ?? null),
  }))
  return { columns, lines, outside: steps.filter(({ layer }) => layer === null) }
}

/** Powers of ten between which divergences are coloured. */
export const KL_POWERS = [-5, 0] as const

/** Powers of ten between which the errors of a table lie. */
export function errorPowers(
  { lines, outside }: Pick<ErrorTable, 'lines' | 'outside'>,
  heat: HeatOf,
): readonly [low: number, high: number] {
  const cells = [...lines.flatMap((line) => line.cells), ...outside]
  const errors = cells.flatMap((step) => step?.[heat] ?? []).filter((error) => error > 0)
  if (errors.length === 0) return [-1, 0]
  const [low, high] = [Math.log10(Math.min(...errors)), Math.log10(Math.max(...errors))]
  return low < high ? [low, high] : [low - 1, high]
}

/** Share of a colour scale that a number has between two powers of ten. */
export function powerShare(value: number, [low, high]: readonly [low: number, high: number]): number {
  if (value <= 0) return 0
  return Math.min(1, Math.max(0, (Math.log10(value) - low) / (high - low)))
}
