/**
 * Tokens in descending order, as far as sampling needs them. Every filter keeps a prefix of this order, so ranking the
 * right prefix is all the work there is: from full logits, or from the GPU's top candidates plus a log-sum-exp.
 */
import { TokenscopeError } from '../errors.ts'
import { largestIds, sortDescending } from './selection.ts'

/** The largest logits of a row, found on the GPU. */
export interface Candidates {
  /** Descending by logit, ties by lowest id. */
  ids: ArrayLike<number>
  /** Raw logits of `ids`. */
  logits: ArrayLike<number>
  /** ln Σ exp(logit) over the whole vocabulary, computed in f32. */
  logSumExp: number
  /** Size of the whole vocabulary. */
  vocab: number
}

/** Raw logits of one row: all of them, [vocab], or the largest. */
export type LogitsSource = Float32Array | Candidates

export type SeenIds = readonly number[] | ReadonlySet<number>

export interface Interval {
  low: number
  high: number
}

export interface Ranking {
  /** Descending by score, ties by lowest id; certainly the first of the whole order. */
  ids: Uint32Array
  /** exp((score − top score) / temperature) of `ids`: 1 first. */
  weights: Float64Array
  /** Running sums of `weights`. */
  cumulative: Float64Array
  /** The weights of all others are less than this; Infinity when only their order is known. */
  hiddenBelow: number
  /** Tokens there are, ranked or not; those with logit −∞ do not count when all logits are known. */
  population: number
  /** Σ weights over the population: exact for full logits, bounded for candidates. */
  mass: Interval
}

export interface RankRequest {
  /** > 0; greedy choice ranks with 1. */
  temperature: number
  repetitionPenalty: number
  seenIds: SeenIds
  /** What must be ranked, of full logits: this many tokens, … */
  count: number
  /** … or, when `count` is 0, this share of the mass, … */
  share: number
  /** … or all weights ≥ this, whichever is less. 0 asks for nothing. */
  floor: number
}

/** Hugging Face's rule: a positive logit of a seen id is divided, another multiplied. */
export function penalise(logit: number, penalty: number): number {
  return logit < 0 ? logit * penalty : logit / penalty
}

/** Logits that are not numbers come from weights with NaN or from an overflow. */
function badLogits(value: number, what: string): TokenscopeError {
  return new TokenscopeError(
    'bad-file',
    `The model computed ${value} as ${what}; expected a finite number.`,
    {
      hint: 'A weight may be NaN or too large for the storage format: check the file, or load it as f32.',
      details: { field: what, got: String(value), expected: 'a finite number' },
    },
  )
}

/** Ranks the needed prefix. */
export function rank(source: LogitsSource, request: RankRequest): Ranking {
  return source instanceof Float32Array ? rankAll(source, request) : rankCandidates(source, request)
}

function rankAll(logits: Float32Array, request: RankRequest): Ranking {
  const { temperature, repetitionPenalty, seenIds, count, share, floor } = request
  const scores = Float64Array.from(logits)
  for (const id of repetitionPenalty === 1 ? [] : seenIds) {
    if (id < logits.length) scores[id] = penalise(logits[id]!, repetitionPenalty)
  }
  let top = -Infinity
  let population = 0
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!
    if (!(score < Infinity)) throw badLogits(score, `the logit of id ${id}`)
    if (score > top) top = score
    if (score > -Infinity) population++
  }
  if (population === 0) throw badLogits(-Infinity, 'every logit of the row')
  const weights = scores.map((score) => Math.exp((score - top) / temperature))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const { ids, hiddenBelow } =
    count > 0
      ? { ids: largestIds(scores, Math.min(count, population)), hiddenBelow: Infinity }
      : heaviest(scores, weights, share * total, floor)
  const mass = { low: total, high: total }
  return { ids, ...accumulated(Float64Array.from(ids, (id) => weights[id]!)), hiddenBelow, population, mass }
}

function accumulated(weights: Float64Array): Pick<Ranking, 'weights' | 'cumulative'> {
  let sum = 0
  return { weights, cumulative: weights.map((weight) => (sum += weight)) }
}

/** Weights below which tokens are left out as long as the rest suffices: a sort of a few tokens instead of the vocabulary. */
const TIERS = [1e-2, 1e-4, 1e-6, 1e-9, 0]

/** Ids of all weights from a tier up that holds more than the mass or lies at or below the floor, descending. */
function heaviest(
  scores: Float64Array,
  weights: Float64Array,
  mass: number,
  floor: number,
): Pick<Ranking, 'ids' | 'hiddenBelow'> {
  for (const tier of TIERS) {
    const ids: number[] = []
    let held = 0
    for (let id = 0; id < weights.length; id++) {
      if (weights[id]! < tier || scores[id] === -Infinity) continue
      ids.push(id)
      held += weights[id]!
    }
    // The factor outweighs the rounding of a sum in another order.
    const suffices = held > mass * (1 + 1e-9) || (floor > 0 && tier <= floor)
    if (suffices || tier === 0)
      return { ids: sortDescending(Uint32Array.from(ids), scores), hiddenBelow: tier }
  }
  throw new Error('not reached: the last tier is 0')
}

