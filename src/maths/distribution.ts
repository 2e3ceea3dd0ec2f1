/**
 * What the UI says about a distribution: logprobs, entropy, surprisal, rank, the top and the rest. Everything is the
 * model's own distribution, before penalty, temperature and filters. Natural logs unless a name says bits.
 */
import type { LogitsSource } from './ranking.ts'
import { largestIds } from './selection.ts'

type Logits = ArrayLike<number>

/** ln Σ exp(logit), taken around the maximum. −∞ when every logit is. */
export function logSumExp(logits: Logits): number {
  let max = -Infinity
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!
  if (max === -Infinity) return -Infinity
  let sum = 0
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max)
  return max + Math.log(sum)
}

/** ln p of every id: [vocab] → [vocab]. */
export function logSoftmax(logits: Logits): Float64Array {
  const normaliser = logSumExp(logits)
  return Float64Array.from(logits, (logit) => logit - normaliser)
}

/** −Σ p ln p, in nats: 0 when one token is certain, ln(vocab) when all are alike. */
export function entropyNats(logits: Logits): number {
  const normaliser = logSumExp(logits)
  let entropy = 0
  for (let id = 0; id < logits.length; id++) {
    const logprob = logits[id]! - normaliser
    // p ln p tends to 0 with p, where 0 · −∞ would be NaN.
    if (logprob > -Infinity) entropy -= Math.exp(logprob) * logprob
  }
  return Math.max(0, entropy)
}

/** {@link entropyNats} in bits. */
export function entropyBits(logits: Logits): number {
  return entropyNats(logits) / Math.LN2
}

/** How unexpected a token was, in bits: −log₂ p. */
export function surprisalBits(logprob: number): number {
  return logprob === 0 ? 0 : -logprob / Math.LN2
}

/** How many ids come before this one in descending order, ties by lowest id: 0 is the most probable. */
export function rankOf(logits: Logits, id: number): number {
  const own = logits[id]!
  let before = 0
  for (let other = 0; other < logits.length; other++) {
    if (logits[other]! > own || (logits[other] === own && other < id)) before++
  }
  return before
}

export interface RankedToken {
  id: number
  logprob: number
}

/** The n most probable ids, descending, ties by lowest id; candidates give at most as many as they hold. */
export function topN(source: LogitsSource, n: number): RankedToken[] {
  if (!(source instanceof Float32Array)) {
    const { ids, logits, logSumExp: normaliser } = source
    return Array.from({ length: Math.min(n, ids.length) }, (_, i) => ({
      id: ids[i]!,
      logprob: logits[i]! - normaliser,
    }))
  }
  const normaliser = logSumExp(source)
  return Array.from(largestIds(source, n), (id) => ({ id, logprob: source[id]! - normaliser }))
}

/** Probability of all tokens but these: what a bar chart of the top leaves out. */
export function restMass(shown: readonly RankedToken[]): number {
  const mass = shown.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)
  return Math.min(1, Math.max(0, 1 - mass))
}

/** ln p of one id, or null when the candidates do not hold it. */
export function logprobOf(source: LogitsSource, id: number): number | null {
  if (source instanceof Float32Array) return id < source.length ? source[id]! - logSumExp(source) : null
  const place = Array.from(source.ids).indexOf(id)
  return place === -1 ? null : source.logits[place]! - source.logSumExp
}

/** KL(p ‖ q) of two vectors of log-probabilities, nats. */
export function klDivergence(p: Float64Array, q: Float64Array): number {
  let sum = 0
  // Below −745 the exponential is 0 in f64, and 0 · log 0 counts as 0.
  for (let i = 0; i < p.length; i++) if (p[i]! > -745) sum += Math.exp(p[i]!) * (p[i]! - q[i]!)
  return Math.max(0, sum)
}
