import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { Model } from '../../../api/model.ts'
import { readNorms, type NormGrid, type PatchKind } from '../../../analysis/patching.ts'
import { answeringModel } from '../../../state/app.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

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
  readonly ownRun: TextMeasurement<{ kind: PatchKind; grid: NormGrid }>
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
    this.ownRun = new TextMeasurement(session, (model, ids) => this.readOwn(model, ids))
    session.app.subscribe(({ model }, previous) => {
      // Another model's activations do not fit this one's.
      if (answeringModel(model) !== answeringModel(previous.model))
        this.state.setState({ other: null, held: null })
    })
  }

  setKind(kind: PatchKind): void {
    const { other } = this.state.getState()
    this.state.setState({ kind, held: null })
    this.ownRun.refresh()
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
