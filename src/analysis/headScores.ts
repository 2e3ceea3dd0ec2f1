/** One head's weights, row-major `[size, size]`: queries down, keys across, 0 where the mask lets nothing through. */
export interface AttentionPattern {
  size: number
  data: Float32Array
}

export const SCORE_NAMES = ['previous', 'first', 'same', 'induction'] as const
export type ScoreName = (typeof SCORE_NAMES)[number]

/**
 * What a head measurably does over one text: weight, as a mean over the queries it is defined for, on
 * - `previous`: the position before the query's (queries 1…)
 * - `first`: position 0 (queries 1…)
 * - `same`: positions up to the query's own that hold its token (queries 1…)
 * - `induction`: positions behind earlier copies of the query's token, its own left out (queries that have one);
 *   the prefix-matching score of Olsson et al. 2022.
 *
 * Null: no query of this text can show it. `entropy` is in bits, over all queries.
 */
export type HeadScores = Readonly<Record<ScoreName, number | null>> & { readonly entropy: number }

/** A score from here on gives the head its name. */
export const NAMED_FROM = 0.5

/** Positions, per query, whose weights count towards `same` and `induction`. */
export interface Copies {
  same: readonly (readonly number[])[]
  behind: readonly (readonly number[])[]
}

export function findCopies(ids: readonly number[]): Copies {
  const seen = new Map<number, number[]>()
  const same: number[][] = []
  const behind: number[][] = []
  ids.forEach((id, row) => {
    const places = seen.get(id) ?? []
    behind.push(places.map((place) => place + 1).filter((place) => place < row))
    places.push(row)
    seen.set(id, places)
    same.push([...places])
  })
  return { same, behind }
}

/** Σ −p·log₂ p of one row, in bits. */
export function entropyBits(row: Float32Array): number {
  let sum = 0
  for (const p of row) if (p > 0) sum -= p * Math.log2(p)
  return Math.max(0, sum)
}

export function scorePattern({ size, data }: AttentionPattern, { same, behind }: Copies): HeadScores {
  const sums = { entropy: 0, previous: 0, first: 0, same: 0, induction: 0 }
  let repeats = 0
  for (let row = 0; row < size; row++) {
    const weights = data.subarray(row * size, (row + 1) * size)
    sums.entropy += entropyBits(weights)
    if (row === 0) continue
    const mass = (places: readonly number[] = []): number =>
      places.reduce((sum, place) => sum + (weights[place] ?? 0), 0)
    sums.previous += weights[row - 1] ?? 0
    sums.first += weights[0] ?? 0
    sums.same += mass(same[row])
    const copies = behind[row] ?? []
    if (copies.length === 0) continue
    repeats += 1
    sums.induction += mass(copies)
  }
  const mean = (sum: number, count: number): number | null => (count > 0 ? sum / count : null)
  return {
    entropy: size > 0 ? sums.entropy / size : 0,
    previous: mean(sums.previous, size - 1),
    first: mean(sums.first, size - 1),
    same: mean(sums.same, size - 1),
    induction: mean(sums.induction, repeats),
  }
}

/** The largest score above {@link NAMED_FROM}, the first of equal ones; null when no score is that large. */
export function labelOf(scores: HeadScores): ScoreName | null {
  let label: ScoreName | null = null
  for (const name of SCORE_NAMES) {
    const value = scores[name] ?? 0
    if (value > NAMED_FROM && value > (label === null ? 0 : (scores[label] ?? 0))) label = name
  }
  return label
}

/** Adds heads of `[heads, size, size]` to a sum, each divided by `count`. */
export function addHeads(
  sum: Float32Array,
  probs: Float32Array,
  heads: readonly number[],
  count: number,
): void {
  for (const head of heads) {
    const offset = head * sum.length
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + probs[offset + i]! / count
  }
}

/** Mean over the heads of `[heads, size, size]`. */
export function averageHeads(probs: Float32Array, heads: number, size: number): AttentionPattern {
  const data = new Float32Array(size * size)
  addHeads(data, probs, [...Array(heads).keys()], heads)
  return { size, data }
}

/** The pattern in at most `limit` rows and columns; a cell shows the largest weight behind it, so that none disappears. */
export function poolPattern({ size, data }: AttentionPattern, limit: number): AttentionPattern {
  if (size <= limit) return { size, data: data.slice() }
  const pooled = new Float32Array(limit * limit)
  for (let row = 0; row < size; row++) {
    const line = Math.floor((row * limit) / size) * limit
    for (let col = 0; col < size; col++) {
      const at = line + Math.floor((col * limit) / size)
      const value = data[row * size + col]!
      if (value > pooled[at]!) pooled[at] = value
    }
  }
  return { size: limit, data: pooled }
}

/** Weights of one token, by position: of its keys, or those that each query gives it. 0 where the mask leaves none. */
export function weightsOf(
  { size, data }: AttentionPattern,
  row: number,
  direction: 'keys' | 'queries',
): Float32Array {
  if (direction === 'keys') return data.slice(row * size, (row + 1) * size)
  return Float32Array.from({ length: size }, (_, query) => data[query * size + row] ?? 0)
}

export interface AttentionLink {
  position: number
  weight: number
}

/** Positions on the other side by weight, largest first: those that look back, and all that have any. */
export function strongestLinks(
  weights: Float32Array,
  row: number,
  direction: 'keys' | 'queries',
  count: number,
): AttentionLink[] {
  return Array.from(weights, (weight, position) => ({ position, weight }))
    .filter(
      ({ position, weight }) => weight > 0 || (direction === 'keys' ? position <= row : position >= row),
    )
    .sort((a, b) => b.weight - a.weight || a.position - b.position)
    .slice(0, count)
}

/** Weights looked at to find a scale. */
const SAMPLES = 1 << 15
/** Share of the weights that a scale tells apart. */
const COVERED = 0.998

/**
 * Where the scale of a long pattern ends: a uniform head of a long text has weights of 1 / positions, which a scale up to 1 would
 * leave blank. Of the weights that the mask lets through nearly all lie below; 1 for a short text.
 */
export function scaleEnd({ size, data }: AttentionPattern, short: number): number {
  if (size <= short) return 1
  const stride = Math.max(1, Math.floor((size * size) / 2 / SAMPLES))
  const seen: number[] = []
  // The first queries have few keys, and so large weights.
  for (let row = Math.floor(size / 8); row < size; row++)
    for (let col = row % stride; col < size; col += stride)
      if (col <= row || (data[row * size + col] ?? 0) > 0) seen.push(data[row * size + col] ?? 0)
  seen.sort((a, b) => a - b)
  const end = seen[Math.floor((seen.length - 1) * COVERED)] ?? 1
  return end > 0 ? Math.min(1, end) : 1
}
