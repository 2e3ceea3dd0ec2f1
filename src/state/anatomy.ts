import { createStore } from 'zustand/vanilla'
import { readAnatomy, UNKNOWN_ANATOMY, type Anatomy } from '../analysis/anatomy.ts'
import type { Model } from '../api/model.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'

/** The parts of the model on the page, for what is drawn at once. */
export class ModelAnatomy {
  readonly state = createStore<Anatomy>()(() => UNKNOWN_ANATOMY)
  readonly #session: Session
  #of: Model | null = null

  constructor(session: Session) {
    this.#session = session
    session.app.subscribe(() => this.#sync())
    this.#sync()
  }

  #sync(): void {
    const { model } = this.#session
    if (model === this.#of) return
    this.#of = model
    this.state.setState(UNKNOWN_ANATOMY, true)
    if (model === null || model.info.remote) return
    readAnatomy(model).then(
      (anatomy) => {
        if (model === this.#of) this.state.setState(anatomy, true)
      },
      (error: unknown) => {
        if (model === this.#of) this.#session.report(error)
      },
    )
  }
}

export const anatomyOf = perSession((session) => new ModelAnatomy(session))
