import { perSession } from '../../../../state/perSession.ts'
import { TrainData } from './trainData.ts'
import { TrainRun } from './trainRun.ts'

/** What the training view shows: the data, and the run over it. */
export interface Training {
  data: TrainData
  run: TrainRun
}

/** The training of a page: one, whichever panel asks. */
export const trainingOf = perSession((session): Training => {
  const data = new TrainData(session)
  return { data, run: new TrainRun(session, data) }
})
