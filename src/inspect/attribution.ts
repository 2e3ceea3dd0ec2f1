import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { unpackMatrix } from '../weights/pack.ts'
import type { Attribution, AttributionOptions, AttributionPart } from '../api/model.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from './forward.ts'
import { headLogits, keptTensor, residualName } from './unembed.ts'
import { readRanges } from './readback.ts'
import type { Runner } from '../run/runner.ts'
import { WeightReader } from '../weights/reader.ts'
import { NO_BIAS, type MatrixView } from '../weights/store.ts'

/** One row [cols] of a matrix, dequantised, reading only its bytes. */
async function readMatrixRow(
  runner: Runner,
  { matrix, begin }: MatrixView,
  row: number,
): Promise<Float32Array> {
  const { cols, format } = matrix
  const at = begin + row
  const shard = matrix.shards.find((candidate) => at >= candidate.begin && at < candidate.end)
  invariant(shard, 'a row lies in a shard')
  const words = async (first: number, count: number): Promise<Uint32Array> =>
    new Uint32Array((await readRanges(runner, shard.buffer.gpu, [[first, first + count]])).buffer)
  const quants = await words((at - shard.begin) * shard.stride * 4, shard.stride * 4)
  if (format === 'f32' || format === 'f16') {
    return unpackMatrix(format, 1, cols, { quants, scales: new Uint32Array(0) })
  }
  // Two f16 scales a word: a row may begin in the middle of one.
  const perRow = cols / 32
  const first = (at - shard.begin) * perRow
  const halves = new Uint16Array(
    (await words(shard.scalesWord + (first >> 1), Math.ceil((perRow + (first & 1)) / 2))).buffer,
  )
  const own = new Uint16Array(Math.ceil(perRow / 2) * 2)
  own.set(halves.subarray(first & 1, (first & 1) + perRow))
  return unpackMatrix(format, 1, cols, { quants, scales: new Uint32Array(own.buffer) })
}

