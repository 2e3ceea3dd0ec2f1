import { createStore } from 'zustand/vanilla'
import { readExperts, type ExpertMap, type LoadUnit } from '../../../analysis/expertRoutes.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { TextMeasurement } from '../../../state/textMeasurement.ts'

export interface ExpertsState {
  /** Index among the layers with experts. */
  line: number
  by: LoadUnit
}

/** Which experts the tokens of the page's text take: read when a view looks, and again after every run. */
export class Experts {
  readonly measurement: TextMeasurement<ExpertMap>
  readonly state = createStore<ExpertsState>()(() => ({ line: 0, by: 'choices' }))

  constructor(session: Session) {
    this.measurement = new TextMeasurement(session, readExperts)
  }
}

export const expertsOf = perSession((session) => new Experts(session))
