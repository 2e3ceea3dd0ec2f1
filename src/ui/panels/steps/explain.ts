import type { Cell } from '../../../store/steps.ts'
import type { WeightRow } from '../../../store/stepsSource.ts'
import type { ModelInfo, StepInfo, TensorData } from '../../../api/model.ts'
import { activate, activationName } from './activations.ts'
import { indexInRow, layoutOf, type StepLayout } from './shape.ts'

/** One addend of a sum: what it belongs to, its two factors and their product. */
export interface Term {
  index: number
  a: number
  b: number
  product: number
}

/** A sum as its largest addends and the rest. */
export interface Sum {
  terms: readonly Term[]
  restCount: number
  restSum: number
  total: number
}

/** How one element of a step came about, from values of this very forward, in double precision. */
export type Explanation =
  | { kind: 'lookup'; token: number; value: number }
  | { kind: 'rms'; x: number; meanSquare: number; count: number; normal: number; value: number }
  | { kind: 'layer'; x: number; mean: number; variance: number; count: number; normal: number; value: number }
  /** A product with weights: `sum` is null while the weights are not at hand. */
  | {
      kind: 'linear'
      sum: Sum | null
      inputs: readonly Term[]
      count: number
      bias: number | null
      /** What adapters add beside the base's product; null without any. */
      adapters: number | null
      value: number
    }
  | {
      kind: 'rope'
      lane: number
      partner: number
      x: number
      other: number
      angle: number
      first: boolean
      value: number
    }
  | { kind: 'still'; x: number; value: number }
  | { kind: 'copy'; from: string; value: number }
  | { kind: 'scores'; sum: Sum; scale: number; masked: boolean; value: number }
  | { kind: 'softmax'; score: number; max: number; exp: number; total: number; count: number; value: number }
  | { kind: 'masked'; value: number }
  | { kind: 'context'; sum: Sum; value: number }
  | { kind: 'add'; a: number; b: number; value: number }
  | { kind: 'gate'; activation: string; gate: number; activated: number; up: number; value: number }
  | { kind: 'activation'; activation: string; x: number; value: number }
  | { kind: 'value'; value: number }

export interface ExplainRequest {
  step: StepInfo
  /** The cell's row of the step's output, `[slices · columns]`. */
  values: Float32Array
  /** The same row of the step's inputs, in their order. */
  inputs: readonly Float32Array[]
  /** Keys and values of all rows, `[2, rows, kvHeads · headDim]`, where the step reads them. */
  cache: TensorData | null
  cell: Cell
  ids: readonly number[]
  info: Pick<ModelInfo, 'heads' | 'kvHeads' | 'headDim'>
  weights: WeightRow | null
}

interface Context extends ExplainRequest {
  layout: StepLayout
  value: number
}

/** True for steps whose element needs more of the cache than its own row. */
export const readsCache = ({ op }: StepInfo): boolean => op === 'scores' || op === 'context'

export const SHOWN_TERMS = 5

const NOTHING = new Float32Array()

export function sumOf(a: ArrayLike<number>, b: ArrayLike<number>, indices?: readonly number[]): Sum {
  const terms = Array.from({ length: a.length }, (_, i): Term => {
    const [left, right] = [a[i] ?? 0, b[i] ?? 0]
    return { index: indices?.[i] ?? i, a: left, b: right, product: left * right }
  })
  const total = terms.reduce((sum, { product }) => sum + product, 0)
  terms.sort((one, two) => Math.abs(two.product) - Math.abs(one.product))
  const shown = terms.slice(0, SHOWN_TERMS)
  const restSum = terms.slice(SHOWN_TERMS).reduce((sum, { product }) => sum + product, 0)
  return { terms: shown, restCount: terms.length - shown.length, restSum, total }
}

export function explain(request: ExplainRequest): Explanation {
  const { step, values, inputs, cell, ids } = request
  const layout = layoutOf(step)
  const value = values[indexInRow(layout, cell)] ?? Number.NaN
  const context: Context = { ...request, layout, value }
  const [first, second] = inputs.map((input) => input[cell.col] ?? Number.NaN)
  switch (step.op) {
    case 'embed':
      return { kind: 'lookup', token: ids[cell.row] ?? 0, value }
    case 'rms_norm':
      return explainRms(context)
    case 'layer_norm':
      return explainLayer(context)
    case 'linear':
      return explainLinear(context)
    case 'rope':
      return explainRope(context)
    case 'cache':
      return { kind: 'copy', from: step.inputs[cell.slice] ?? '', value }
    case 'scores':
      return explainScores(context)
    case 'softmax':
      return explainSoftmax(context)
    case 'context':
      return explainMix(context)
    case 'add':
      return { kind: 'add', a: first ?? Number.NaN, b: second ?? Number.NaN, value }
    case 'gate':
      return explainGate(context, first ?? Number.NaN, second ?? Number.NaN)
    case 'activation':
      return { kind: 'activation', activation: activationName(step.formula), x: first ?? Number.NaN, value }
    default:
      return { kind: 'value', value }
  }
}

