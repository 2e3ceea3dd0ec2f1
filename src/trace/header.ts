import type {
  Axis,
  AxisKind,
  GeneratedToken,
  TensorStats,
  TokenAlternative,
  WeightFormat,
} from '../api/model.ts'
import type { Field } from './check.ts'
import { LIMITS, TIGHTEST, type Coding } from './layout.ts'
import type { SavedEdit, SavedMachine, SavedModel, SavedPrediction, SavedStep, SavedTrace } from './types.ts'

/** Where a tensor lies among the stored bytes, and what it unpacks to. */
export interface StoredTensor {
  step: string
  shape: readonly number[]
  coding: Coding
  bytes: number
  crc: number
  stats: TensorStats
}

export interface Header extends Omit<SavedTrace, 'version' | 'bytes' | 'tensor'> {
  tensors: readonly StoredTensor[]
}

const AXIS_KINDS: readonly AxisKind[] = [
  'rows',
  'heads',
  'positions',
  'features',
  'vocabulary',
  'experts',
  'ranks',
  'kv',
]
const WEIGHTS: Readonly<Record<WeightFormat, true>> = {
  f32: true,
  f16: true,
  bf16: true,
  q8_0: true,
  q4_0: true,
  q4_1: true,
  q5_0: true,
  q5_1: true,
  q2_k: true,
  q3_k: true,
  q4_k: true,
  q5_k: true,
  q6_k: true,
  iq4_nl: true,
  iq4_xs: true,
  mxfp4: true,
  f8_e4m3: true,
  f8_e5m2: true,
  fp4: true,
  nf4: true,
  int4: true,
}
const HISTOGRAM_BINS = 4096
const MAX_SIZE = 2 ** 32

/** Checks every part of a header, and the parts against each other. @throws `bad-file` naming the path. */
export function readHeader(field: Field): Header {
  const model = readModel(field.at('model'))
  const ids = field.at('ids').list((id) => id.integer(0, model.vocab - 1))
  const same = <T>(name: string, read: (item: Field, index: number) => T): T[] => {
    const values = field.at(name).list(read)
    return values.length === ids.length
      ? values
      : field.at(name).refuse(`one entry for each of ${ids.length} ids`)
  }
  const promptLength = field.at('promptLength').integer(0, ids.length)
  const tensors = readTensors(field.at('tensors'))
  const stats = new Map(tensors.map((tensor) => [tensor.step, tensor]))
  const steps = field.at('steps').list((step) => readStep(step, stats))
  const names = new Set(steps.map(({ name }) => name))
  if (names.size < steps.length) field.at('steps').refuse('every step once')
  const stray = tensors.find(({ step }) => !names.has(step))
  if (stray !== undefined) field.at('tensors').refuse(`steps of the program, not "${stray.step}"`)
  return {
    model,
    machine: field.has('machine') ? readMachine(field.at('machine')) : null,
    ids,
    texts: same('texts', (text) => text.string()),
    promptLength,
    settings: field.at('settings').numbers(),
    adapters: field.at('mix').list((part) => ({
      id: part.at('id').string(),
      name: part.at('name').string(),
      scale: part.at('scale').number(),
    })),
    edits: field.at('edits').list(readEdit),
    tokens: field.at('tokens').list((token) => readToken(token, ids, promptLength)),
    predictions: same('predictions', (one, position) => readPrediction(one, position)),
    steps,
    tensors,
  }
}

function readModel(field: Field): SavedModel {
  const sizeAt = (name: string): number => field.at(name).integer(1, MAX_SIZE)
  return {
    id: field.at('id').string(),
    architecture: field.at('architecture').string(),
    layers: sizeAt('layers'),
    heads: sizeAt('heads'),
    kvHeads: sizeAt('kvHeads'),
    headDim: sizeAt('headDim'),
    hidden: sizeAt('hidden'),
    vocab: sizeAt('vocab'),
    context: sizeAt('context'),
    parameters: field.at('parameters').integer(),
    weights: field.at('weights').oneOf(Object.keys(WEIGHTS) as WeightFormat[]),
    backend: field.at('backend').string(),
    variant: field.at('variant').string(),
  }
}

function readMachine(field: Field): SavedMachine | null {
  if (field.isNull) return null
  const text = (name: string): string => field.at(name).string()
  return { browser: text('browser'), device: text('device'), limits: field.at('limits').numbers() }
}

function readAlternative(field: Field): TokenAlternative {
  return {
    id: field.at('id').integer(),
    text: field.at('text').string(),
    logprob: field.at('logprob').number(),
  }
}

