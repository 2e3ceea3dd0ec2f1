/**
 * From logits to a token: repetition penalty, temperature, top-k, top-p, min-p, one draw. Rules and order are those of
 * Hugging Face's logits processors, with one difference: where logits tie at the last place of top-k or top-p, the lowest
 * ids stay and exactly k do. Pure functions in f64; ties always go to the lowest id.
 *
 * Every filter keeps a prefix of the descending order, so a filter is a number of tokens. Counts that candidates cannot
 * tell are null.
 */
import { invariant } from '../errors.ts'
import type { SamplingOptions } from '../api/model.ts'
import {
  rank,
  type Candidates,
  type Interval,
  type LogitsSource,
  type Ranking,
  type RankRequest,
  type SeenIds,
} from '../maths/ranking.ts'

export {
  checkSampling,
  DEFAULT_SAMPLING,
  PRESETS,
  type PresetName,
  type SamplingInput,
} from './samplingOptions.ts'
export type { Candidates, LogitsSource, SeenIds } from '../maths/ranking.ts'

export interface SampleContext {
  /** Ids of the prompt and of what was generated; only the repetition penalty reads them. */
  seenIds: SeenIds
  /** The uniform number of the draw, in [0, 1). */
  random: number
}

export type StageName = 'penalty' | 'temperature' | 'top-k' | 'top-p' | 'min-p'

export interface SampleStage {
  name: StageName
  /** False when the options make it do nothing. */
  active: boolean
  /** Tokens left after it; null when more than the candidates tell. */
  kept: number | null
  /** The most probable tokens it removed, descending, at most 32 and as far as they are known. */
  cutIds: number[]
  /** Share of the probability entering the stage that it removed; null when the candidates do not tell. */
  cutMass: number | null
}

export interface SampleStages {
  /** In the order they act. */
  stages: SampleStage[]
  /** The tokens that survive, descending by probability. */
  ids: Uint32Array
  /** Their probabilities after all filters; the sum is 1. */
  probabilities: Float64Array
  /** Running sums of `probabilities`: the draw takes the first token whose entry exceeds `random`. */
  cumulative: Float64Array
  /** The token, and its place in `ids`. */
  chosen: number
  chosenRank: number
  /** The uniform number used; null when greedy. */
  random: number | null
}

const CUT_SHOWN = 32

/** Draws one id. Throws `bad-file` on NaN or +∞ logits. Candidates must suffice: see {@link nucleusCovered}. */
export function sampleToken(source: LogitsSource, options: SamplingOptions, context: SampleContext): number {
  const ranking = rankForDraw(source, options, context)
  const rankOfChoice = certainChoice(ranking, options, context.random)
  invariant(
    rankOfChoice !== null,
    'sampleToken: the candidates do not decide the draw; full logits are needed',
  )
  return ranking.ids[rankOfChoice]!
}

/**
 * True when candidates give exactly what full logits would: the filters end within them whatever the rest holds. With
 * `random`, true also when just this draw falls on a certain token. Otherwise the caller fetches full logits.
 */
export function nucleusCovered(
  candidates: Candidates,
  options: SamplingOptions,
  { seenIds = [], random }: Partial<SampleContext> = {},
): boolean {
  const ranking = rankForDraw(candidates, options, { seenIds, random: random ?? 0 })
  if (random !== undefined) return certainChoice(ranking, options, random) !== null
  return isKnown(ranking, certainSurvivors(ranking, options).kept)
}

/** The same draw with everything on the way to it. */
export function sampleStages(
  source: LogitsSource,
  options: SamplingOptions,
  context: SampleContext,
): SampleStages {
  return stagesOf(rankForStages(source, options, context), options, context.random)
}

