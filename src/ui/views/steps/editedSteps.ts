import { createStore } from 'zustand/vanilla'
import { acting, editedRunOf } from '../edits/run.ts'
import { editsOf, type EditEntry } from '../edits/store.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { stepsOf } from './store.ts'

export interface EditedStepsState {
  on: boolean
  /** The edits the stepper's forward is run under. */
  entries: readonly EditEntry[]
}

/** Whether the stepper shows the edited run, and under which edits. */
export class EditedSteps {
  readonly state = createStore<EditedStepsState>()(() => ({ on: false, entries: [] }))
  private readonly session: Session

  constructor(session: Session) {
    this.session = session
    editsOf(session).state.subscribe(({ entries }, previous) => {
      if (this.state.getState().on && acting(entries) !== acting(previous.entries)) this.set(true)
    })
  }

  set(on: boolean): void {
    const entries = on ? editsOf(this.session).entries.filter((entry) => entry.on) : []
    this.state.setState({ on, entries })
    stepsOf(this.session).runUnder(
      entries.length === 0
        ? null
        : () => {
            const { model } = this.session
            return model === null
              ? Promise.resolve([])
              : editedRunOf(this.session).activations.editsFor(model, entries)
          },
    )
  }
}

export const editedStepsOf = perSession((session) => new EditedSteps(session))
