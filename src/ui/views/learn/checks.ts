import { anatomyOf } from '../../../state/anatomy.ts'
import { attentionOf } from '../attention/store.ts'
import { editsOf } from '../edits/store.ts'
import { lensOf } from '../lens/store.ts'
import { explorerOptions, samplingExplorerOf } from '../sampling/store.ts'
import type { Session } from '../../../state/session.ts'
import { speculationOf } from '../speculate/store.ts'
import { stepsOf } from '../steps/store.ts'
import { selectedRow } from '../../../state/selection.ts'
import { selectedTrack } from './adapterFacts.ts'
import { chosenHead, firstRightLayer, selectedToken } from './facts.ts'
import { TRAINING_CHECKS } from './trainingChecks.ts'
import type { Lesson } from './types.ts'

/** Whether what a task asks for has been done, by what the page shows. */
type Check = (session: Session, lesson: Lesson) => boolean

/** A token is unlikely below this probability. */
const UNSURE = Math.log(0.5)

const ofExplorer =
  (holds: (options: NonNullable<ReturnType<typeof explorerOptions>>) => boolean): Check =>
  (session) => {
    const options = explorerOptions(samplingExplorerOf(session).state.getState())
    return options !== null && holds(options)
  }

export const CHECKS = {
  /** Another token than the one the step began with: row 2. */
  otherToken: (session) => {
    const { rows, row } = stepsOf(session)
    return rows > 0 && row !== 2
  },
  lastStep: (session) => {
    const { steps, index } = stepsOf(session)
    return steps.length > 0 && index === steps.length - 1
  },
  unsureToken: (session) =>
    session.app.getState().pinned !== null && (selectedToken(session)?.logprob ?? 0) < UNSURE,

  /** Of all heads, none looks more at the token before on this text. */
  previousHead: (session) => {
    const { shown } = attentionOf(session).measurement.state.getState()
    const selected = chosenHead(session)
    if (shown === null || selected === null || selected.head === null) return false
    const score = (scores: typeof selected.scores): number => scores.previous ?? 0
    return shown.value.summaries.every(
      ({ head, scores }) => head === null || score(scores) <= score(selected.scores),
    )
  },
  continued: ({ log }) => log.runStart > 0 && log.tokens.length > log.runStart,

  greedy: ofExplorer(({ temperature }) => temperature === 0),
  fewKept: ofExplorer(({ topK }) => topK >= 1 && topK <= 3),
  nucleus: ofExplorer(({ topP }) => topP <= 0.5),
  manyDraws: (session) => samplingExplorerOf(session).state.getState().draws >= 100,
  otherSeed: ({ log }, { text }) =>
    log.settings !== null && log.tokens.length > 0 && log.settings.seed !== text.settings.seed,
  /** A token of the text was put there instead of drawn. */
  otherMind: ({ log }, { text }) =>
    text.settings.temperature > 0 && log.tokens.some(({ random }) => random === null),

  /** A token that stands at another place of the text, too. */
  repeatedToken: (session) => {
    const { log } = session
    const ids = log.idsBefore(log.tokens.length)
    const row = selectedRow(session, ids.length)
    return row !== 2 && ids.some((id, at) => at !== row && id === ids[row])
  },
  mlpOff: (session) =>
    editsOf(session).entries.some(({ on, change }) => {
      if (!on || change.kind !== 'scale' || change.factor !== 0) return false
      const { layers } = anatomyOf(session).state.getState()
      const outputs = layers.flatMap((layer) => layer.outputs)
      return outputs.some(({ step, block }) => block === 'mlp' && step === change.step)
    }),
  firstRightLayer: (session) => {
    const layer = firstRightLayer(session)?.layer ?? null
    return layer !== null && lensOf(session).state.getState().layer === layer
  },
  copyAsked: (session) => {
    const { shown } = speculationOf(session).state.getState()
    return shown?.draft.kind === 'q4_0' && speculationOf(session).rounds.length > 0
  },
  speculated: (session) => {
    const { shown, draft } = speculationOf(session).state.getState()
    // Rounds of another draft model, from before, are not what was asked for.
    return shown?.draft.kind === draft && speculationOf(session).rounds.length > 0
  },
  scaleMoved: (session) => (selectedTrack(session)?.scale ?? 1) !== 1,
  plainMeasured: (session) => speculationOf(session).state.getState().plain !== null,
  ...TRAINING_CHECKS,
} as const satisfies Readonly<Record<string, Check>>

export type CheckName = keyof typeof CHECKS
