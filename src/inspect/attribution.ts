import { TokenscopeError, invariant } from '../errors.ts'
import type { Attribution, AttributionOptions, AttributionPart } from '../api/model.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { isStream } from '../program/recorder.ts'
import { isOp, localName, shapeOf, widthOf, type Program, type Step, type StepOf } from '../program/step.ts'
import { WeightReader } from '../weights/reader.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from './forward.ts'
import { decompositionOf, type StreamWriter } from './streamWriters.ts'
import { dot, NormGradient } from './normGradient.ts'
import { keptTensor, residualName, unembedLogits } from './unembed.ts'

/** Everything one attribution reads: rows of one position. */
interface Decomposition {
  readonly input: ForwardInput
  readonly position: number
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
  /** The fine program: adapters show in it. */
  readonly program: Program
  readonly reader: WeightReader
}

function readRow(
  { input, position, tensors }: Pick<Decomposition, 'input' | 'position' | 'tensors'>,
  name: string,
  width: number,
): Promise<Float32Array> {
  const { gpu } = keptTensor(tensors, name)
  return input.runner.executor.readElements(gpu, [[position * width, (position + 1) * width]])
}

/** The norm a step computes, at the rows of the position: its weights and its input there. */
async function normAt(
  decomposition: Decomposition,
  norm: StepOf<'rms_norm'> | StepOf<'layer_norm'>,
): Promise<NormGradient> {
  const { reader } = decomposition
  const [weight, bias] = await Promise.all(norm.params.map((param) => reader.parameter(param)))
  invariant(weight, `${norm.name} has a weight`)
  const x = await readRow(decomposition, norm.inputs[0] ?? '', widthOf(norm))
  return new NormGradient(norm, x, weight, bias ?? null)
}

/** Heads through their columns of the output projection, its bias, and what adapters add to it. */
async function attentionParts(
  decomposition: Decomposition,
  {
    layer,
    projection,
    context,
    isAdapted,
  }: StreamWriter & { projection: StepOf<'linear'>; context: StepOf<'context'> },
  direction: Float64Array,
): Promise<AttributionPart[]> {
  const { reader } = decomposition
  const { heads, headDim } = context.attrs
  const width = heads * headDim
  const [matrixParam, biasParam] = projection.params
  invariant(matrixParam, `${projection.name} has a matrix`)
  const matrix = await reader.parameter(matrixParam) // [hidden, heads · headDim]
  const projected = new Float64Array(width)
  direction.forEach((component, h) => {
    for (let q = 0; q < width; q++)
      projected[q] = (projected[q] ?? 0) + component * (matrix[h * width + q] ?? 0)
  })
  const values = await readRow(decomposition, context.name, width)
  const parts = Array.from({ length: heads }, (_, head): AttributionPart => {
    return { kind: 'head', layer, head, contribution: dot(projected, values, head * headDim, headDim) }
  })
  if (biasParam) {
    const bias = await reader.parameter(biasParam)
    parts.push({ kind: 'attn_bias', layer, head: null, contribution: dot(direction, bias) })
  }
  if (isAdapted) {
    const total = dot(direction, await readRow(decomposition, projection.name, widthOf(projection)))
    const attributed = parts.reduce((sum, { contribution }) => sum + contribution, 0)
    parts.push({ kind: 'adapter', layer, head: null, contribution: total - attributed })
  }
  return parts
}

/** What one addition to the stream makes of the logit: in parts where they are known. */
async function writerParts(
  decomposition: Decomposition,
  writer: StreamWriter,
  logit: Float64Array,
): Promise<AttributionPart[]> {
  const { layer, step, scale, norm, projection, context, isNormAdapted } = writer
  const direction = logit.map((component) => scale * component)
  const along = async (name: string, by: Float64Array): Promise<number> =>
    dot(by, await readRow(decomposition, name, by.length))
  if (!projection || !context) {
    const kind = layer === null ? 'embed' : 'mlp'
    return [{ kind, layer, head: null, contribution: await along(step.name, direction) }]
  }
  if (!norm) return attentionParts(decomposition, { ...writer, projection, context }, direction)
  const gradient = await normAt(decomposition, norm)
  const parts = await attentionParts(
    decomposition,
    { ...writer, projection, context },
    gradient.project(direction),
  )
  const constant = gradient.constant(direction)
  if (constant !== null) parts.push({ kind: 'attn_bias', layer, head: null, contribution: constant })
  if (isNormAdapted) {
    const attributed = parts.reduce((sum, { contribution }) => sum + contribution, 0)
    const contribution = (await along(step.name, direction)) - attributed
    parts.push({ kind: 'adapter', layer, head: null, contribution })
  }
  return parts
}

/** The row of the head that makes the token's logit, and its bias there. */
async function lmHeadRow(
  { input }: Decomposition,
  lmHead: StepOf<'linear'>,
  token: number,
): Promise<{ weights: Float32Array; bias: number | null }> {
  const { runner } = input
  const [matrix] = lmHead.params
  invariant(matrix, 'the head has a matrix')
  return new WeightReader(runner).row(runner.weights.view(matrix.name), token)
}

/** True where every addition is to the stream itself, not to a norm of it. */
function isSum({ steps }: Program): boolean {
  const stream = new Set(steps.filter(isStream).map(({ name }) => name))
  return steps.every((step) => !isOp(step, 'add') || stream.has(step.inputs[0] ?? ''))
}

