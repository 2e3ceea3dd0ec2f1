import { PAGE } from '../program/batchLayout.ts'
import { isOp, type ParamRef, type Program, type Step, type StepOf } from '../program/step.ts'
import { dim4Of } from '../ops/kvFormats.ts'
import { decodeRow, STORED_ERROR } from '../run/kvDecode.ts'
import type { Sequence } from '../run/cache.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'
import { NormGradient, dot } from './normGradient.ts'

/** Rows of the value matrix that the host computes as well. */
const SAMPLED = 8

/** The first values that a forward keeps, and how they come about: embedding → norm → product. */
interface FirstValues {
  readonly layer: number
  readonly cache: StepOf<'cache'>
  readonly product: StepOf<'linear'>
  readonly norm: StepOf<'rms_norm'> | StepOf<'layer_norm'>
  readonly embed: StepOf<'embed'>
}

/** Null for a forward that begins otherwise. */
function firstValues({ steps }: Program): FirstValues | null {
  const producer = (step: Step | undefined, input = 0): Step | undefined =>
    steps.find(({ name }) => name === step?.inputs[input])
  const cache = steps.find((step) => isOp(step, 'cache'))
  const product = producer(cache, 1)
  const norm = producer(product)
  const embed = producer(norm)
  if (!isOp(cache, 'cache') || cache.layer === null || !isOp(product, 'linear')) return null
  if (!isOp(norm, 'rms_norm', 'layer_norm') || !isOp(embed, 'embed')) return null
  return { layer: cache.layer, cache, product, norm, embed }
}

/**
 * The first layer's values as the cache holds them and as the host computes them in f64: `[tokens.length, SAMPLED]`, flat. Null where
 * the forward does not begin with an embedding, a norm and a product.
 */
export async function compareValues(
  runner: Runner,
  sequence: Sequence,
  tokens: readonly number[],
): Promise<{ step: string; got: number[]; expected: number[]; tolerance: number } | null> {
  const { model, pool } = runner
  const first = firstValues(model.record({ rows: 1, logitRows: 1, positions: 1 }))
  if (!first) return null
  const { kvHeads, headDim } = first.cache.attrs
  const width = kvHeads * headDim
  const sampled = Array.from({ length: SAMPLED }, (_, i) => Math.floor((i * width) / SAMPLED))
  const { format } = pool
  const rowBytes = format.rowBytes(dim4Of(headDim))
  const pageBytes = PAGE * kvHeads * rowBytes
  const reader = new WeightReader(runner)
  const view = runner.weights.view(first.product.attrs.matrix)
  const [page, weights, ...inputs] = await Promise.all([
    runner.read(pool.layer(first.layer).v, (sequence.pages[0] ?? 0) * pageBytes, pageBytes),
    Promise.all(sampled.map((row) => reader.row(view, row))),
    ...tokens.map((token, position) => normedInput(runner, reader, first, token, position)),
  ])
  const cached = (row: number, position: number): number => {
    const begin = (Math.floor(row / headDim) * PAGE + position) * rowBytes // [kvHeads, PAGE]
    return decodeRow(format.name, page.slice(begin, begin + rowBytes))[row % headDim] ?? NaN
  }
  return {
    step: first.product.name,
    tolerance: STORED_ERROR[format.name],
    got: inputs.flatMap((_, position) => sampled.map((row) => cached(row, position))),
    expected: inputs.flatMap((input) => weights.map((row) => dot(row.weights, input) + (row.bias ?? 0))),
  }
}

/** The first norm of one token, in f64. */
async function normedInput(
  runner: Runner,
  reader: WeightReader,
  { norm, embed }: FirstValues,
  token: number,
  position: number,
): Promise<Float64Array> {
  const [table, positions, types] = embed.params
  const [weight, bias] = norm.params
  const width = norm.attrs.width
  const vectorRow = (param: ParamRef | undefined, at: number): Promise<ArrayBuffer> | undefined =>
    param && runner.read(runner.weights.vector(param.name).gpu, at * width * 4, width * 4)
  const [row, gain, shift, ...learned] = await Promise.all([
    reader.row(runner.weights.view(table?.name ?? ''), token),
    weight && reader.parameter(weight),
    bias && reader.parameter(bias),
    vectorRow(positions, position + (embed.attrs.firstPosition ?? 0)),
    vectorRow(types, 0),
  ])
  const added = learned.map((bytes) => (bytes ? new Float32Array(bytes) : []))
  const x = Float32Array.from(row.weights, (value, i) =>
    added.reduce((sum, values) => sum + (values[i] ?? 0), value * embed.attrs.scale),
  )
  return new NormGradient(norm, x, gain ?? new Float32Array(width), shift ?? null).apply(x)
}
