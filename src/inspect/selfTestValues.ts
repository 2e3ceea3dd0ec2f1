import { invariant } from '../errors.ts'
import { PAGE, type Sequence } from '../run/cache.ts'
import type { Runner } from '../run/runner.ts'
import { NO_BIAS } from '../weights/store.ts'
import { unpackMatrix } from '../weights/pack.ts'

/** Rows of the value matrix that the host computes as well. */
const SAMPLED = 8

/** Layer 0's values as the cache holds them and as the host computes them in f64: `[tokens.length, SAMPLED]`, flat. */
export async function compareValues(
  runner: Runner,
  sequence: Sequence,
  tokens: readonly number[],
): Promise<{ got: number[]; want: number[] }> {
  const { spec, pool } = runner
  const width = spec.kvHeads * spec.headDim
  const sampled = Array.from({ length: SAMPLED }, (_, i) => Math.floor((i * width) / SAMPLED))
  const pageBytes = PAGE * width * 4
  const [page, weights, ...inputs] = await Promise.all([
    runner.read(pool.layer(0).v, (sequence.pages[0] ?? 0) * pageBytes, pageBytes),
    Promise.all(sampled.map((row) => matrixRow(runner, 'layers.0.attn.v', row))),
    ...tokens.map((token, position) => normedInput(runner, token, position)),
  ])
  const cached = new Float32Array(page) // [kvHeads, PAGE, headDim]
  const at = (row: number, position: number): number =>
    (Math.floor(row / spec.headDim) * PAGE + position) * spec.headDim + (row % spec.headDim)
  return {
    got: inputs.flatMap((_, position) => sampled.map((row) => cached[at(row, position)] ?? NaN)),
    want: inputs.flatMap((input) => weights.map(({ values, bias }) => dot(values, input) + bias)),
  }
}

function dot(a: Float32Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
}

/** layers.0.input_norm of one token, in f64. */
async function normedInput(runner: Runner, token: number, position: number): Promise<Float64Array> {
  const { spec, weights } = runner
  const { hidden, norm } = spec
  const [embedding, scale, learned] = await Promise.all([
    matrixRow(runner, 'embed', token),
    runner.read(weights.vector('layers.0.input_norm').gpu, 0, weights.vector('layers.0.input_norm').bytes),
    spec.positions.kind === 'learned'
      ? runner.read(weights.vector('positions').gpu, position * hidden * 4, hidden * 4)
      : null,
  ])
  const offsets = learned ? new Float32Array(learned) : null
  const x = Float64Array.from(embedding.values, (v, i) => v * spec.embedScale + (offsets?.[i] ?? 0))
  const mean = norm.kind === 'layer' ? x.reduce((sum, v) => sum + v, 0) / hidden : 0
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / hidden
  const vector = new Float32Array(scale) // weight, then bias, each padded to whole vec4
  const bias = Math.ceil(hidden / 4) * 4
  return x.map(
    (v, i) => ((v - mean) / Math.sqrt(variance + norm.eps)) * (vector[i] ?? 0) + (vector[bias + i] ?? 0),
  )
}

/** One row of a matrix as the GPU holds it. */
async function matrixRow(
  runner: Runner,
  name: string,
  row: number,
): Promise<{ values: Float32Array; bias: number }> {
  const { matrix, begin } = runner.weights.view(name)
  const shard = matrix.shards.find((part) => part.begin <= begin + row && begin + row < part.end)
  invariant(shard, `${name} has a row ${row}`)
  const { buffer, stride, scalesWord, biasWord } = shard
  const at = begin + row - shard.begin
  // Two bytes a block; copies move whole words.
  const blocks = matrix.format === 'q8_0' || matrix.format === 'q4_0' ? matrix.cols / 32 : 0
  const firstWord = Math.floor((at * blocks) / 2)
  const words = Math.ceil(((at + 1) * blocks) / 2) - firstWord
  const [quants, scales, bias] = await Promise.all([
    runner.read(buffer.gpu, at * stride * 16, stride * 16),
    words > 0 ? runner.read(buffer.gpu, (scalesWord + firstWord) * 4, words * 4) : new ArrayBuffer(0),
    biasWord === NO_BIAS ? null : runner.read(buffer.gpu, (biasWord + at) * 4, 4),
  ])
  const halves = new Uint16Array(Math.ceil(blocks / 2) * 2)
  halves.set(new Uint16Array(scales).subarray((at * blocks) % 2, ((at * blocks) % 2) + blocks))
  const packed = { quants: new Uint32Array(quants), scales: new Uint32Array(halves.buffer) }
  return {
    values: unpackMatrix(matrix.format, 1, matrix.cols, packed),
    bias: bias ? (new Float32Array(bias)[0] ?? NaN) : 0,
  }
}
