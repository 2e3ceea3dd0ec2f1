import { createStore } from 'zustand/vanilla'
import { toErrorData, TokenscopeError } from '../../../errors.ts'
import type { Model } from '../../../api/model.ts'
import { measureParts, partKey } from '../../../analysis/ablation.ts'
import { answeringModel } from '../../../state/app.ts'
import { SCORE_LIMIT } from '../../../analysis/divergence.ts'
import { editedRunOf } from './run.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { scalesKey } from '../../../state/textIdentity.ts'

export interface AblationState {
  phase: { kind: 'idle' } | { kind: 'measuring'; done: number; total: number }
  /** The text that was measured, and the adapters it was measured under. */
  ids: readonly number[]
  scales: string
  /** Mean KL over that text, nats, by {@link partKey}: of the parts measured so far. */
  effects: Readonly<Record<string, number>>
}

const NOTHING = { ids: [], scales: '', effects: {} } as const

/** How much each part matters to the text on the page, by what it predicts with that single part off: many such texts run at once. */
export class Ablation {
  readonly state = createStore<AblationState>()(() => ({ phase: { kind: 'idle' }, ...NOTHING }))
  private readonly session: Session
  private controller = new AbortController()

  constructor(session: Session) {
    this.session = session
    session.app.subscribe(({ model, run }, previous) => {
      if (model !== previous.model || run !== previous.run) this.stop()
      if (answeringModel(model) !== answeringModel(previous.model)) this.state.setState(NOTHING)
    })
  }

  stop(): void {
    this.controller.abort()
  }

  async start(): Promise<void> {
    const { shown } = editedRunOf(this.session).measurement.state.getState()
    if (shown === null) return
    this.stop()
    this.controller = new AbortController()
    const { signal } = this.controller
    const { ids, model } = shown
    this.state.setState({ ids, scales: shown.value.scales, effects: {} })
    try {
      await this.measure(model, ids, signal)
    } catch (error) {
      if (toErrorData(error).code !== 'aborted') this.session.report(error)
    } finally {
      if (signal === this.controller.signal) this.state.setState({ phase: { kind: 'idle' } })
    }
  }

  private async measure(model: Model, ids: readonly number[], signal: AbortSignal): Promise<void> {
    const { vocab } = model.info
    if (ids.length * vocab > SCORE_LIMIT) {
      throw new TokenscopeError('limit', `The text has ${ids.length} tokens: too long to be measured.`, {
        hint: 'Write a shorter text.',
        details: { tokens: ids.length, vocab, limit: SCORE_LIMIT },
      })
    }
    const { scales } = this.state.getState()
    for await (const { done, total, effects } of measureParts(model, ids, { signal })) {
      if ((await scalesKey(model)) !== scales)
        throw new TokenscopeError('aborted', 'The adapters were moved.')
      const measured = Object.fromEntries(effects.map(({ part, kl }) => [partKey(part), kl]))
      this.state.setState((state) => ({
        phase: { kind: 'measuring', done, total },
        effects: { ...state.effects, ...measured },
      }))
    }
  }
}

export const ablationOf = perSession((session) => new Ablation(session))