async function readBias(runner: Runner, { matrix, begin }: MatrixView, row: number): Promise<number | null> {
  const at = begin + row
  const shard = matrix.shards.find((candidate) => at >= candidate.begin && at < candidate.end)
  if (!shard || shard.biasWord === NO_BIAS) return null
  const word = shard.biasWord + at - shard.begin
  const [bias = 0] = await readRanges(runner, shard.buffer.gpu, [[word, word + 1]])
  return bias
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>, from = 0, count = a.length): number => {
  let sum = 0
  for (let i = from; i < from + count; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/**
 * The direction d in which the residual stream makes the logit, so that an addend c of the stream makes c·d of it: d = w ∘ g / s
 * with the head's row w, the norm's weight g and its scale s at the actual stream. LayerNorm also takes the mean out.
 */
function logitDirection(
  head: Float32Array,
  gain: Float32Array,
  stream: Float32Array,
  norm: { kind: 'rms' | 'layer'; eps: number },
): Float64Array {
  const size = stream.length
  const mean = norm.kind === 'layer' ? stream.reduce((a, b) => a + b, 0) / size : 0
  const variance = stream.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size
  const scale = Math.sqrt(variance + norm.eps)
  const direction = Float64Array.from(head, (weight, i) => (weight * (gain[i] ?? 0)) / scale)
  if (norm.kind === 'rms') return direction
  // (c − mean(c))·d = c·(d − mean(d))
  const centre = direction.reduce((a, b) => a + b, 0) / size
  return direction.map((value) => value - centre)
}

/** Everything one attribution reads: rows of one position. */
interface Reading {
  readonly input: ForwardInput
  readonly position: number
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
  readonly direction: Float64Array
  /** Steps of the fine program: adapters show in it. */
  readonly names: readonly string[]
}

function readRow(
  { input, position, tensors }: Pick<Reading, 'input' | 'position' | 'tensors'>,
  name: string,
  width: number,
): Promise<Float32Array> {
  const { gpu } = keptTensor(tensors, name)
  return readRanges(input.runner, gpu, [[position * width, (position + 1) * width]])
}

/** Heads of a layer's attention through their columns of the output projection, its bias, and what adapters add to it. */
async function attentionParts(reading: Reading, layer: number): Promise<AttributionPart[]> {
  const { runner } = reading.input
  const { heads, headDim, hidden } = runner.spec
  const name = `layers.${layer}.attn.out`
  const width = heads * headDim
  const reader = new WeightReader(runner)
  const view = runner.weights.view(name)
  const matrix = await reader.matrix(view) // [hidden, heads · headDim]
  const pulled = new Float64Array(width)
  reading.direction.forEach((pull, h) => {
    for (let q = 0; q < width; q++) pulled[q] = (pulled[q] ?? 0) + pull * (matrix[h * width + q] ?? 0)
  })
  const mix = await readRow(reading, `layers.${layer}.attn.mix`, width)
  const parts = Array.from({ length: heads }, (_, head): AttributionPart => {
    return { kind: 'head', layer, head, contribution: dot(pulled, mix, head * headDim, headDim) }
  })
  const bias = await reader.bias(view)
  if (bias) {
    parts.push({ kind: 'attn_bias', layer, head: null, contribution: dot(reading.direction, bias) })
  }
  if (reading.names.some((step) => step.startsWith(`${name}.`))) {
    const whole = dot(reading.direction, await readRow(reading, name, hidden))
    const known = parts.reduce((sum, { contribution }) => sum + contribution, 0)
    parts.push({ kind: 'adapter', layer, head: null, contribution: whole - known })
  }
  return parts
}

/** What stands outside the residual stream: the biases of the final norm and of the head. */
async function constantParts(
  runner: Runner,
  head: Float32Array,
  token: number,
  bias: Float32Array | null,
): Promise<AttributionPart[]> {
  const parts: AttributionPart[] = []
  const outside = { layer: null, head: null }
  if (bias) parts.push({ kind: 'norm_bias', ...outside, contribution: dot(head, bias) })
  if (!runner.spec.tiedHead) {
    const own = await readBias(runner, runner.weights.view('logits'), token)
    if (own !== null) parts.push({ kind: 'head_bias', ...outside, contribution: own })
  }
  return parts
}

function wantedSteps(layers: number): Set<string> {
  const perLayer = Array.from({ length: layers }, (_, n) =>
    ['attn.mix', 'attn.out', 'mlp.down'].map((name) => `layers.${n}.${name}`),
  )
  return new Set(['embed', ...perLayer.flat(), residualName(layers - 1)])
}

async function takeApart(
  input: ForwardInput,
  { position, token }: AttributionOptions,
  tensors: ReadonlyMap<string, LedgerBuffer>,
  names: readonly string[],
): Promise<Attribution> {
  const { runner } = input
  const { spec } = runner
  const last = residualName(spec.layers - 1)
  const at = { input, position, tensors }
  const stream = await readRow(at, last, spec.hidden)
  const head = await readMatrixRow(runner, runner.weights.view(spec.tiedHead ? 'embed' : 'logits'), token)
  const { weight, bias } = await new WeightReader(runner).norm('final_norm', spec)
  const direction = logitDirection(head, weight, stream, spec.norm)
  const reading: Reading = { ...at, direction, names }
  const along = async (name: string): Promise<number> => dot(direction, await readRow(at, name, spec.hidden))
  const parts: AttributionPart[] = [
    { kind: 'embed', layer: null, head: null, contribution: await along('embed') },
  ]
  for (let layer = 0; layer < spec.layers; layer++) {
    parts.push(...(await attentionParts(reading, layer)))
    const contribution = await along(`layers.${layer}.mlp.down`)
    parts.push({ kind: 'mlp', layer, head: null, contribution })
  }
  parts.push(...(await constantParts(runner, head, token, bias)))
  const { value: row } = await headLogits(input, [
    { buffer: keptTensor(tensors, last), row: position },
  ]).next()
  const logit = row?.[token]
  invariant(logit !== undefined, 'the head gives a row of logits')
  const added = parts.reduce((sum, { contribution }) => sum + contribution, 0)
  if (names.some((name) => name.startsWith('logits.') || name.startsWith('final_norm.'))) {
    parts.push({ kind: 'adapter', layer: null, head: null, contribution: logit - added })
  }
  const sum = parts.reduce((total, { contribution }) => total + contribution, 0)
  return { position, token, logit, sum, parts }
}

function checkOptions({ position, token }: AttributionOptions, rows: number, vocab: number): void {
  const within = (value: number, end: number): boolean => Number.isInteger(value) && value >= 0 && value < end
  if (within(position, rows) && within(token, vocab)) return
  throw new TokenscopeError('bad-argument', `There is no logit of token ${token} at position ${position}.`, {
    hint: `Positions go from 0 to ${rows - 1}, ids from 0 to ${vocab - 1}.`,
    details: { position, token, rows, vocab },
  })
}

/**
 * Direct logit attribution (Elhage et al. 2021): the logit as a sum over the embedding, every head, bias and MLP. The final norm's
 * scale is held at its actual value, which makes the logit linear in the residual stream. Sums in f64.
 */
export async function attributeLogit(input: ForwardInput, options: AttributionOptions): Promise<Attribution> {
  const { runner, ids } = input
  checkOptions(options, ids.length, runner.spec.vocab)
  const used = { ...input, ids: ids.slice(0, options.position + 1) }
  return runner.exclusive(async () => {
    const { steps } = fineProgram(used)
    const wanted = wantedSteps(runner.spec.layers)
    const tensors = await createTensors(
      runner,
      steps.filter(({ name }) => wanted.has(name)),
    )
    try {
      const { bench } = await runKept(used, tensors, false)
      bench.dispose()
      return await takeApart(
        used,
        options,
        tensors,
        steps.map(({ name }) => name),
      )
    } finally {
      tensors.forEach((buffer) => runner.ledger.destroy(buffer))
    }
  })
}
