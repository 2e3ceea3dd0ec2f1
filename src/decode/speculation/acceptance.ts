/**
 * The exact rule of speculative sampling (Leviathan, Kalman, Matias: "Fast Inference from Transformers via Speculative
 * Decoding", ICML 2023, arXiv:2211.17192, section 2.3). A token x drawn from the draft's q is kept with probability
 * min(1, p(x) / q(x)); at the first that is not, one is drawn from max(0, p − q) normalised instead, and behind the last one
 * kept one from p. What comes out follows p, whatever q is. Greedy is the limit of one token of probability 1.
 */
import type { SamplingOptions } from '../../api/model.ts'
import { philox4x32, seedWords } from '../../maths/rng.ts'
import { sampleStages, type LogitsSource } from '../samplers.ts'

/** A next-token distribution after temperature and filters: descending, the sum is 1. */
export interface Filtered {
  ids: Uint32Array
  probabilities: Float64Array
}

/** A token proposed by a draft model, and the distribution it was drawn from. */
export interface DraftToken {
  id: number
  /** For people: before temperature and filters when greedy, else what `distribution` gives it. */
  probability: number
  distribution: Filtered
}

/** Uniform numbers in [0, 1) of the token that would stand `ahead` places behind the text. */
export interface Numbers {
  accept(ahead: number): number
  draw(ahead: number): number
}

export interface Acceptance {
  /** Proposals kept, from the first. */
  accepted: number
  /** The model's own token behind them: instead of the rejected one, or behind the last. */
  token: number
}

export function filtered(source: LogitsSource, sampling: SamplingOptions): Filtered {
  const { ids, probabilities } = sampleStages(source, sampling, { seenIds: [], random: 0 })
  return { ids, probabilities }
}

/** A distribution that is sure of one token. */
export function certain(id: number): Filtered {
  return { ids: Uint32Array.of(id), probabilities: Float64Array.of(1) }
}

/** 0 for a token that the filters cut. */
export function probabilityOf({ ids, probabilities }: Filtered, id: number): number {
  const at = ids.indexOf(id)
  return at < 0 ? 0 : probabilities[at]!
}

/** The first token whose running sum exceeds `random`. */
export function drawFrom({ ids, probabilities }: Filtered, random: number): number {
  let sum = 0
  for (let i = 0; i < ids.length; i++) {
    sum += probabilities[i]!
    if (sum > random) return ids[i]!
  }
  // Rounding left the last sum below the number: the last token of any weight.
  return ids[probabilities.findLastIndex((probability) => probability > 0)]!
}

/** max(0, p − q), normalised. */
export function residual(p: Filtered, q: Filtered): Filtered {
  const drafted = new Map(Array.from(q.ids, (id, i) => [id, q.probabilities[i]!]))
  const left = p.probabilities.map((probability, i) =>
    Math.max(0, probability - (drafted.get(p.ids[i]!) ?? 0)),
  )
  const total = left.reduce((sum, value) => sum + value, 0)
  // Equal distributions reject nothing; where rounding says otherwise, nothing is left to prefer.
  return total > 0 ? { ids: p.ids, probabilities: left.map((value) => value / total) } : p
}

/** Tests proposals against the model's distributions; `modelAt(i)` is the one behind i proposals, made when it is needed. */
export function acceptDrafts(
  draftTokens: readonly Pick<DraftToken, 'id' | 'distribution'>[],
  modelAt: (ahead: number) => Filtered,
  numbers: Numbers,
): Acceptance {
  for (const [ahead, { id, distribution }] of draftTokens.entries()) {
    const model = modelAt(ahead)
    const kept = numbers.accept(ahead) * probabilityOf(distribution, id) < probabilityOf(model, id)
    if (!kept) {
      return { accepted: ahead, token: drawFrom(residual(model, distribution), numbers.draw(ahead)) }
    }
  }
  const accepted = draftTokens.length
  return { accepted, token: drawFrom(modelAt(accepted), numbers.draw(accepted)) }
}

/** What a random number is for. The model's draws are those of plain generation, so a draft model that proposes nothing changes nothing. */
const STREAMS = { draw: 0, accept: 1, draft: 2 } as const

/**
 * The uniform number of generated token `index` for one purpose, in [0, 1). Each decides at most once: a proposal behind a
 * rejected one is thrown away unread.
 */
export function speculationRandom(seed: number, index: number, purpose: keyof typeof STREAMS): number {
  const [word] = philox4x32([index >>> 0, STREAMS[purpose], 0, 0], seedWords(seed))
  return (word >>> 8) * 2 ** -24
}
