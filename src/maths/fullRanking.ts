import { invariant } from '../errors.ts'
import { penalise, rank, type Ranking, type RankRequest, type SeenIds } from './ranking.ts'
import { sortDescending } from './selection.ts'

/**
 * Every token of a row in descending order, sorted once. A filter moved later costs a few passes over the vocabulary and no sort:
 * temperature keeps the order, and a penalty moves only seen tokens.
 */
export interface FullOrder {
  /** [vocab] */
  readonly logits: Float32Array
  /** Ids of all finite logits, descending, ties by lowest id. */
  readonly ids: Uint32Array
}

/** Id bits of a sort key; with the 32 bits of a float they fit the 53 of a double. */
const MAX_IDS = 2 ** 21

const PLAIN: RankRequest = {
  temperature: 1,
  repetitionPenalty: 1,
  seenIds: [],
  count: 1,
  share: 1,
  floor: 0,
}

/** Sorts a row. Throws `bad-file` where `rank` does: on NaN or +∞ logits. */
export function orderAll(logits: Float32Array): FullOrder {
  let population = 0
  let sound = true
  for (const logit of logits) {
    if (logit > -Infinity) population += 1
    sound &&= logit < Infinity
  }
  // It names what is wrong.
  if (!sound || population === 0) rank(logits, PLAIN)
  invariant(logits.length <= MAX_IDS, `a vocabulary has at most ${MAX_IDS} ids`)
  const bits = new Uint32Array(logits.buffer, logits.byteOffset, logits.length)
  // Larger floats have smaller keys; doubles without a comparator sort natively, many times faster than ids with one.
  const keys = new Float64Array(logits.length)
  for (let id = 0; id < keys.length; id++) {
    const word = logits[id] === 0 ? 0 : bits[id]!
    const key = word >>> 31 === 1 ? word : 0x7fffffff - word
    keys[id] = key * MAX_IDS + id
  }
  keys.sort()
  const ids = new Uint32Array(population)
  for (let place = 0; place < population; place++) {
    const key = keys[place]!
    ids[place] = key - Math.floor(key / MAX_IDS) * MAX_IDS
  }
  return { logits, ids }
}

/** A {@link Ranking} of the whole vocabulary, the same to the last bit as `rank` makes, with the scores it is by. */
export interface FullRanking extends Ranking {
  /** Logits after the penalty, [vocab]. */
  scores: Float64Array
}

/** Ranks every token under a temperature and a penalty. */
export function rankAll(
  { logits, ids: plain }: FullOrder,
  {
    temperature,
    repetitionPenalty,
    seenIds,
  }: Pick<RankRequest, 'temperature' | 'repetitionPenalty' | 'seenIds'>,
): FullRanking {
  const scores = Float64Array.from(logits)
  const ids = repetitionPenalty === 1 ? plain : penaliseOrder(plain, scores, repetitionPenalty, seenIds)
  const top = scores[ids[0]!]!
  const byId = new Float64Array(scores.length)
  let total = 0
  for (let id = 0; id < scores.length; id++) {
    const weight = Math.exp((scores[id]! - top) / temperature)
    byId[id] = weight
    total += weight
  }
  const weights = new Float64Array(ids.length)
  const cumulative = new Float64Array(ids.length)
  let sum = 0
  for (let place = 0; place < ids.length; place++) {
    const weight = byId[ids[place]!]!
    weights[place] = weight
    sum += weight
    cumulative[place] = sum
  }
  const mass = { low: total, high: total }
  return { scores, ids, weights, cumulative, hiddenBelow: 0, population: ids.length, mass }
}

/** Penalises `scores` in place and merges the seen tokens, which have moved, with the others, which have not. */
function penaliseOrder(
  plain: Uint32Array,
  scores: Float64Array,
  penalty: number,
  seenIds: SeenIds,
): Uint32Array {
  const seen = new Set<number>()
  for (const id of seenIds) if (id < scores.length && scores[id]! > -Infinity) seen.add(id)
  for (const id of seen) scores[id] = penalise(scores[id]!, penalty)
  const moved = sortDescending(Uint32Array.from(seen), scores)
  const merged = new Uint32Array(plain.length)
  let next = 0
  let place = 0
  for (const id of plain) {
    if (seen.has(id)) continue
    const score = scores[id]!
    while (next < moved.length && isBefore(moved[next]!, id, scores, score)) merged[place++] = moved[next++]!
    merged[place++] = id
  }
  while (next < moved.length) merged[place++] = moved[next++]!
  return merged
}

function isBefore(moved: number, id: number, scores: Float64Array, score: number): boolean {
  const movedScore = scores[moved]!
  return movedScore > score || (movedScore === score && moved < id)
}
