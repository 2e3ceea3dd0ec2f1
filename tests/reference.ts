/**
 * Every op as plain f64 loops: the oracle that kernels are tested against. Written to be read, not to be fast.
 * Matrices are flat and row-major; a shape comment gives the order of the indices. Weights are [outputs, inputs].
 */

export type Numbers = ArrayLike<number>

/** One row of a forward pass, as far as attention is concerned. */
export interface Row {
  sequence: number
  position: number
  /** Positions `[first, end)` that it sees; default all up to its own. */
  seen?: readonly [number, number]
}
const seenBy = ({ position, seen = [0, position + 1] }: Row): readonly [number, number] => seen

// ---- embedding and norms

/** y[r] = table[ids[r]] (+ learned[positions[r]]). table [vocab, hidden] → [rows, hidden]. */
export function embedding(
  ids: Numbers,
  table: Numbers,
  hidden: number,
  learned?: { table: Numbers; positions: Numbers },
): Float64Array {
  const y = new Float64Array(ids.length * hidden)
  for (let r = 0; r < ids.length; r++) {
    for (let i = 0; i < hidden; i++) {
      y[r * hidden + i] = table[ids[r]! * hidden + i]!
      if (learned) y[r * hidden + i]! += learned.table[learned.positions[r]! * hidden + i]!
    }
  }
  return y
}

/** RMSNorm (Zhang & Sennrich 2019): y = x / √(mean(x²) + eps) · weight, per row. x [rows, hidden], weight [hidden]. */
export function rmsNorm(x: Numbers, weight: Numbers, eps: number): Float64Array {
  const hidden = weight.length
  const y = new Float64Array(x.length)
  for (let begin = 0; begin < x.length; begin += hidden) {
    let squares = 0
    for (let i = 0; i < hidden; i++) squares += x[begin + i]! ** 2
    const scale = 1 / Math.sqrt(squares / hidden + eps)
    for (let i = 0; i < hidden; i++) y[begin + i] = x[begin + i]! * scale * weight[i]!
  }
  return y
}

/** LayerNorm: y = (x − mean) / √(variance + eps) · weight + bias, per row, variance over n. x [rows, hidden]. */
export function layerNorm(x: Numbers, weight: Numbers, bias: Numbers, eps: number): Float64Array {
  const hidden = weight.length
  const y = new Float64Array(x.length)
  for (let begin = 0; begin < x.length; begin += hidden) {
    let sum = 0
    for (let i = 0; i < hidden; i++) sum += x[begin + i]!
    const mean = sum / hidden
    let squares = 0
    for (let i = 0; i < hidden; i++) squares += (x[begin + i]! - mean) ** 2
    const scale = 1 / Math.sqrt(squares / hidden + eps)
    for (let i = 0; i < hidden; i++) y[begin + i] = (x[begin + i]! - mean) * scale * weight[i]! + bias[i]!
  }
  return y
}

// ---- projections

/** y[r, o] = Σᵢ x[r, i] · w[o, i] + bias[o]. x [rows, inputs], w [outputs, inputs] → [rows, outputs]. */
export function matmul(x: Numbers, w: Numbers, inputs: number, bias?: Numbers): Float64Array {
  const rows = x.length / inputs
  const outputs = w.length / inputs
  const y = new Float64Array(rows * outputs)
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias[o]! : 0
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i]! * w[o * inputs + i]!
      y[r * outputs + o] = sum
    }
  }
  return y
}

export interface LoraAdapter {
  /** [rank, inputs] */
  a: Numbers
  /** [outputs, rank] */
  b: Numbers
  rank: number
  alpha: number
  /** One scale for all rows, or one per row. */
  scale: number | Numbers
}

/** LoRA (Hu et al. 2021): y = Wx + bias + Σₖ sₖ · (αₖ / rₖ) · Bₖ(Aₖx), sₖ per row. x [rows, inputs] → [rows, outputs]. */
export function lora(
  x: Numbers,
  w: Numbers,
  inputs: number,
  adapters: readonly LoraAdapter[],
  bias?: Numbers,
): Float64Array {
  const y = matmul(x, w, inputs, bias)
  const outputs = w.length / inputs
  for (const { a, b, rank, alpha, scale } of adapters) {
    const delta = matmul(matmul(x, a, inputs), b, rank)
    for (let i = 0; i < y.length; i++) {
      const rowScale = typeof scale === 'number' ? scale : scale[Math.floor(i / outputs)]!
      y[i]! += rowScale * (alpha / rank) * delta[i]!
    }
  }
  return y
}

// ---- experts