function explainRms({ inputs, cell, value }: Context): Explanation {
  const row = inputs[0] ?? NOTHING
  const meanSquare = row.reduce((sum, x) => sum + x * x, 0) / row.length
  const x = row[cell.col] ?? Number.NaN
  return { kind: 'rms', x, meanSquare, count: row.length, normal: x / Math.sqrt(meanSquare), value }
}

function explainLayer({ inputs, cell, value }: Context): Explanation {
  const row = inputs[0] ?? NOTHING
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length
  const x = row[cell.col] ?? Number.NaN
  const normal = (x - mean) / Math.sqrt(variance)
  return { kind: 'layer', x, mean, variance, count: row.length, normal, value }
}

function explainLinear({ step, inputs, weights, value }: Context): Explanation {
  const row = inputs[0] ?? NOTHING
  const largest = Array.from(row, (x, index): Term => ({ index, a: x, b: Number.NaN, product: x }))
    .sort((one, two) => Math.abs(two.a) - Math.abs(one.a))
    .slice(0, SHOWN_TERMS)
  const sum = weights === null ? null : sumOf(row, weights.weights)
  const bias = weights?.bias ?? null
  const base = sum === null ? null : sum.total + (bias ?? 0)
  const adapters = base === null || step.inputs.length < 2 ? null : value - base
  return { kind: 'linear', sum, inputs: largest, count: row.length, bias, adapters, value }
}

/**
 * Which lane a rotation pairs with this one: half a head away, or its neighbour. Both layouts are in use; the right one is that
 * under which the pair keeps its length. Null for a lane that is not rotated.
 */
function explainRope({ inputs, cell, values: after, info, value }: Context): Explanation {
  const before = inputs[0] ?? NOTHING
  const { headDim } = info
  const begin = cell.col - (cell.col % headDim)
  const lane = cell.col % headDim
  const x = before[cell.col] ?? Number.NaN
  const half = headDim / 2
  const candidates = [lane < half ? lane + half : lane - half, lane % 2 === 0 ? lane + 1 : lane - 1]
  const misfit = (partner: number): number => {
    const [a, b] = [x, before[begin + partner] ?? 0]
    const [c, d] = [value, after[begin + partner] ?? 0]
    return Math.abs(a * a + b * b - c * c - d * d)
  }
  const [partner = 0] = candidates.sort((one, two) => misfit(one) - misfit(two))
  const other = before[begin + partner] ?? Number.NaN
  if (x === value && other === after[begin + partner]) return { kind: 'still', x, value }
  const first = partner > lane
  const [a, b] = first ? [x, other] : [other, x]
  const [c, d] = first ? [value, after[begin + partner] ?? 0] : [after[begin + partner] ?? 0, value]
  const angle = Math.atan2(a * d - b * c, a * c + b * d)
  return { kind: 'rope', lane, partner, x, other, angle, first, value }
}

/** Keys or values of a head, from the cache `[2, rows, kvHeads · headDim]`. */
function cached(cache: TensorData | null, which: 0 | 1, row: number): Float32Array {
  const [, rows = 0, width = 0] = cache?.shape ?? []
  const at = (which * rows + row) * width
  return cache?.data.subarray(at, at + width) ?? NOTHING
}

const kvHead = (head: number, { heads, kvHeads }: Context['info']): number =>
  Math.floor(head / (heads / kvHeads))

function explainScores({ inputs, cache, cell, info, value }: Context): Explanation {
  const { headDim } = info
  const q = (inputs[0] ?? NOTHING).subarray(cell.slice * headDim, (cell.slice + 1) * headDim)
  const at = kvHead(cell.slice, info) * headDim
  const k = cached(cache, 0, cell.col).subarray(at, at + headDim)
  const sum = sumOf(q, k)
  // What the kernel multiplied by; a sum near zero says nothing about it.
  const scale = Math.abs(sum.total) > 1e-3 ? value / sum.total : 1 / Math.sqrt(headDim)
  return { kind: 'scores', sum, scale, masked: cell.col > cell.row, value }
}

function explainSoftmax({ inputs, cell, layout, value }: Context): Explanation {
  if (cell.col > cell.row) return { kind: 'masked', value }
  const begin = indexInRow(layout, { ...cell, col: 0 })
  const scores = (inputs[0] ?? NOTHING).subarray(begin, begin + cell.row + 1)
  const max = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
  const total = scores.reduce((sum, score) => sum + Math.exp(score - max), 0)
  const score = scores[cell.col] ?? Number.NaN
  return { kind: 'softmax', score, max, exp: Math.exp(score - max), total, count: scores.length, value }
}

function explainMix({ inputs, cache, cell, info, value }: Context): Explanation {
  const probs = inputs[0] ?? NOTHING
  const { headDim } = info
  const head = Math.floor(cell.col / headDim)
  const lane = kvHead(head, info) * headDim + (cell.col % headDim)
  const begin = head * (probs.length / info.heads)
  const weights = probs.subarray(begin, begin + cell.row + 1)
  const values = Float32Array.from(weights, (_, position) => cached(cache, 1, position)[lane] ?? 0)
  return { kind: 'context', sum: sumOf(weights, values), value }
}

function explainGate({ step, value }: Context, gate: number, up: number): Explanation {
  const activation = activationName(step.formula)
  return { kind: 'gate', activation, gate, up, activated: activate(activation, gate), value }
}