/** {@link sampleStages} of tokens that are ranked already, under the same temperature and penalty. */
export function stagesOf(ranking: Ranking, options: SamplingOptions, random: number): SampleStages {
  const chosenRank = certainChoice(ranking, options, random)
  const left = certainSurvivors(ranking, options)
  invariant(chosenRank !== null && isKnown(ranking, left.kept), 'sampleStages: the candidates do not suffice')
  const total = ranking.cumulative[left.kept - 1]!
  return {
    stages: describeStages(ranking, options, left),
    ids: ranking.ids.slice(0, left.kept),
    probabilities: ranking.weights.slice(0, left.kept).map((weight) => weight / total),
    cumulative: ranking.cumulative.slice(0, left.kept).map((sum) => sum / total),
    chosen: ranking.ids[chosenRank]!,
    chosenRank,
    random: options.temperature === 0 ? null : random,
  }
}

/** How many tokens each filter leaves. */
interface Survivors {
  topK: number
  topP: number | null
  minP: number | null
  /** After all of them. */
  kept: number | null
}

const GREEDY_SURVIVOR: Survivors = { topK: 1, topP: 1, minP: 1, kept: 1 }

function rankForDraw(source: LogitsSource, options: SamplingOptions, context: SampleContext): Ranking {
  const { topP, minP } = options
  return rank(source, {
    ...rankRequest(options, context),
    // Unfiltered, the order is needed only as far as the draw; a min-p cut must be reached in any case.
    share: topP < 1 ? topP : minP > 0 ? 1 : context.random,
    floor: minP,
  })
}

/** As far as the last token that any filter cuts and the view shows. */
function rankForStages(source: LogitsSource, options: SamplingOptions, context: SampleContext): Ranking {
  const { topP, minP } = options
  const request = rankRequest(options, context)
  const first = rank(source, { ...request, share: topP, floor: topP < 1 ? 0 : minP })
  const { topK: afterTopK, topP: afterTopP, kept } = certainSurvivors(first, options)
  const ends = [afterTopK, afterTopP ?? 0, kept ?? 0].filter((end) => end < first.population)
  // Nothing cut: the whole order is already there.
  if (ends.length === 0) return first
  return rank(source, { ...request, count: Math.max(...ends) + CUT_SHOWN })
}

function rankRequest(
  { temperature, topK, repetitionPenalty }: SamplingOptions,
  { seenIds }: SampleContext,
): RankRequest {
  const greedy = temperature === 0
  return {
    temperature: greedy ? 1 : temperature,
    repetitionPenalty,
    seenIds,
    count: greedy ? 1 : topK,
    share: 1,
    floor: 0,
  }
}

/** The filters as numbers of tokens, if the weights that enter top-p sum to `mass`. */
function survivors(ranking: Ranking, { topK, topP, minP }: SamplingOptions, mass: number): Survivors {
  const { weights, cumulative, population, hiddenBelow } = ranking
  const entering = topK > 0 ? Math.min(topK, population) : population
  const ranked = Math.min(weights.length, entering)
  const unlessHidden = ranked < entering ? null : entering
  // Top-p keeps a token while the mass before it is below its share: at least one, and the one that crosses.
  const crossing = topP < 1 ? firstIndex(cumulative, ranked, (sum) => sum >= topP * mass) : -1
  const afterTopP = crossing !== -1 ? crossing + 1 : topP < 1 ? unlessHidden : entering
  if (minP === 0) return { topK: entering, topP: afterTopP, minP: afterTopP, kept: afterTopP }
  // Weights are relative to the top token, which is what min-p compares with.
  const below = firstIndex(weights, ranked, (weight) => weight < minP)
  const aboveFloor = below !== -1 ? below : hiddenBelow <= minP ? ranked : unlessHidden
  const afterMinP = crossing === -1 ? aboveFloor : Math.min(crossing + 1, aboveFloor ?? Infinity)
  return { topK: entering, topP: afterTopP, minP: afterMinP, kept: afterMinP }
}

/** Bounds on the mass that enters top-p. */
function enteringMass(ranking: Ranking, { topK }: SamplingOptions): Interval {
  const { cumulative, population, mass } = ranking
  if (topK === 0 || topK >= population) return mass
  const topMass = cumulative[Math.min(topK, cumulative.length) - 1] ?? 0
  return { low: topMass, high: topK <= cumulative.length ? topMass : mass.high }
}