/** Indices of the `count` largest scores of each row, best first, ties by lowest index. scores [rows, experts] → [rows, count]. */
export function topExperts(scores: Numbers, experts: number, count: number): number[] {
  return Array.from({ length: scores.length / experts }, (_, r) => {
    const row = Array.from({ length: experts }, (_score, e) => scores[r * experts + e]!)
    return row
      .map((score, e) => [score, e] as const)
      .sort(([a, i], [b, j]) => b - a || i - j)
      .slice(0, count)
      .map(([, e]) => e)
  }).flat()
}

/** e^s / Σ e^s of the chosen experts, over all of a row or over the chosen. → [rows, count]. */
export function expertWeights(
  scores: Numbers,
  experts: number,
  chosen: readonly number[],
  over: 'all' | 'chosen',
): Float64Array {
  const rows = scores.length / experts
  const count = chosen.length / rows
  return Float64Array.from(chosen, (expert, i) => {
    const r = Math.floor(i / count)
    const all =
      over === 'all' ? Array.from({ length: experts }, (_, e) => e) : chosen.slice(r * count, (r + 1) * count)
    const total = all.reduce((sum, e) => sum + Math.exp(scores[r * experts + e]!), 0)
    return Math.exp(scores[r * experts + expert]!) / total
  })
}

/**
 * Each x[i] times the matrix of expert chosen[i]. x [rows, inputs] with chosen.length a multiple of rows, w [experts, outputs, inputs]
 * → [chosen.length, outputs].
 */
export function expertProducts(
  x: Numbers,
  w: Numbers,
  shape: { inputs: number; outputs: number },
  chosen: readonly number[],
  bias?: Numbers,
): Float64Array {
  const { inputs, outputs } = shape
  const each = chosen.length / (x.length / inputs)
  const y = new Float64Array(chosen.length * outputs)
  chosen.forEach((expert, i) => {
    const row = Math.floor(i / each) * inputs
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias[expert * outputs + o]! : 0
      for (let k = 0; k < inputs; k++) sum += x[row + k]! * w[(expert * outputs + o) * inputs + k]!
      y[i * outputs + o] = sum
    }
  })
  return y
}

// ---- rotary positions

/** cos and sin of position · frequency[i]: each [positions, rotaryDim / 2]. */
export interface RopeTables {
  cos: Numbers
  sin: Numbers
}

/** Frequencies θ^(−2i / rotaryDim), i = 0 … rotaryDim/2 − 1 (Su et al. 2021). */
export function ropeFrequencies(theta: number, rotaryDim: number): Float64Array {
  return Float64Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim))
}

export function ropeTables(frequencies: Numbers, positions: number): RopeTables {
  const half = frequencies.length
  const cos = new Float64Array(positions * half)
  const sin = new Float64Array(positions * half)
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      cos[p * half + i] = Math.cos(p * frequencies[i]!)
      sin[p * half + i] = Math.sin(p * frequencies[i]!)
    }
  }
  return { cos, sin }
}

/**
 * Rotates pairs of each head by the row's angle: (a, b) → (a·cos − b·sin, b·cos + a·sin). x [rows, heads, headDim].
 * `half` pairs dimension i with i + rotaryDim/2 (rotate_half of Llama in Transformers); `interleaved` pairs 2i with
 * 2i + 1 (the paper). Dimensions from rotaryDim on pass through.
 */
export function rope(
  x: Numbers,
  shape: { heads: number; headDim: number; rotaryDim: number; layout: 'half' | 'interleaved' },
  positions: Numbers,
  { cos, sin }: RopeTables,
): Float64Array {
  const { heads, headDim, layout } = shape
  const half = shape.rotaryDim / 2
  const y = Float64Array.from(x)
  for (let r = 0; r < positions.length; r++) {
    for (let h = 0; h < heads; h++) {
      const head = (r * heads + h) * headDim
      for (let i = 0; i < half; i++) {
        const first = layout === 'half' ? head + i : head + 2 * i
        const second = layout === 'half' ? first + half : first + 1
        const c = cos[positions[r]! * half + i]!
        const s = sin[positions[r]! * half + i]!
        y[first] = x[first]! * c - x[second]! * s
        y[second] = x[second]! * c + x[first]! * s
      }
    }
  }
  return y
}

// ---- paged KV cache

/** Positions held by one page. */
export const PAGE_POSITIONS = 32

export interface KvShape {
  kvHeads: number
  headDim: number
}

/** K or V of one layer: values [page, kvHead, slot, headDim]; tables[sequence][n] is the page of positions 32n … 32n + 31. */
export interface PagedValues {
  values: Float64Array
  tables: readonly (readonly number[])[]
}