/** The head of a recorded forward, and the norm it reads, which is over `last`, the stream behind the layers. */
function lmHeadOf(
  program: Program,
  last: string,
): {
  lmHead: StepOf<'linear'>
  norm: StepOf<'rms_norm'> | StepOf<'layer_norm'>
} {
  const lmHead = program.steps.find((step) => isOp(step, 'linear') && step.rows === 'logits')
  const norm = program.steps.find(({ name }) => name === lmHead?.inputs[0])
  const readsStream = norm?.inputs[0] === last
  if (!isOp(lmHead, 'linear') || !isOp(norm, 'rms_norm', 'layer_norm') || !readsStream || !isSum(program)) {
    throw new TokenscopeError('unsupported', 'A logit of this model is no sum over its residual stream.', {
      hint: 'Its norms stand over the sums, or something stands between the last norm and the head. The lens works on it.',
    })
  }
  return { lmHead, norm }
}

/**
 * What finishes the logit, held at its value like a norm's scale: the finished one over the bare product. Every part is multiplied by
 * it, so that the parts sum to the logit that the model computes.
 */
function finishFactor({ scale, softcap }: StepOf<'linear'>['attrs'], product: number): number {
  if (softcap === null || product === 0) return scale
  return (softcap * Math.tanh((scale * product) / softcap)) / product
}

async function decompose(decomposition: Decomposition, token: number): Promise<Attribution> {
  const { input, position, tensors, program, reader } = decomposition
  const recorded = input.runner.model.record(program)
  const last = residualName(input, input.runner.model.layers - 1)
  const { lmHead, norm } = lmHeadOf(recorded, last)
  const { weights, bias } = await lmHeadRow(decomposition, lmHead, token)
  const [gain, shift] = await Promise.all(norm.params.map((param) => reader.parameter(param)))
  invariant(gain, 'the last norm has a weight')
  const stream = await readRow(decomposition, last, widthOf(norm))
  const direction = new NormGradient(norm, stream, gain, null).project(weights)
  const parts: AttributionPart[] = []
  for (const writer of decompositionOf(recorded, program)) {
    parts.push(...(await writerParts(decomposition, writer, direction)))
  }
  const outside = { layer: null, head: null }
  if (shift) parts.push({ kind: 'norm_bias', ...outside, contribution: dot(weights, shift) })
  if (bias !== null) parts.push({ kind: 'head_bias', ...outside, contribution: bias })
  const residual = { buffer: keptTensor(tensors, last), row: position }
  const { value: row } = await unembedLogits(input, [residual]).next()
  const logit = row?.[token]
  invariant(logit !== undefined, 'the head gives a row of logits')
  const uncapped = parts.reduce((total, { contribution }) => total + contribution, 0)
  const factor = finishFactor(lmHead.attrs, uncapped)
  const scaled = parts.map((part) => ({ ...part, contribution: part.contribution * factor }))
  if (isLmHeadAdapted(program)) {
    scaled.push({ kind: 'adapter', ...outside, contribution: logit - uncapped * factor })
  }
  const sum = scaled.reduce((total, { contribution }) => total + contribution, 0)
  return { position, token, logit, sum, parts: scaled }
}

/** True when adapters act behind the layers. */
function isLmHeadAdapted({ steps }: Program): boolean {
  return steps.some(
    (step) => step.layer === null && isOp(step, 'lora_a', 'blend') && localName(step) !== 'embed',
  )
}

function checkOptions({ position, token }: AttributionOptions, rows: number, vocab: number): void {
  const within = (value: number, end: number): boolean => Number.isInteger(value) && value >= 0 && value < end
  if (within(position, rows) && within(token, vocab)) return
  throw new TokenscopeError('bad-argument', `There is no logit of token ${token} at position ${position}.`, {
    hint: `Positions go from 0 to ${rows - 1}, ids from 0 to ${vocab - 1}.`,
    details: { position, token, rows, vocab },
  })
}

/** Steps whose rows an attribution reads. */
function wantedSteps(program: Program, recorded: Program, last: string): Step[] {
  const names = new Set([last])
  for (const { step, norm, projection, context } of decompositionOf(recorded, program)) {
    for (const part of [step, projection, context]) if (part) names.add(part.name)
    for (const input of norm?.inputs ?? []) names.add(input)
  }
  return program.steps.filter((step) => names.has(step.name) && shapeOf(step).length === 2)
}

/**
 * Direct logit attribution (Elhage et al. 2021): the logit as a sum over the embedding, every head, bias and MLP. Scales of norms are
 * held at their actual values, which makes the logit linear in what is added to the stream; so is the factor of a soft cap. Sums in
 * f64.
 */
export async function attributeLogit(input: ForwardInput, options: AttributionOptions): Promise<Attribution> {
  const { runner, ids } = input
  const { position, token } = options
  checkOptions(options, ids.length, runner.model.vocab)
  // Models whose logits are sums over the stream look back only.
  const used = { ...input, ids: ids.slice(0, position + 1), length: ids.length }
  return runner.exclusive(async () => {
    const program = fineProgram(used)
    const recorded = runner.model.record(program)
    const last = residualName(used, runner.model.layers - 1)
    lmHeadOf(recorded, last)
    const tensors = await createTensors(runner, wantedSteps(program, recorded, last))
    try {
      const { run } = await runKept(used, tensors, false)
      run.dispose()
      return await decompose(
        { input: used, position, tensors, program, reader: new WeightReader(runner) },
        token,
      )
    } finally {
      tensors.forEach((buffer) => runner.ledger.destroy(buffer))
    }
  })
}