function firstIndex(values: Float64Array, end: number, holds: (value: number) => boolean): number {
  for (let i = 0; i < end; i++) if (holds(values[i]!)) return i
  return -1
}

function isKnown(ranking: Ranking, kept: number | null): kept is number {
  return kept !== null && kept > 0 && kept <= ranking.ids.length
}

/** Survivors that both bounds of the mass agree on; null where they do not. */
function certainSurvivors(ranking: Ranking, options: SamplingOptions): Survivors {
  if (options.temperature === 0) return GREEDY_SURVIVOR
  const bounds = enteringMass(ranking, options)
  const [a, b] = [survivors(ranking, options, bounds.low), survivors(ranking, options, bounds.high)]
  return {
    topK: a.topK,
    topP: a.topP === b.topP ? a.topP : null,
    minP: a.minP === b.minP ? a.minP : null,
    kept: a.kept === b.kept ? a.kept : null,
  }
}

/** Rank of the drawn token if it is the same at both bounds of the mass, else null. */
function certainChoice(ranking: Ranking, options: SamplingOptions, random: number): number | null {
  invariant(random >= 0 && random < 1, `random number ${random} outside [0, 1)`)
  if (options.temperature === 0) return ranking.ids.length > 0 ? 0 : null
  const { low, high } = enteringMass(ranking, options)
  const chosen = choice(ranking, options, low, random)
  return low === high || chosen === choice(ranking, options, high, random) ? chosen : null
}

/** The first surviving token whose cumulative weight exceeds random · total. */
function choice(ranking: Ranking, options: SamplingOptions, mass: number, random: number): number | null {
  const { weights, cumulative } = ranking
  const { topK, kept } = survivors(ranking, options, mass)
  if (kept === null) return null
  const total = kept < topK ? cumulative[kept - 1]! : mass
  const index = firstIndex(cumulative, Math.min(kept, weights.length), (sum) => sum > random * total)
  if (index !== -1 || weights.length < kept) return index === -1 ? null : index
  // Rounding left the last sum below the total: the last token of any weight.
  const weightless = firstIndex(weights, kept, (weight) => weight === 0)
  return (weightless === -1 ? kept : weightless) - 1
}

function describeStages(ranking: Ranking, options: SamplingOptions, left: Survivors): SampleStage[] {
  const { population } = ranking
  const greedy = options.temperature === 0
  const cut = (
    name: StageName,
    active: boolean,
    entering: number | null,
    kept: number | null,
  ): SampleStage => ({
    name,
    active,
    kept,
    cutIds:
      kept === null
        ? []
        : Array.from(ranking.ids.slice(kept, Math.min(entering ?? Infinity, kept + CUT_SHOWN))),
    cutMass: cutShare(ranking, entering, kept),
  })
  return [
    cut('penalty', options.repetitionPenalty !== 1, population, population),
    // Temperature 0 is the limit that leaves the top token.
    cut('temperature', options.temperature !== 1, population, greedy ? 1 : population),
    cut('top-k', !greedy && options.topK > 0, greedy ? 1 : population, left.topK),
    cut('top-p', !greedy && options.topP < 1, left.topK, left.topP),
    cut('min-p', !greedy && options.minP > 0, left.topP, left.minP),
  ]
}

/** 1 − (mass of the kept) / (mass entering), where both are known to 0.1 %. */
function cutShare(ranking: Ranking, enteringCount: number | null, kept: number | null): number | null {
  if (enteringCount === kept) return 0
  if (enteringCount === null || kept === null) return null
  const { low, high } = ranking.mass
  const populationMass = high - low <= 1e-3 * low ? (low + high) / 2 : undefined
  const entering = enteringCount < ranking.population ? ranking.cumulative[enteringCount - 1] : populationMass
  const left = ranking.cumulative[kept - 1]
  return entering === undefined || left === undefined ? null : Math.max(0, 1 - left / entering)
}
