import { readAnatomy, type Anatomy } from '../../../analysis/anatomy.ts'
import { adapterActionsOf } from '../../../state/adapterActions.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { attentionOf, type ChosenHead } from '../attention/store.ts'
import { answeringModel, isRunning } from '../../../state/app.ts'
import { editsOf } from '../edits/store.ts'
import { lensOf } from '../lens/store.ts'
import { samplingExplorerOf } from '../sampling/store.ts'
import type { Session } from '../../../state/session.ts'
import { SETTING_NAMES } from '../../../state/settings.ts'
import { speculationOf } from '../speculate/store.ts'
import { stepsOf, type TensorCell } from '../steps/store.ts'
import { settingsOfSet } from '../train/store/settings.ts'
import { trainingOf } from '../train/store/training.ts'
import { isUnderWay } from '../train/store/runState.ts'
import { selectRow } from '../../../state/selection.ts'
import type { GeneratedToken } from '../../../api/model.ts'
import { chosenStep, type HeadChoice, type LessonText, type LessonPlace, type TokenChoice } from './types.ts'

/** Shows the view and the region a step is about. */
export function openView({ app }: Session, { view, region }: LessonPlace): void {
  app.setState(({ layout }) => ({
    view,
    narrow: region ?? 'view',
    // One side is enough beside a lesson; the other one folds to its edge.
    layout: { ...layout, navOpen: false, leftOpen: region === 'left', rightOpen: region === 'right' },
  }))
}

/** True when the page shows this text, written by the model that answers now. */
export function showsText({ app, log, model }: Session, { prompt, settings }: LessonText): boolean {
  const runSettings = log.settings
  return (
    model !== null &&
    log.modelId === model.info.id &&
    app.getState().prompt === prompt &&
    log.tokens.length > 0 &&
    log.runStart === 0 &&
    runSettings !== null &&
    SETTING_NAMES.every((name) => runSettings[name] === settings[name]) &&
    log.tokens.every((token) => token.random !== null || settings.temperature === 0)
  )
}

/** Puts the text of a lesson on the page, in place of the one that is there. */
export async function writeText(session: Session, { prompt, settings }: LessonText): Promise<void> {
  session.app.setState({ prompt, settings: { ...settings } })
  await session.generate({ ...settings })
}

/** Chooses, in the view, what a step is about. Waits for what has to be read first, as long as `wanted` holds. */
export async function choose(session: Session, place: LessonPlace, wanted: () => boolean): Promise<void> {
  if (place.token !== undefined) chooseToken(session, place.token)
  if (place.step !== undefined && place.view === 'steps') await chooseStep(session, place, wanted)
  if (!wanted()) return
  const { state } = attentionOf(session)
  if (place.tab !== undefined) state.setState({ tab: place.tab })
  const lens = lensOf(session).state
  if (place.layer !== undefined) lens.setState({ layer: place.layer })
  if (place.detail !== undefined) lens.setState({ detail: place.detail })
  if (place.tool !== undefined) editsOf(session).state.setState({ tool: place.tool })
  if (place.freshSampler) {
    samplingExplorerOf(session).reset()
    samplingExplorerOf(session).lookAhead(false)
  }
  if (place.draft !== undefined) speculationOf(session).state.setState({ draft: place.draft })
  if (place.runs && place.draft !== undefined) await speculate(session, place.draft)
  if (place.weights !== undefined) await loadAs(session, place.weights)
  if (place.data !== undefined && wanted()) await takeData(session, place.data)
  if (place.set !== undefined) await openSet(session, place.set, wanted)
  if (place.learns && wanted()) learn(session)
  if (place.cuts !== undefined) {
    const { tokenizersOf } = await import('../tokenizer/store.ts')
    if (wanted()) tokenizersOf(session).setText(place.cuts)
  }
  if (place.head !== undefined) await chooseHead(session, place.head, wanted)
  if (place.adapter !== undefined && wanted()) await lookInto(session, place.adapter, wanted)
  if (place.adapterDetail !== undefined) adaptersOf(session).state.setState({ detail: place.adapterDetail })
}

async function chooseStep(session: Session, place: LessonPlace, wanted: () => boolean): Promise<void> {
  const { model } = session
  if (model === null) return
  const step = stepOfPlace(session, await readAnatomy(model), place)
  if (step === undefined || !wanted()) return
  const steps = stepsOf(session)
  steps.state.setState({ cell: null })
  // Before there is a forward the name is kept for it.
  if (steps.steps.length > 0) steps.goTo(step)
  else steps.state.setState({ step })
  if (place.ofHead !== true) return
  const { state } = steps
  await until(() => !wanted() || ['ready', 'failed'].includes(state.getState().phase.kind), [state.subscribe])
  if (wanted()) state.setState({ cell: cellOfHead(session, model.info.headDim, steps.row, step) })
}

/** The step a place is about, in the layer of the head on show where the place says so. */
export function stepOfPlace(
  session: Session,
  anatomy: Anatomy,
  { step, ofHead }: LessonPlace,
): string | undefined {
  if (step === undefined) return undefined
  const { layer } = attentionOf(session).state.getState().chosen
  return chosenStep(anatomy, ofHead && 'roles' in step ? { ...step, layer } : step)
}

