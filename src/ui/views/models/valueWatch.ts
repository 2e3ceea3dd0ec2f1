import { createStore } from 'zustand/vanilla'
import type { Model, WatchedStep } from '../../../api/model.ts'
import { answeringModel } from '../../../state/app.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

export interface WatchState {
  on: boolean
  /** In the order of the forward; empty before the first are read. */
  steps: readonly WatchedStep[]
}

/** How often counts are read back while they are made. */
const READ_MS = 1000

/** True where a step made values that are none, or that no f16 can hold. */
export const isOdd = ({ nan, infinite, large }: WatchedStep): boolean => nan + infinite + large > 0

/** The switch by which a model counts the values of its steps while it runs; it goes on with the next model. */
export class ValueWatching {
  readonly state = createStore<WatchState>()(() => ({ on: false, steps: [] }))
  private readonly session: Session
  private watched: Model | null = null
  private timer: ReturnType<typeof setInterval> | null = null
  /** The first odd step was told of once. */
  private isTold = false

  constructor(session: Session) {
    this.session = session
    session.app.subscribe((next, previous) => {
      if (next.model !== previous.model && this.state.getState().on) void this.apply()
    })
  }

  setOn(on: boolean): Promise<void> {
    this.state.setState({ on, steps: [] })
    if (!on) this.session.app.setState({ odd: null })
    return this.apply()
  }

  /** Has the model on show count, or no more. */
  private async apply(): Promise<void> {
    const { session } = this
    const { on } = this.state.getState()
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = on ? setInterval(() => void this.read(), READ_MS) : null
    const model = answeringModel(session.app.getState().model)?.remote ? null : session.model
    const changes = model !== this.watched || !on
    this.watched = on ? model : null
    if (!changes || model === null) return
    this.isTold = false
    this.state.setState({ steps: [] })
    try {
      await model.watchValues(on)
    } catch (error) {
      session.report(error)
    }
  }

  private async read(): Promise<void> {
    const model = this.watched
    if (model === null) return
    const steps = await model.watchedValues().catch(() => null)
    // A model that is gone counts no more: the next one is told of by the page.
    if (steps === null || model !== this.watched) return
    this.state.setState({ steps })
    const odd = steps.find(isOdd)
    if (odd === undefined || this.isTold) return
    this.isTold = true
    this.session.app.setState({ odd })
  }
}

export const valueWatchingOf = perSession((session) => new ValueWatching(session))