function readToken(field: Field, ids: readonly number[], promptLength: number): GeneratedToken {
  const id = field.at('id').integer()
  const position = field.at('position').integer(promptLength, ids.length - 1)
  if (ids[position] !== id) field.at('id').refuse(`${ids[position]}, the id at position ${position}`)
  const [random, finish] = [field.at('random'), field.at('finish')]
  return {
    index: field.at('index').integer(),
    position,
    id,
    text: field.at('text').string(),
    logprob: field.at('logprob').number(),
    top: field.at('top').list(readAlternative),
    random: random.isNull ? null : random.number(),
    finish: finish.isNull ? null : finish.oneOf(['stop', 'length', 'abort', 'context-full']),
  }
}

function readPrediction(field: Field, position: number): SavedPrediction {
  const next = field.at('next')
  return {
    position: field.at('position').integer(position, position),
    top: field.at('top').list(readAlternative),
    entropy: field.at('entropy').number(),
    next: next.isNull ? null : { logprob: next.at('logprob').number(), rank: next.at('rank').integer() },
  }
}

function readEdit(field: Field): SavedEdit {
  return {
    kind: field.at('kind').oneOf(['scale', 'add', 'patch', 'mask']),
    step: field.at('step').string(),
    values: field.at('values').numbers(),
  }
}

const strings = (field: Field): string[] => field.list((item) => item.string())
const sizes = (field: Field): number[] => field.list((size) => size.integer(0, MAX_SIZE))

function readAxis(field: Field, size: number): Axis {
  const kind = field.at('kind').oneOf(AXIS_KINDS)
  field.at('size').integer(size, size)
  const heads = field.has('heads') ? field.at('heads').integer(1, size) : undefined
  return heads === undefined ? { kind, size } : { kind, size, heads }
}

function readStep(field: Field, tensors: ReadonlyMap<string, StoredTensor>): SavedStep {
  const name = field.at('name').string()
  const shape = sizes(field.at('output').at('shape'))
  const kept = tensors.get(name)
  if (kept !== undefined && kept.shape.join() !== shape.join())
    field
      .at('output')
      .at('shape')
      .refuse(`${kept.shape.join(' × ')}, as its tensor has`)
  const covered = field.at('coveredBy')
  const layer = field.at('layer')
  return {
    name,
    op: field.at('op').string(),
    layer: layer.isNull ? null : layer.integer(),
    inputs: strings(field.at('inputs')),
    axes: field.at('axes').list((axis, i) => readAxis(axis, shape[i] ?? 0)),
    params: strings(field.at('params')),
    output: { shape, dtype: field.at('output').at('dtype').oneOf(['f32', 'u32']) },
    flops: field.at('flops').number(),
    bytes: field.at('bytes').number(),
    formula: field.at('formula').string(),
    coveredBy: covered.isNull ? null : covered.string(),
    stats: kept?.stats ?? null,
  }
}

function readTensors(field: Field): StoredTensor[] {
  const seen = new Set<string>()
  return field.list((item) => {
    const step = item.at('step').string()
    if (seen.has(step)) item.at('step').refuse('every step once')
    seen.add(step)
    const shape = sizes(item.at('shape'))
    const unpacked = shape.reduce((product, size) => product * size, 4)
    if (unpacked > LIMITS.tensor) item.at('shape').refuse(`at most ${LIMITS.tensor} bytes`)
    const coding = item.at('coding').oneOf(['raw', 'planes'])
    const most = Math.min(LIMITS.tensor, coding === 'raw' ? unpacked : LIMITS.file)
    const bytes = item.at('bytes').integer(coding === 'raw' ? unpacked : 0, most)
    if (coding === 'planes' && unpacked > bytes * TIGHTEST)
      item.at('shape').refuse(`no more than ${bytes} stored bytes can unpack to`)
    const crc = item.at('crc').integer(0, 0xffffffff)
    return { step, shape, coding, bytes, crc, stats: readStats(item.at('stats'), unpacked / 4) }
  })
}

function readStats(field: Field, elements: number): TensorStats {
  const number = (name: string): number => field.at(name).number()
  const histogram = field.at('histogram')
  const counts = histogram.at('counts').list((count) => count.integer())
  if (counts.length > HISTOGRAM_BINS) histogram.at('counts').refuse(`at most ${HISTOGRAM_BINS} bins`)
  return {
    elements: field.at('elements').integer(elements, elements),
    nan: field.at('nan').integer(),
    infinite: field.at('infinite').integer(),
    min: number('min'),
    max: number('max'),
    mean: number('mean'),
    std: number('std'),
    norm: number('norm'),
    absMax: number('absMax'),
    histogram: { low: histogram.at('low').number(), high: histogram.at('high').number(), counts },
  }
}
