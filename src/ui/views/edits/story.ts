import { createStore } from 'zustand/vanilla'
import { toErrorData } from '../../../errors.ts'
import type { ComparedToken, Model } from '../../../api/model.ts'
import { isRunning } from '../../../state/app.ts'
import { editedRunOf } from './run.ts'
import { editsOf, type EditEntry } from './store.ts'
import { oncePerFrame } from '../../../state/frames.ts'
import { perSession } from '../../../state/perSession.ts'
import { encodePrompt } from '../../../state/encodePrompt.ts'
import type { Session } from '../../../state/session.ts'

export type StoryPhase =
  | { kind: 'empty' }
  | { kind: 'prefill'; done: number; total: number }
  | { kind: 'running' }
  | { kind: 'done' }
  | { kind: 'stopped' }
  | { kind: 'failed' }

export interface StoryState {
  phase: StoryPhase
  /** The edits behind what is shown, and the prompt; null before any run. */
  shown: { entries: readonly EditEntry[]; prompt: string } | null
  /** Grows with the tokens, which are kept outside the store. */
  version: number
}

/** The prompt continued twice in one batch: as the model is, and under the edits. */
export class EditStory {
  readonly state = createStore<StoryState>()(() => ({ phase: { kind: 'empty' }, shown: null, version: 0 }))
  readonly tokens: ComparedToken[] = []
  private readonly session: Session
  private controller: AbortController | null = null
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0
  /** However fast tokens come, one render a frame. */
  private readonly bumpSoon = oncePerFrame(() => this.bump())

  constructor(session: Session) {
    this.session = session
    session.app.subscribe(({ model }, previous) => {
      if (model !== previous.model && model.kind !== 'ready') this.stop()
    })
  }

  stop(): void {
    this.controller?.abort()
  }

  async start(): Promise<void> {
    const { session } = this
    const { model } = session
    if (model === null) return
    this.stop()
    if (isRunning(session.app.getState().run)) session.stop()
    const run = (this.run += 1)
    this.controller = new AbortController()
    const { signal } = this.controller
    const { prompt } = session.app.getState()
    const entries = editsOf(session).entries.filter(({ on }) => on)
    this.tokens.length = 0
    this.state.setState({ phase: { kind: 'prefill', done: 0, total: 0 }, shown: { entries, prompt } })
    try {
      await this.write(run, model, signal)
      if (run === this.run) this.state.setState({ phase: { kind: signal.aborted ? 'stopped' : 'done' } })
    } catch (error) {
      if (run !== this.run) return
      const aborted = toErrorData(error).code === 'aborted'
      this.state.setState({ phase: { kind: aborted ? 'stopped' : 'failed' } })
      if (!aborted) session.report(error)
    } finally {
      this.bump()
    }
  }

  private async write(run: number, model: Model, signal: AbortSignal): Promise<void> {
    const { prompt, settings } = this.session.app.getState()
    const { shown } = this.state.getState()
    const ids = await encodePrompt(model, prompt, this.session.app.getState())
    const edits = await editedRunOf(this.session).activations.editsFor(model, shown?.entries ?? [])
    const scales = (await model.listAdapters()).map(({ id, scale }) => ({ id, scale }))
    if (run !== this.run) return
    const stream = model.compare(ids, {
      ...settings,
      a: scales,
      b: scales,
      edits,
      topLogprobs: 0,
      signal,
      onPrefill: (done, total) => {
        if (run === this.run) this.state.setState({ phase: { kind: 'prefill', done, total } })
      },
    })
    for await (const token of stream) {
      if (run !== this.run) return
      if (this.tokens.length === 0) this.state.setState({ phase: { kind: 'running' } })
      this.tokens.push(token)
      this.bumpSoon()
    }
  }

  private bump(): void {
    this.state.setState(({ version }) => ({ version: version + 1 }))
  }
}

export const editStoryOf = perSession((session) => new EditStory(session))
