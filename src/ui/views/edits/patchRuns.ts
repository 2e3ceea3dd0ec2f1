import { createStore } from 'zustand/vanilla'
import { toErrorData, TokenscopeError, type ErrorData } from '../../../errors.ts'
import type { Model } from '../../../api/model.ts'
import { outputOf, readAnatomy, type Anatomy } from '../../../state/anatomy.ts'
import { answeringModel } from '../../../state/app.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

/** What of a layer is patched: the residual stream behind it, or one of its two outputs. */
export const PATCH_KINDS = ['stream', 'attn', 'mlp'] as const
export type PatchKind = (typeof PATCH_KINDS)[number]

/** The step that is patched in a layer; empty where the layer has no such output. */
export function patchStep(anatomy: Anatomy, layer: number, kind: PatchKind): string {
  const step = kind === 'stream' ? anatomy.layers[layer]?.stream : outputOf(anatomy, layer, kind)
  return step ?? ''
}

/** Norms of one step of every layer, at every position. */
export interface NormGrid {
  layers: number
  positions: number
  /** `[layers, positions]`. */
  norms: Float32Array
}

/** Features asked of one forward: 64 MB. */
const BATCH_ELEMENTS = 1 << 24

export async function readNorms(model: Model, ids: readonly number[], kind: PatchKind): Promise<NormGrid> {
  const { layers, hidden } = model.info
  const anatomy = await readAnatomy(model)
  const norms = new Float32Array(layers * ids.length)
  const together = Math.max(1, Math.floor(BATCH_ELEMENTS / (ids.length * hidden)))
  for (let from = 0; from < layers; from += together) {
    const count = Math.min(together, layers - from)
    const probes = Array.from({ length: count }, (_, i) => patchStep(anatomy, from + i, kind))
    const traced = await model.trace(ids, { probes: probes.filter((probe) => probe !== '') })
    probes.forEach((probe, i) => {
      // A layer without such an output adds nothing there.
      if (probe === '') return
      const tensor = traced.get(probe)
      if (tensor === undefined) throw new TokenscopeError('bad-argument', `${probe} was not traced.`)
      norms.set(rowNorms(tensor.data, ids.length), (from + i) * ids.length)
    })
  }
  return { layers, positions: ids.length, norms }
}

/** ‖x‖ of every row of `[rows, width]`. */
export function rowNorms(data: Float32Array, rows: number): Float32Array {
  const width = data.length / rows
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let at = row * width; at < (row + 1) * width; at++) sum += (data[at] ?? 0) ** 2
    return Math.sqrt(sum)
  })
}

/** The run that activations are taken from. */
export interface OtherRun {
  prompt: string
  kind: PatchKind
  ids: readonly number[]
  texts: readonly string[]
  grid: NormGrid
}

export interface PatchState {
  /** As typed. */
  prompt: string
  kind: PatchKind
  other: OtherRun | null
  phase: { kind: 'idle' } | { kind: 'reading' } | { kind: 'failed'; error: ErrorData }
  /** The cell of the other run that waits to be put down. */
  held: { layer: number; position: number } | null
}

/** Two runs to patch between: another prompt's, and the page's own. */
export class PatchRuns {
  readonly own: TextMeasurement<{ kind: PatchKind; grid: NormGrid }>
  readonly state = createStore<PatchState>()(() => ({
    prompt: '',
    kind: 'stream',
    other: null,
    phase: { kind: 'idle' },
    held: null,
  }))
  private readonly session: Session
  private run = 0

  constructor(session: Session) {
    this.session = session
    this.own = new TextMeasurement(session, (model, ids) => this.readOwn(model, ids))
    session.app.subscribe(({ model }, before) => {
      // Another model's activations do not fit this one's.
      if (answeringModel(model) !== answeringModel(before.model))
        this.state.setState({ other: null, held: null })
    })
  }

  setKind(kind: PatchKind): void {
    const { other } = this.state.getState()
    this.state.setState({ kind, held: null })
    this.own.refresh()
    if (other !== null) void this.readOther(other.prompt)
  }

  /** Runs another prompt. */
  async readOther(prompt = this.state.getState().prompt): Promise<void> {
    const { model } = this.session
    if (model === null) return
    const run = (this.run += 1)
    const { kind } = this.state.getState()
    this.state.setState({ phase: { kind: 'reading' }, held: null })
    try {
      const ids = await encodePrompt(model, prompt, this.session.app.getState())
      const grid = await readNorms(model, ids, kind)
      const texts = model.info.hasTokenizer ? await model.tokenTexts(ids) : ids.map(() => '')
      if (run !== this.run) return
      this.state.setState({ phase: { kind: 'idle' }, other: { prompt, kind, ids, texts, grid } })
    } catch (error) {
      if (run === this.run) this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  private async *readOwn(
    model: Model,
    ids: readonly number[],
  ): AsyncIterable<{ kind: PatchKind; grid: NormGrid }> {
    const { kind } = this.state.getState()
    yield { kind, grid: await readNorms(model, ids, kind) }
  }
}

export const patchRunsOf = perSession((session) => new PatchRuns(session))
