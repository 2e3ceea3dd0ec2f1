import { formatBytes, formatCount } from '../../../maths/format.ts'
import { adaptersOf } from '../../../state/adapters.ts'
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

/** Rows and columns of every factor of the adapter that has learned; null before there is one. */
function factorsOf(session: Session): readonly (readonly [rows: number, columns: number])[] | null {
  const { adapter } = trainingOf(session).run.state.getState()
  const track = adaptersOf(session)
    .state.getState()
    .tracks.find(({ id }) => id === adapter)
  return track?.report.matched.flatMap(({ shapes: { a, b } }) => [a, b]) ?? null
}

/** Bytes of a value each that some count of every factor takes. */
const bytesOfFactors =
  (values: (rows: number, columns: number) => number): Fact =>
  (session) => {
    const factors = factorsOf(session)
    if (factors === null) return null
    return formatBytes(4 * factors.reduce((sum, [rows, columns]) => sum + values(rows, columns), 0))
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
  trainedNumbers: (session) => {
    const factors = factorsOf(session)
    return factors && formatCount(factors.reduce((sum, [rows, columns]) => sum + rows * columns, 0))
  },
  /** Two moments of every number; of Adafactor a mean of every row and column. */
  adamwBytes: bytesOfFactors((rows, columns) => 2 * rows * columns),
  adafactorBytes: bytesOfFactors((rows, columns) => rows + columns),
  trainPairs: (session) => {
    const { examples } = trainingOf(session).data.state.getState()
    return examples.length === 0 ? null : formatCount(examples.length)
  },
  trainBeta: (session) => String(trainingOf(session).run.state.getState().settings.beta),
  trainRate: (session) => String(trainingOf(session).run.state.getState().settings.learningRate),
} as const satisfies Readonly<Record<string, Fact>>
