import { entropyBits, logSumExp } from '../maths/distribution.ts'
import { randomUniform } from '../maths/rng.ts'
import { stagesOf, type SampleStages } from '../decode/samplers.ts'
import { rankAll, type FullOrder, type FullRanking } from '../maths/fullRanking.ts'
import type { SamplingOptions } from '../api/model.ts'

/** The model's own distribution, then what is left of it after each stage, in the order they act. */
export const STAGES = ['raw', 'penalty', 'temperature', 'top-k', 'top-p', 'min-p'] as const
export type ShownStageName = (typeof STAGES)[number]

export interface Stage {
  name: ShownStageName
  /** False when the options make it do nothing. */
  active: boolean
  /** Tokens left behind it. */
  kept: number
  /** Share of the probability entering it that it keeps. */
  mass: number
  /** Of the distribution behind it. */
  entropyBits: number
}

/** One candidate on its way through all stages. */
export interface StageRow {
  id: number
  logit: number
  /** The logit after the penalty. */
  score: number
  /** Seen before, so that the penalty moves it. */
  seen: boolean
  /** Probability behind every stage; null from the one that cut it. */
  shares: readonly (number | null)[]
  /** Index of the stage that cut it. */
  cutAt: number | null
  /** Its interval of the cumulative distribution; null when it was cut. */
  interval: readonly [from: number, to: number] | null
}

export interface StageTable {
  stages: readonly Stage[]
  /** By score, descending: the first ones, then those asked for wherever they stand. */
  rows: readonly StageRow[]
  /** All others: how many, and their probability behind every stage. */
  rest: { count: number; shares: readonly number[] }
  sampled: SampleStages
}

export interface StageRequest {
  options: SamplingOptions
  seenIds: readonly number[]
  /** In [0, 1). */
  random: number
  /** Rows by rank. */
  limit: number
  /** Ids that get a row in any case, like the one that is drawn. */
  always: readonly number[]
}

/** What a row of logits is before anything is done to it. */
export interface PlainRow {
  order: FullOrder
  logSumExp: number
  /** NaN where only a part of the distribution is known. */
  entropyBits: number
  /** Probability of the logits that are there; 1 where all are. */
  mass?: number
}

export function plainRow(order: FullOrder): PlainRow {
  const { logits } = order
  return { order, logSumExp: logSumExp(logits), entropyBits: entropyBits(logits) }
}

/** The whole chain for one set of options. A few passes over the vocabulary, no sort, no forward. */
export function stageTable(plain: PlainRow, request: StageRequest): StageTable {
  const { options, seenIds, random, limit, always } = request
  const { temperature, repetitionPenalty } = options
  const greedy = temperature === 0
  const ranking = rankAll(plain.order, {
    temperature: greedy ? 1 : temperature,
    repetitionPenalty,
    seenIds,
  })
  const sampled = stagesOf(ranking, options, random)
  const { scores } = ranking
  const penalised =
    repetitionPenalty === 1 ? plain : { logSumExp: logSumExp(scores), entropyBits: entropyBits(scores) }
  const stages = describeStages({ plain, penalised, ranking, sampled, temperature })
  const seen = new Set(seenIds)
  const makeRow = rowMaker({ plain, ranking, sampled, stages, shift: penalised.logSumExp, greedy, seen })
  const rows = shownPlaces(ranking, limit, [...always, sampled.chosen]).map(makeRow)
  const shares = STAGES.map((_, stage) =>
    Math.max(0, 1 - rows.reduce((sum, row) => sum + (row.shares[stage] ?? 0), 0)),
  )
  return { stages, rows, rest: { count: plain.order.logits.length - rows.length, shares }, sampled }
}

interface StageParts {
  plain: PlainRow
  penalised: Pick<PlainRow, 'entropyBits'>
  ranking: FullRanking
  sampled: SampleStages
  temperature: number
}

function describeStages({ plain, penalised, ranking, sampled, temperature }: StageParts): Stage[] {
  // A greedy choice leaves one token, and no entropy.
  const ends = temperature === 0 ? [] : sampled.stages.slice(1).map(({ kept }) => kept ?? 0)
  const cut = prefixEntropies(ranking, ends, temperature)
  const entropies = [plain.entropyBits, penalised.entropyBits, ...cut]
  return STAGES.map((name, stage) => {
    const step = sampled.stages[stage - 1]
    return {
      name,
      active: step?.active ?? false,
      kept: step?.kept ?? plain.order.ids.length,
      mass: name === 'raw' ? (plain.mass ?? 1) : 1 - (step?.cutMass ?? 0),
      entropyBits: entropies[stage] ?? 0,
    }
  })
}