/** Of scores the head's own, at the key that the row looks at most; of what lies head by head its first column. */
function cellOfHead(session: Session, headDim: number, row: number, step: string): TensorCell {
  const attention = attentionOf(session)
  const { layer, head } = attention.state.getState().chosen
  const steps = stepsOf(session)
  const { axes } = steps.steps.find(({ name }) => name === step) ?? { axes: [] }
  const at = head ?? 0
  if (axes.length < 3) return { slice: 0, row, col: at * headDim }
  const size = steps.rows
  const weights = attention.peek(layer)?.subarray((at * size + row) * size, (at * size + row + 1) * size)
  return { slice: at, row, col: weights === undefined ? row : weights.indexOf(Math.max(...weights)) }
}

async function lookInto(session: Session, id: string, wanted: () => boolean): Promise<void> {
  const adapters = adaptersOf(session)
  const find = () =>
    adapters.state.getState().tracks.find(({ origin }) => origin.kind === 'listed' && origin.id === id)
  await session.underWay()
  const entry = session.app.getState().catalogue.adapters.find((one) => one.id === id)
  if (find() === undefined && entry !== undefined && wanted())
    await adapterActionsOf(session).addListed(entry)
  const track = find()
  if (track !== undefined) adapters.state.setState({ selected: track.id })
}

function chooseToken(session: Session, choice: TokenChoice): void {
  const { log } = session
  if (typeof choice === 'object') {
    selectRow(session, 'row' in choice ? choice.row : log.promptIds.length + choice.generated)
    return
  }
  const [chosen] = log.tokens.toSorted((a, b) => rankFor(choice, a) - rankFor(choice, b))
  if (chosen === undefined) return
  const offset = choice === 'beforeSurest' ? 1 : 0
  selectRow(session, log.promptIds.length + chosen.index - offset)
}

/** Share of the best candidate where a few others stand a chance. */
const TORN = 0.4

/** Least for the token that a choice names. */
function rankFor(choice: 'torn' | 'beforeSurest', { logprob, top }: GeneratedToken): number {
  if (choice === 'beforeSurest') return -logprob
  return Math.abs(Math.exp(top[0]?.logprob ?? 0) - TORN)
}

async function openSet(session: Session, name: string, wanted: () => boolean): Promise<void> {
  const { data, run } = trainingOf(session)
  if (data.state.getState().set === name || isUnderWay(run.state.getState().phase)) return
  await data.list()
  const set = data.state.getState().sets?.find((one) => one.name === name)
  if (set === undefined || !wanted()) return
  run.setUp(settingsOfSet(set.settings, set.adapter, set.heldOut))
  await data.openSet(set)
}

/** Weights as they are stored are taken up again where another format was asked for. */
export async function loadAs(session: Session, weights: NonNullable<LessonPlace['weights']>): Promise<void> {
  const { model } = session
  if (model === null || model.info.remote) return
  const isPacked = model.info.weights === 'q4_0'
  if (isPacked !== (weights === 'q4_0')) await session.reload({ weights })
}

async function takeData(session: Session, text: string): Promise<void> {
  const { data, run } = trainingOf(session)
  if (data.state.getState().text === text || isUnderWay(run.state.getState().phase)) return
  await data.setText(text, { name: '', set: null })
}

/** The run goes on beside the lesson. */
function learn(session: Session): void {
  const { data, run } = trainingOf(session)
  const { phase, adapter, run: shown } = run.state.getState()
  const isThere = adapter !== null && shown?.set === data.state.getState().set
  if (isThere || isUnderWay(phase)) return
  run.start().catch((error: unknown) => session.report(error))
}

async function speculate(session: Session, draft: NonNullable<LessonPlace['draft']>): Promise<void> {
  const speculation = speculationOf(session)
  const { shown } = speculation.state.getState()
  const there = shown?.draft.kind === draft && shown.prompt === session.app.getState().prompt
  if (!speculation.working && !(there && speculation.rounds.length > 0)) await speculation.start()
}

/** A head named by what it does has to be found first: the text is read for that. */
async function chooseHead(session: Session, choice: HeadChoice, wanted: () => boolean): Promise<void> {
  const attention = attentionOf(session)
  if (typeof choice === 'object') return attention.choose(choice)
  const { state } = attention.measurement
  await until(
    () => !wanted() || ['ready', 'failed'].includes(state.getState().phase.kind),
    [state.subscribe, session.app.subscribe],
  )
  let best: ChosenHead | null = null
  let most = -1
  for (const { layer, head, scores } of state.getState().shown?.value.summaries ?? []) {
    const score = scores[choice]
    if (head === null || score === null || score <= most) continue
    most = score
    best = { layer, head }
  }
  if (wanted() && best !== null) attention.choose(best)
}

/** Resolves once the page is at rest with a model that answers; also once no caller waits any more. */
export function atRest({ app }: Session, wanted: () => boolean): Promise<void> {
  const rests = (): boolean => {
    const { model, run } = app.getState()
    return !wanted() || (model.kind !== 'loading' && answeringModel(model) !== null && !isRunning(run))
  }
  return until(rests, [app.subscribe])
}

type Subscribe = (listener: () => void) => () => void

/** Resolves once a condition holds, looked at whenever one of these stores changes. */
function until(holds: () => boolean, stores: readonly Subscribe[]): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const ends: (() => void)[] = []
    const look = (): void => {
      if (!holds()) return
      for (const end of ends.splice(0)) end()
      resolve()
    }
    for (const subscribe of stores) ends.push(subscribe(look))
  })
}