export function createPages(
  pages: number,
  shape: KvShape,
  tables: readonly (readonly number[])[],
): PagedValues {
  return { values: new Float64Array(pages * shape.kvHeads * PAGE_POSITIONS * shape.headDim), tables }
}

/** Index of the first value of a head at a position. */
function pagedOffset(
  paged: PagedValues,
  shape: KvShape,
  { sequence, position }: Row,
  kvHead: number,
): number {
  const page = paged.tables[sequence]![Math.floor(position / PAGE_POSITIONS)]
  if (page === undefined) throw new Error(`sequence ${sequence} has no page for position ${position}`)
  return ((page * shape.kvHeads + kvHead) * PAGE_POSITIONS + (position % PAGE_POSITIONS)) * shape.headDim
}

/** Stores x [rows, kvHeads · headDim] at each row's sequence and position. */
export function writePages(paged: PagedValues, shape: KvShape, rows: readonly Row[], x: Numbers): void {
  const { kvHeads, headDim } = shape
  rows.forEach((row, r) => {
    for (let h = 0; h < kvHeads; h++) {
      const target = pagedOffset(paged, shape, row, h)
      for (let d = 0; d < headDim; d++) paged.values[target + d] = x[(r * kvHeads + h) * headDim + d]!
    }
  })
}

/** Positions 0 … count − 1 of a sequence as [count, kvHeads · headDim]. */
export function readPages(paged: PagedValues, shape: KvShape, sequence: number, count: number): Float64Array {
  const { kvHeads, headDim } = shape
  const y = new Float64Array(count * kvHeads * headDim)
  for (let position = 0; position < count; position++) {
    for (let h = 0; h < kvHeads; h++) {
      const source = pagedOffset(paged, shape, { sequence, position }, h)
      for (let d = 0; d < headDim; d++) y[(position * kvHeads + h) * headDim + d] = paged.values[source + d]!
    }
  }
  return y
}

// ---- attention

export interface AttentionShape extends KvShape {
  /** A multiple of kvHeads: query head h reads KV head ⌊h · kvHeads / heads⌋. */
  heads: number
  /** Default 1 / √headDim. */
  scale?: number
}

/** Length of the longest sequence that the rows belong to, as far as the rows show it. */
export const rowsWidth = (rows: readonly Row[]): number =>
  rows.reduce((width, row) => Math.max(width, row.position + 1), 0)

/**
 * scores[h, r, p] = scale · q[r, h] · k[p, ⌊h · kvHeads / heads⌋], before the mask, for p < width.
 * q [rows, heads · headDim] → [heads, rows, width]. `lengths[sequence]` is how many positions the sequence holds
 * (default: up to its last row); beyond it there is no key and the score is 0.
 */
export function attentionScores(
  q: Numbers,
  k: PagedValues,
  rows: readonly Row[],
  shape: AttentionShape,
  width = rowsWidth(rows),
  lengths?: Numbers,
): Float64Array {
  const { heads, kvHeads, headDim, scale = 1 / Math.sqrt(headDim) } = shape
  const scores = new Float64Array(heads * rows.length * width)
  rows.forEach((row, r) => {
    const { sequence } = row
    const held = lengths?.[sequence] ?? rowsWidth(rows.filter((other) => other.sequence === sequence))
    for (let h = 0; h < heads; h++) {
      for (let position = 0; position < Math.min(width, held); position++) {
        const key = pagedOffset(k, shape, { sequence, position }, Math.floor((h * kvHeads) / heads))
        let sum = 0
        for (let d = 0; d < headDim; d++) sum += q[(r * heads + h) * headDim + d]! * k.values[key + d]!
        scores[(h * rows.length + r) * width + position] = scale * sum
      }
    }
  })
  return scores
}

/** Softmax of scores [heads, rows, width] over the positions that a row sees; 0 elsewhere. */
export function attentionProbs(scores: Numbers, rows: readonly Row[], heads: number): Float64Array {
  const width = scores.length / heads / rows.length
  const probs = new Float64Array(scores.length)
  for (let h = 0; h < heads; h++) {
    rows.forEach((row, r) => {
      const [first, end] = seenBy(row)
      const begin = (h * rows.length + r) * width + first
      const seen = Array.from({ length: end - first }, (_, p) => scores[begin + p]!)
      probs.set(softmax(seen, seen.length), begin)
    })
  }
  return probs
}

