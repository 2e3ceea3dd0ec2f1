import type { Session } from '../../../state/session.ts'
import type { RunInfo } from '../train/store/keptRuns.ts'
import { trainingOf } from '../train/store/training.ts'

/** Steps after which a run shows what it does. */
const A_WHILE = 10
/** A rate at which no adapter learns. */
const TOO_LARGE = 0.1

/** The run on show, once it has gone on for a while. */
const shownRun = (session: Session): RunInfo | null => {
  const { curve, state } = trainingOf(session).run
  return curve.steps.length >= A_WHILE ? state.getState().run : null
}

const lossesOf = (session: Session): readonly number[] =>
  trainingOf(session).run.curve.steps.map(({ loss }) => loss)

/** What is to be tried in the training view. */
export const TRAINING_CHECKS = {
  otherExample: (session: Session) => trainingOf(session).data.state.getState().selected > 0,
  trainedAWhile: (session: Session) => trainingOf(session).run.curve.steps.length >= A_WHILE,
  /** A run at a rate that is far too large, whose loss has risen above where it began. */
  brokenRun: (session: Session) => {
    const settings = trainingOf(session).run.state.getState().run?.settings
    const [first = Infinity, ...losses] = lossesOf(session)
    return (
      settings !== undefined && settings.learningRate >= TOO_LARGE && losses.some((loss) => !(loss <= first))
    )
  },
  soundRun: (session: Session) => {
    const settings = trainingOf(session).run.state.getState().run?.settings
    const [first = 0, ...losses] = lossesOf(session)
    return (
      settings !== undefined && settings.learningRate < TOO_LARGE && losses.some((loss) => loss < first / 2)
    )
  },
  /** A step whose loss jumped was undone. */
  spikeUndone: (session: Session) =>
    trainingOf(session).run.curve.steps.some(({ skipped }) => skipped?.reason === 'spike'),
  adafactorRun: (session: Session) => shownRun(session)?.settings.optimizer === 'adafactor',
  quantisedRun: (session: Session) => shownRun(session)?.weights.startsWith('q4') === true,
  preferredAWhile: (session: Session) => shownRun(session)?.objective === 'dpo',
} as const