function shownPlaces({ ids }: FullRanking, limit: number, always: readonly number[]): number[] {
  const places = Array.from({ length: Math.min(limit, ids.length) }, (_, place) => place)
  const added = new Set<number>()
  for (const id of always) {
    const place = ids.indexOf(id)
    if (place >= places.length) added.add(place)
  }
  return [...places, ...[...added].sort((a, b) => a - b)]
}

interface RowParts {
  plain: PlainRow
  ranking: FullRanking
  sampled: SampleStages
  stages: readonly Stage[]
  /** Log-sum-exp of the penalised scores. */
  shift: number
  greedy: boolean
  seen: ReadonlySet<number>
}

function rowMaker(parts: RowParts): (place: number) => StageRow {
  const { plain, ranking, sampled, stages, shift, greedy, seen } = parts
  const totals = stages.map(({ kept }) => ranking.cumulative[kept - 1] ?? 0)
  return (place) => {
    const id = ranking.ids[place]!
    const [logit, score] = [plain.order.logits[id]!, ranking.scores[id]!]
    const shares = stages.map(({ name, kept }, stage) => {
      if (name === 'raw') return Math.exp(logit - plain.logSumExp)
      if (name === 'penalty') return Math.exp(score - shift)
      if (place >= kept) return null
      return greedy ? 1 : ranking.weights[place]! / totals[stage]!
    })
    const cutAt = shares.indexOf(null)
    const interval =
      cutAt === -1 ? ([sampled.cumulative[place - 1] ?? 0, sampled.cumulative[place] ?? 1] as const) : null
    return { id, logit, score, seen: seen.has(id), shares, cutAt: cutAt === -1 ? null : cutAt, interval }
  }
}

/** Entropy in bits of the first n tokens by themselves, for every n of `ends`. */
function prefixEntropies(
  { ids, scores, weights, cumulative }: FullRanking,
  ends: readonly number[],
  temperature: number,
): number[] {
  const last = Math.max(0, ...ends)
  const top = scores[ids[0]!]!
  const entropies = new Map<number, number>()
  const wanted = new Set(ends)
  let moment = 0
  for (let place = 0; place < last; place++) {
    const weight = weights[place]!
    // A weight of 0 adds nothing: w ln w tends to 0 with w.
    if (weight > 0) moment += weight * ((scores[ids[place]!]! - top) / temperature)
    if (wanted.has(place + 1)) {
      const mass = cumulative[place]!
      entropies.set(place + 1, Math.max(0, Math.log(mass) - moment / mass) / Math.LN2)
    }
  }
  return ends.map((end) => entropies.get(end) ?? 0)
}

/** An interval of the bar of the draw: one token, or all that are too narrow to tell apart. */
export interface Segment {
  /** Null for several tokens. */
  id: number | null
  count: number
  from: number
  to: number
}

/** The cumulative distribution as at most `limit` single tokens and what is left; the drawn one is never lumped. */
export function segmentsOf(sampled: SampleStages, limit: number): Segment[] {
  const { ids, cumulative, chosenRank } = sampled
  const single = (place: number): Segment => ({
    id: ids[place]!,
    count: 1,
    from: cumulative[place - 1] ?? 0,
    to: cumulative[place]!,
  })
  const lump = (begin: number, end: number): Segment[] =>
    begin < end
      ? [{ id: null, count: end - begin, from: cumulative[begin - 1] ?? 0, to: cumulative[end - 1]! }]
      : []
  const shown = Math.min(limit, ids.length)
  const firsts = Array.from({ length: shown }, (_, place) => single(place))
  if (chosenRank < shown) return [...firsts, ...lump(shown, ids.length)]
  return [...firsts, ...lump(shown, chosenRank), single(chosenRank), ...lump(chosenRank + 1, ids.length)]
}

/** Counters of draws made here: no run of fewer tokens uses them. */
const DRAWS_FROM = 2 ** 31

/** The n-th random number of the explorer for a seed, in [0, 1). */
export function explorerRandom(seed: number, n: number): number {
  return randomUniform(seed, DRAWS_FROM + n)
}

/** Place of the token that a random number draws: the first whose running sum exceeds it. */
export function placeDrawn(cumulative: Float64Array, random: number): number {
  let [low, high] = [0, cumulative.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulative[middle]! > random) high = middle
    else low = middle + 1
  }
  return low
}

/** How often the first `count` random numbers of the explorer draw each id. */
export function countDraws(
  { ids, cumulative }: SampleStages,
  seed: number,
  count: number,
): Map<number, number> {
  const drawn = new Map<number, number>()
  for (let n = 0; n < count; n++) {
    const id = ids[placeDrawn(cumulative, explorerRandom(seed, n))]!
    drawn.set(id, (drawn.get(id) ?? 0) + 1)
  }
  return drawn
}