/** context[r, h] = Σₚ probs[h, r, p] · v[p, ⌊h · kvHeads / heads⌋] → [rows, heads · headDim]. */
export function attentionContext(
  probs: Numbers,
  v: PagedValues,
  rows: readonly Row[],
  shape: AttentionShape,
): Float64Array {
  const { heads, kvHeads, headDim } = shape
  const width = probs.length / heads / rows.length
  const y = new Float64Array(rows.length * heads * headDim)
  rows.forEach((row, r) => {
    const [first, end] = seenBy(row)
    for (let h = 0; h < heads; h++)
      for (let position = first; position < end; position++) {
        const value = pagedOffset(v, shape, { ...row, position }, Math.floor((h * kvHeads) / heads))
        const weight = probs[(h * rows.length + r) * width + position]!
        for (let d = 0; d < headDim; d++) y[(r * heads + h) * headDim + d]! += weight * v.values[value + d]!
      }
  })
  return y
}

/** Grouped-query attention over paged K and V: scores, softmax, weighted values. q [rows, heads · headDim] → the same shape. */
export function attention(
  q: Numbers,
  k: PagedValues,
  v: PagedValues,
  rows: readonly Row[],
  shape: AttentionShape,
): Float64Array {
  const probs = attentionProbs(attentionScores(q, k, rows, shape), rows, shape.heads)
  return attentionContext(probs, v, rows, shape)
}

// ---- element-wise

/** exp(xᵢ − max) / Σ exp(xⱼ − max) over each group of `width` values. */
export function softmax(x: Numbers, width: number): Float64Array {
  const y = new Float64Array(x.length)
  for (let begin = 0; begin < x.length; begin += width) {
    const lse = logSumExp(Array.from({ length: width }, (_, i) => x[begin + i]!))
    for (let i = 0; i < width; i++) y[begin + i] = Math.exp(x[begin + i]! - lse)
  }
  return y
}

/** ln Σ exp(xᵢ), taken around the maximum. */
export function logSumExp(x: Numbers): number {
  let max = -Infinity
  for (let i = 0; i < x.length; i++) max = Math.max(max, x[i]!)
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i]! - max)
  return max + Math.log(sum)
}

const map = (x: Numbers, f: (value: number, i: number) => number): Float64Array => Float64Array.from(x, f)

/** x · σ(x) = x / (1 + e⁻ˣ). */
export const silu = (x: Numbers): Float64Array => map(x, (value) => value / (1 + Math.exp(-value)))

/** silu(gate) · up (SwiGLU, Shazeer 2020). */
export function siluGate(gate: Numbers, up: Numbers): Float64Array {
  return map(silu(gate), (value, i) => value * up[i]!)
}

/** ½x(1 + erf(x/√2)). */
export const geluErf = (x: Numbers): Float64Array => map(x, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)))

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))): `gelu_new`, `gelu_pytorch_tanh`. */
export const geluTanh = (x: Numbers): Float64Array =>
  map(x, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))))

/** erf(x) = 2/√π · e^(−x²) · Σₙ 2ⁿ x^(2n+1) / (2n+1)!!: every term has the sign of x, so nothing cancels. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x) // 1 − erf(6) < 2⁻⁵³
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** y = x between ±limit. */
export function clamp(x: Numbers, limit: number): Float64Array {
  return Float64Array.from(x, (value) => Math.max(-limit, Math.min(limit, value)))
}

export const add = (a: Numbers, b: Numbers): Float64Array => map(a, (value, i) => value + b[i]!)

// ---- selection

/** Index of the largest value; the lowest index wins a tie, NaN never wins. */
export function argmax(x: Numbers): number {
  return topK(x, 1).ids[0]!
}

/** The k largest, descending by value, ties by lowest id; NaN counts as −∞. With logSumExp over all of x. */
export function topK(x: Numbers, k: number): { ids: number[]; values: number[]; logSumExp: number } {
  const key = (id: number): number => (Number.isNaN(x[id]!) ? -Infinity : x[id]!)
  const ids = Array.from({ length: x.length }, (_, id) => id)
  // Equal keys are compared first: −∞ − (−∞) is NaN.
  ids.sort((a, b) => (key(a) === key(b) ? a - b : key(b) - key(a))).splice(k)
  return { ids, values: ids.map((id) => x[id]!), logSumExp: logSumExp(x) }
}

/** A row of logits in f64: the k most probable ids and the entropy in nats of its softmax; probability of `token` and how many come before it. */
export function rankRow(x: Numbers, k: number, token: number) {
  const lse = logSumExp(x)
  const probability = (id: number): number => Math.exp(x[id]! - lse)
  const order = topK(x, x.length).ids
  const entropy = order.reduce((sum, id) => {
    const p = probability(id)
    return p === 0 ? sum : sum - p * (x[id]! - lse)
  }, 0)
  const top = order.slice(0, k).map((id) => ({ id, probability: probability(id) }))
  return { top, entropy, probability: probability(token), rank: order.indexOf(token) }
}
