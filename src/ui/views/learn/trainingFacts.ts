import { formatCount } from '../../../maths/format.ts'
import type { Session } from '../../../state/session.ts'
import { trainingOf } from '../train/store/training.ts'

type Fact = (session: Session) => string | null

/** The example that is looked at in the training view. */
function exampleOf(session: Session) {
  const { examples, selected } = trainingOf(session).data.state.getState()
  return examples[selected] ?? null
}

const ofExample =
  (read: (example: NonNullable<ReturnType<typeof exampleOf>>) => number): Fact =>
  (session) => {
    const example = exampleOf(session)
    return example === null ? null : formatCount(read(example))
  }

/** Facts of the training view. */
export const TRAINING_FACTS = {
  exampleTokens: ofExample(({ ids }) => ids.length),
  exampleCounted: ofExample(({ mask }) => mask.filter((entry, at) => at > 0 && entry === 1).length),
  trainHeld: (session) => {
    const { data, run } = trainingOf(session)
    const { heldOut, seed } = run.state.getState().settings
    return data.state.getState().examples.length === 0
      ? null
      : formatCount(data.split(heldOut, seed).held.length)
  },
  trainRank: (session) => formatCount(trainingOf(session).run.state.getState().settings.rank),
  trainRate: (session) => String(trainingOf(session).run.state.getState().settings.learningRate),
} as const satisfies Readonly<Record<string, Fact>>