function rankCandidates(candidates: Candidates, request: RankRequest): Ranking {
  const { ids, logits, logSumExp, vocab } = candidates
  if (!(logSumExp < Infinity)) throw badLogits(logSumExp, 'the log-sum-exp of the logits')
  const { temperature, repetitionPenalty, seenIds } = request
  const seen = repetitionPenalty === 1 ? new Set<number>() : new Set(seenIds)
  const scored = Array.from(ids, (id, i) => {
    const logit = logits[i]!
    if (!(logit < Infinity)) throw badLogits(logit, `the logit of id ${id}`)
    return { id, score: seen.has(id) ? penalise(logit, repetitionPenalty) : logit }
  }).filter(({ score }) => score > -Infinity)
  if (scored.length === 0) throw badLogits(-Infinity, 'every logit of the row')
  scored.sort((a, b) => b.score - a.score || a.id - b.id)
  const top = scored[0]!.score
  const weights = Float64Array.from(scored, ({ score }) => Math.exp((score - top) / temperature))
  const held = weights.reduce((sum, weight) => sum + weight, 0)
  const rest = restMass(candidates, temperature, top, repetitionPenalty !== 1)
  const sure =
    scored.length === ids.length && ids.length < vocab
      ? surelyFirst(candidates, request, scored)
      : scored.length
  return {
    ids: Uint32Array.from(scored.slice(0, sure), ({ id }) => id),
    ...accumulated(weights.slice(0, sure)),
    hiddenBelow: Infinity,
    // A candidate of −∞ says that nothing finite is left outside.
    population: scored.length < ids.length ? scored.length : vocab,
    mass: { low: held + rest.low, high: held + rest.high },
  }
}

/** How many candidates no token outside can precede once seen ids were penalised. */
function surelyFirst(
  { ids, logits }: Candidates,
  { repetitionPenalty, seenIds }: RankRequest,
  scored: readonly { score: number }[],
): number {
  if (repetitionPenalty === 1) return scored.length
  if (repetitionPenalty < 1) {
    // A seen id outside may have been lifted anywhere.
    const inside = new Set(Array.from(ids))
    for (const id of seenIds) if (!inside.has(id)) return 0
  }
  const lowest = logits[logits.length - 1]!
  const doubtful = scored.findIndex(({ score }) => score <= lowest)
  return doubtful === -1 ? scored.length : doubtful
}

/** How far a log-sum-exp computed in f32 may be off: rounding of the result, and of a long sum. */
function logSumExpError(logSumExp: number): number {
  return 1e-5 + Math.abs(logSumExp) * 2 ** -20
}

/**
 * Bounds on Σ exp((logit − top) / temperature) over the tokens outside the candidates. At temperature 1 the log-sum-exp
 * gives it directly, as R. Elsewhere, with β = 1 / temperature and n terms x ≤ m that sum to R:
 * m^(β−1)·R and n·(R/n)^β are an upper and a lower bound of Σ x^β for β ≥ 1 (power mean), and trade places for β < 1.
 * `penalised`: unknown ids outside may have been lowered, so the lower bound is 0.
 */
function restMass(candidates: Candidates, temperature: number, top: number, penalised: boolean): Interval {
  const { ids, logits, logSumExp, vocab } = candidates
  const outside = vocab - ids.length
  const [highest, lowest] = [logits[0]!, logits[logits.length - 1]!]
  if (outside <= 0 || lowest === -Infinity) return { low: 0, high: 0 }
  let held = 0
  for (let i = 0; i < logits.length; i++) held += Math.exp(logits[i]! - highest)
  const error = logSumExpError(logSumExp)
  const [logLow, logHigh] = [-error, error].map((sign) => {
    return Math.log(Math.max(0, Math.exp(logSumExp - highest + sign) - held))
  }) as [number, number]
  // Logarithms relative to `highest`, as tiny temperatures make powers overflow.
  const beta = Math.min(1 / temperature, 1e300)
  const logCount = Math.log(outside)
  const byLargest = (logR: number): number => (beta - 1) * (lowest - highest) + logR
  const byMean = (logR: number): number => logCount + beta * (logR - logCount)
  const [low, high] = beta >= 1 ? [byMean(logLow), byLargest(logHigh)] : [byLargest(logLow), byMean(logHigh)]
  const shift = beta * (highest - top)
  const cap = logCount + beta * (lowest - highest)
  return {
    low: penalised ? 0 : Math.exp(Math.min(low, cap) + shift),
    high: Math.exp(Math.min(high, cap) + shift),
  }
}
