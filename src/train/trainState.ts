import { writeSafetensors } from '../adapters/writeSafetensors.ts'
import { TokenscopeError } from '../errors.ts'
import { parseHeaderLength, parseSafetensorsHeader, type SafetensorsHeader } from '../formats/safetensors.ts'
import type { FlatLayout } from './flatLayout.ts'
import type { TrainSettings } from './options.ts'
import type { MeanState } from './runningMean.ts'

/** Where a run stands beside the adapter itself: with both, a run goes on as if it had never been left. */
export interface TrainState {
  /** Step that comes next. */
  readonly index: number
  /** Steps taken before; those that were left out do not count. */
  readonly taken: number
  readonly mean: MeanState
  /** Moments by the name of their buffer; none of sgd. */
  readonly moments: ReadonlyMap<string, Float32Array<ArrayBuffer>>
}

/** What a state is of: it fits no other run. */
export interface StateOwner {
  readonly layout: FlatLayout
  readonly settings: Pick<TrainSettings, 'optimizer' | 'objective'>
  /** Values of each buffer of moments, by name. */
  readonly sizes: ReadonlyMap<string, number>
}

const FILE = 'the state of training'
const FORMAT = 'tokenscope-training'
const VERSION = '1'

/** Which factors there are, and of which shapes: [steps and shapes] as one text. */
function layoutText({ places, matrices }: FlatLayout): string {
  const shapes = matrices.map(({ rows, columns }) => `${rows}×${columns}`)
  return [...places.keys(), ...shapes].join(' ')
}

/** A state as bytes: a safetensors file whose metadata says what it is of. */
export function writeTrainState(
  { index, taken, mean, moments }: TrainState,
  { layout, settings: { optimizer, objective } }: StateOwner,
): Uint8Array {
  const tensors = [...moments].map(([name, values]) => ({
    name,
    dtype: 'F32' as const,
    shape: [values.length],
    values,
  }))
  return writeSafetensors(tensors, {
    format: FORMAT,
    version: VERSION,
    optimizer,
    objective,
    layout: layoutText(layout),
    place: [index, taken, mean.count, mean.sum, mean.weight].join(' '),
  })
}

/** Throws `bad-argument` naming what differs, `bad-file` for bytes that are no state. */
export function readTrainState(bytes: Uint8Array, owner: StateOwner): TrainState {
  const length = parseHeaderLength(bytes.subarray(0, 8), FILE, bytes.byteLength)
  const header = parseSafetensorsHeader(bytes.subarray(8, 8 + length), FILE, bytes.byteLength)
  checkOwner(header.metadata, owner)
  const moments = new Map([...owner.sizes].map(([name, size]) => [name, valuesOf(bytes, header, name, size)]))
  return { ...parsePlace(header.metadata.get('place')), moments }
}

function checkOwner(
  metadata: SafetensorsHeader['metadata'],
  { layout, settings: { optimizer, objective } }: StateOwner,
): void {
  const expected = { format: FORMAT, version: VERSION, optimizer, objective, layout: layoutText(layout) }
  for (const [field, wanted] of Object.entries(expected))
    if (metadata.get(field) !== wanted) throw otherRun(field, metadata.get(field), wanted)
}

function otherRun(field: string, got: string | undefined, expected: string): TokenscopeError {
  const isLayout = field === 'layout'
  const what = isLayout ? 'is of other modules or ranks' : `has ${field} "${got ?? 'none'}"`
  return new TokenscopeError(
    'bad-argument',
    `The state of training ${what}; this run has ${isLayout ? 'others' : `"${expected}"`}.`,
    {
      hint: 'Resume with the adapter and the options that the state was taken under, or leave it out.',
      details: { field, got: got?.slice(0, 200), expected: expected.slice(0, 200) },
    },
  )
}

function valuesOf(
  bytes: Uint8Array,
  { tensors }: SafetensorsHeader,
  name: string,
  size: number,
): Float32Array<ArrayBuffer> {
  const tensor = tensors.find((one) => one.name === name)
  if (tensor?.dtype !== 'F32' || tensor.end - tensor.begin !== 4 * size)
    throw otherRun(name, tensor && `${tensor.dtype} ${tensor.shape.join('×')}`, `F32 ${size}`)
  return new Float32Array(bytes.slice(tensor.begin, tensor.end).buffer)
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0

function parsePlace(text = ''): Omit<TrainState, 'moments'> {
  const [index, taken, count, sum = NaN, weight = NaN] = text.split(' ').map(Number)
  if (isCount(index) && isCount(taken) && isCount(count) && Number.isFinite(sum) && Number.isFinite(weight))
    return { index, taken, mean: { count, sum, weight } }
  throw otherRun('place', text, 'a step, and the running mean of the losses before it')
}
