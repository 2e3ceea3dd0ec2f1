import { stepWithRole } from '../../../analysis/anatomy.ts'
import { attentionOf } from '../attention/store.ts'
import type { HeadSummary } from '../attention/readAttention.ts'
import { answeringModel } from '../../../state/app.ts'
import { cacheOf } from '../attention/cache/store.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { lensCell, lensOf, lensText, type LensMap } from '../lens/store.ts'
import { explorerOptions, samplingExplorerOf } from '../sampling/store.ts'
import { stageTable } from '../../../analysis/samplingStages.ts'
import type { Session } from '../../../state/session.ts'
import { speculationOf } from '../speculate/store.ts'
import { totalsOf } from '../../../analysis/speculatedRounds.ts'
import { labelRows } from '../../../state/tokenLabels.ts'
import { stepsOf } from '../steps/store.ts'
import { selectedRow } from '../../../state/selection.ts'
import { formatBytes, formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { ADAPTER_FACTS } from './adapterFacts.ts'
import { TRAINING_FACTS } from './trainingFacts.ts'
import type { GeneratedToken, LensCell, ModelInfo } from '../../../api/model.ts'

/** A number or a word of the page as it stands, spelled as the page spells it; null while it is not there. */
type Fact = (session: Session) => string | null

const asCount = (count: number | null): string | null => (count === null ? null : formatCount(count))

const ofModel =
  (read: (info: ModelInfo) => string): Fact =>
  ({ app }) => {
    const info = answeringModel(app.getState().model)
    return info === null ? null : read(info)
  }

/** The generated token that is selected, else the newest. */
export function selectedToken({ app, log }: Session): GeneratedToken | null {
  return log.tokens[app.getState().pinned ?? log.tokens.length - 1] ?? null
}

const ofToken =
  (read: (token: GeneratedToken) => string | null): Fact =>
  (session) => {
    const token = selectedToken(session)
    return token === null ? null : read(token)
  }

const named = (text: string | undefined, id: number): string =>
  text === undefined || text === '' ? `#${id}` : visibleText(text)

/** Row of the selected token of the whole text, its id and its text. */
function selectedPlace(session: Session): { row: number; id: number; text: string } | null {
  const { log } = session
  const ids = log.idsBefore(log.tokens.length)
  const row = selectedRow(session, ids.length)
  const id = ids[row]
  const text = labelRows(log, ids.length)[row]
  return id === undefined ? null : { row, id, text: named(text, id) }
}

const ofPlace =
  (read: (place: { row: number; id: number; text: string }) => string): Fact =>
  (session) => {
    const place = selectedPlace(session)
    return place === null ? null : read(place)
  }

/** The head on show, measured over the text on the page. */
export function chosenHead(session: Session): HeadSummary | null {
  const { measurement, state } = attentionOf(session)
  const { layer, head } = state.getState().chosen
  const summaries = measurement.state.getState().shown?.value.summaries ?? []
  return summaries.find((one) => one.layer === layer && one.head === head) ?? null
}

const ofHead =
  (read: (head: HeadSummary) => string | null): Fact =>
  (session) => {
    const head = chosenHead(session)
    return head === null ? null : read(head)
  }

/** What the sampling view shows under the settings moved there, with the drawn interval of its bar. */
function explorerTable(session: Session) {
  const explorer = samplingExplorerOf(session).state.getState()
  const options = explorerOptions(explorer)
  if (explorer.place === null || options === null) return null
  const { plain, contextIds, random } = explorer.place
  const table = stageTable(plain, { options, seenIds: contextIds, random, limit: 32, always: [] })
  const interval = table.rows.find(({ id }) => id === table.sampled.chosen)?.interval ?? null
  return { table, random, interval, place: explorer.place }
}

type ExplorerTable = NonNullable<ReturnType<typeof explorerTable>>

/** The table made last: several facts of a sentence come from one. */
let latest: { of: object; table: ExplorerTable | null } | null = null

function stageTableOnce(session: Session): ExplorerTable | null {
  const of = samplingExplorerOf(session).state.getState()
  if (latest?.of !== of) latest = { of, table: explorerTable(session) }
  return latest.table
}

const ofExplorer =
  (read: (explorer: ExplorerTable) => string | null): Fact =>
  (session) => {
    const explorer = stageTableOnce(session)
    return explorer === null ? null : read(explorer)
  }

/** What the last layer predicts behind the selected token. */
const ofLens =
  (read: (cell: LensCell, map: LensMap) => string | null): Fact =>
  (session) => {
    const { shown } = lensOf(session).measurement.state.getState()
    if (shown === null) return null
    const last = shown.value.layers.at(-1) ?? 0
    const cell = lensCell(shown.value, last, selectedRow(session, shown.ids.length))
    return cell === null ? null : read(cell, shown.value)
  }

/** The first layer whose best token is the one that comes next, at the selected row; null where none is. */
export function firstRightLayer(session: Session): { map: LensMap; layer: number | null } | null {
  const { shown } = lensOf(session).measurement.state.getState()
  if (shown === null) return null
  const position = selectedRow(session, shown.ids.length)
  const right = shown.value.layers.find((layer) => {
    const cell = lensCell(shown.value, layer, position)
    return cell !== null && cell.token !== null && cell.top[0]?.id === cell.token
  })
  return { map: shown.value, layer: right ?? null }
}

const ofRounds =
  (read: (rounds: ReturnType<typeof speculationOf>['rounds']) => string | null): Fact =>
  (session) => {
    const { rounds } = speculationOf(session)
    return rounds.length === 0 ? null : read(rounds)
  }

/** Bytes of keys and values a position takes in all layers, as the cache counts them. */
function bytesPerPosition(session: Session): number | null {
  const report = cacheOf(session).state.getState().stock?.report
  return report === undefined ? null : (report.bytesPerPageAndLayer / report.pageSize) * report.layers
}

/** What `{name}` in the words of a lesson stands for. Nothing here is typed in: all of it is read off the page. */
export const FACTS = {
  layers: ofModel(({ layers }) => formatCount(layers)),
  heads: ofModel(({ heads }) => formatCount(heads)),
  allHeads: ofModel(({ layers, heads }) => formatCount(layers * heads)),
  headDim: ofModel(({ headDim }) => formatCount(headDim)),
  hidden: ofModel(({ hidden }) => formatCount(hidden)),
  vocab: ofModel(({ vocab }) => formatCount(vocab)),
  weights: ofModel(({ weights }) => weights),
  modelBytes: ofModel(({ gpuBytes }) => formatBytes(gpuBytes)),

  promptTokens: ({ log }) => (log.promptIds.length === 0 ? null : formatCount(log.promptIds.length)),
  written: ({ log }) => (log.tokens.length === 0 ? null : formatCount(log.tokens.length)),
  reused: ({ log }) => asCount(log.timing?.reused ?? null),
  prefillRows: ({ log }) => asCount(log.timing?.prefillRows ?? null),

  token: ofPlace(({ text }) => text),
  tokenId: ofPlace(({ id }) => String(id)),
  position: ofPlace(({ row }) => String(row)),

  best: ofToken(({ top }) => (top[0] === undefined ? null : named(top[0].text, top[0].id))),
  bestShare: ofToken(({ top }) =>
    top[0] === undefined ? null : formatProbability(Math.exp(top[0].logprob)),
  ),

  stepCount: (session) => {
    const count = stepsOf(session).steps.length
    return count === 0 ? null : formatCount(count)
  },
  stepBytes: (session) => {
    const { steps, index } = stepsOf(session)
    const bytes = steps[index]?.bytes
    return bytes === undefined ? null : formatBytes(bytes)
  },
  inner: (session) => {
    const width = stepWithRole(stepsOf(session).steps, 0, 'gate', 'up')?.axes.at(-1)?.size
    return width === undefined ? null : formatCount(width)
  },

  headLayer: ofHead(({ layer }) => String(layer)),
  headNumber: ofHead(({ head }) => (head === null ? null : String(head))),
  headFirst: ofHead(({ scores }) => (scores.first === null ? null : formatFixed(scores.first, 2))),
  headPrevious: ofHead(({ scores }) => (scores.previous === null ? null : formatFixed(scores.previous, 2))),
  bytesPerPosition: (session) => {
    const bytes = bytesPerPosition(session)
    return bytes === null ? null : formatBytes(bytes)
  },
  bytesOfText: (session) => {
    const bytes = bytesPerPosition(session)
    const { promptIds, tokens } = session.log
    return bytes === null ? null : formatBytes(bytes * (promptIds.length + tokens.length))
  },

  drawRandom: ofExplorer(({ random }) => formatFixed(random, 4)),
  drawFrom: ofExplorer(({ interval }) => (interval === null ? null : formatFixed(interval[0], 4))),
  drawTo: ofExplorer(({ interval }) => (interval === null ? null : formatFixed(interval[1], 4))),
  kept: ofExplorer(({ table }) => formatCount(table.sampled.ids.length)),
  stageBestShare: ofExplorer(({ table }) => {
    const share = table.rows[0]?.shares[0]
    return share === undefined || share === null ? null : formatProbability(share)
  }),
  explorerToken: ofExplorer(({ place: { token } }) => (token === null ? null : named(token.text, token.id))),
  runSeed: ({ log }) => (log.settings === null ? null : String(log.settings.seed)),

  lensTop: ofLens(({ top, position }, map) => {
    const best = top[0]
    return best === undefined ? null : named(lensText(map, position, best.id), best.id)
  }),
  lensShare: ofLens(({ top }) => (top[0] === undefined ? null : formatProbability(top[0].probability))),

  accepted: ofRounds((rounds) => {
    const { accepted, proposed } = totalsOf(rounds)
    return proposed === 0 ? null : formatProbability(accepted / proposed)
  }),
  rounds: ofRounds((rounds) => formatCount(rounds.length)),
  roundTokens: ofRounds((rounds) => formatCount(totalsOf(rounds).tokens)),
  ...ADAPTER_FACTS,
  ...TRAINING_FACTS,
} as const satisfies Readonly<Record<string, Fact>>

export type FactName = keyof typeof FACTS

export const isFact = (name: string): name is FactName => Object.hasOwn(FACTS, name)
