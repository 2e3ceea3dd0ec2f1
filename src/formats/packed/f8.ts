import { badFile } from '../badFile.ts'
import type { ConfigReader } from '../configReader.ts'
import type { Checkpoint, ScaleGroups, TensorInfo } from '../tensors.ts'
import {
  companion,
  evenPart,
  expectTensor,
  f32Bits,
  floatsOf,
  type PackedTensor,
  type PackedTensors,
} from './modules.ts'

/** Weights of a unit on the GPU. */
const UNIT = 16
/** What the scale of `x.weight` is called: a factor, whichever of the names it has. */
const SCALES = ['weight_scale_inv', 'weight_scale', 'scale_weight'] as const
/** Scales of activations and of the cache: both stay f32 here. */
const OF_ACTIVATIONS = /\.(input_scale|activation_scale|scale_input|input_global_scale|[kv]_scale)$/

/** What a configuration says of its eight-bit floats. */
interface Scheme {
  /** [outputs, inputs] that share a scale, where scales are of blocks. */
  readonly block: readonly [number, number] | null
  /** Whether every matrix of eight-bit floats has a scale. */
  readonly scaled: boolean
}

function blockOf(config: ConfigReader): Scheme['block'] {
  if (config.get('weight_block_size') === undefined) return null
  const [rows = 0, cols = 0, ...more] = config.numbers('weight_block_size')
  const isValid = [rows, cols].every((size) => Number.isInteger(size) && size >= 1)
  if (!isValid || more.length > 0 || evenPart(cols) < UNIT)
    throw config.fail(
      'weight_block_size',
      `[outputs, inputs], the inputs a multiple of ${UNIT}`,
      'unsupported',
    )
  return [rows, cols]
}

/** Eight-bit floats of compressed-tensors, whose other formats are refused. */
function checkCompressed(config: ConfigReader): void {
  const format = config.text('format', 'float-quantized')
  if (!['float-quantized', 'naive-quantized'].includes(format))
    throw config.fail('format', 'float-quantized, eight-bit floats', 'unsupported')
}

function compressedBlock(config: ConfigReader): Scheme['block'] {
  for (const name of Object.keys((config.get('config_groups') as object | undefined) ?? {})) {
    const weights = config.section('config_groups')?.section(name)?.section('weights')
    if (!weights || weights.get('block_structure') === undefined) continue
    const [rows = 0, cols = 0] = weights.numbers('block_structure')
    if (evenPart(cols) < UNIT || rows < 1)
      throw weights.fail(
        'block_structure',
        `[outputs, inputs], the inputs a multiple of ${UNIT}`,
        'unsupported',
      )
    return [rows, cols]
  }
  return null
}

export function f8Scheme(config: ConfigReader | null, method: string): Scheme {
  if (!config) return { block: null, scaled: false }
  if (method !== 'compressed-tensors') return { block: blockOf(config), scaled: true }
  checkCompressed(config)
  return { block: compressedBlock(config), scaled: true }
}

/** Rows of scales of a matrix, [outs, ⌈inner / columns⌉], from one, one a row or one a block. */
function expanded(
  values: Float32Array,
  [outs, inner]: readonly [number, number],
  columns: number,
  { block, perRow }: { block: Scheme['block']; perRow: boolean },
): Uint32Array {
  const rowGroups = Math.ceil(inner / Math.min(columns, inner))
  const [rows, cols] = block ?? [1, 1]
  const across = Math.ceil(inner / cols)
  const scales = new Float32Array(outs * rowGroups)
  for (let out = 0; out < outs; out++) {
    for (let g = 0; g < rowGroups; g++) {
      const inBlock = Math.floor(out / rows) * across + Math.floor((g * columns) / cols)
      scales[out * rowGroups + g] = values[block ? inBlock : perRow ? out : 0] ?? 0
    }
  }
  return f32Bits(scales)
}

function scaleOf(checkpoint: Checkpoint, stored: TensorInfo, { scaled }: Scheme): TensorInfo | null {
  const names = SCALES.map((suffix) => stored.name.replace(/weight$/, suffix))
  const scaleName = names.find((name) => name !== stored.name && checkpoint.tensors.has(name))
  if (scaleName !== undefined) return checkpoint.tensors.get(scaleName) ?? null
  return scaled ? companion(checkpoint, stored, names[1] ?? '', 'the scale') : null
}

function openMatrix(checkpoint: Checkpoint, stored: TensorInfo, scheme: Scheme): PackedTensor {
  const { name, shape } = stored
  const [outs = 0, inner = 0] = shape
  const scale = scaleOf(checkpoint, stored, scheme)
  const [rows, cols] = scheme.block ?? [1, 1]
  const blocks = [Math.ceil(outs / rows), Math.ceil(inner / cols)]
  const isBlock = scheme.block !== null && scale?.shape.join() === blocks.join()
  const perRow = !isBlock && (scale?.shape[0] ?? 0) === outs && (scale?.shape.length ?? 0) > 0
  if (scale) {
    const shapes = scheme.block ? [blocks, [], [1]] : [[], [1], [outs], [outs, 1], [1, 1]]
    expectTensor(scale, shapes, ['F32', 'BF16', 'F16'])
  }
  const columns = isBlock ? evenPart(cols) : Infinity
  const groups: ScaleGroups = {
    columns,
    packing: 'rows',
    companions: scale ? [scale.name] : [],
    scales: (bytes) =>
      expanded(scale ? floatsOf(scale, bytes) : Float32Array.of(1), [outs, inner], columns, {
        block: isBlock ? scheme.block : null,
        perRow,
      }),
  }
  return { stored: name, tensor: { ...stored, groups } }
}

/** Matrices of eight-bit floats with one scale, one a row or one a block of {@link Scheme.block}. */
export function openF8(checkpoint: Checkpoint, scheme: Scheme): PackedTensors {
  const stored = [...checkpoint.tensors.values()].filter(({ dtype }) => dtype.startsWith('F8_'))
  const matrices = stored.filter(({ shape }) => shape.length === 2)
  for (const { file, name, shape } of stored) {
    if (shape.length !== 2 && scheme.scaled)
      throw badFile(
        file,
        `${name}.shape`,
        `[${shape.join(', ')}]`,
        '[out, in], as scaled floats of eight bits are',
      )
  }
  const unused = [...checkpoint.tensors.keys()].filter((name) => OF_ACTIVATIONS.test(name))
  const remarks =
    unused.length > 0 || scheme.scaled
      ? ['The checkpoint is meant for activations of eight bits; here they stay f32.']
      : []
  return { packed: matrices.map((tensor) => openMatrix(checkpoint, tensor, scheme)), unused, remarks }
}

/** Values of eight-bit floats. */
export function decodeF8(dtype: 'F8_E4M3' | 'F8_E5M2', bytes: Uint8Array): Float32Array {
  const [fractionBits, bias] = dtype === 'F8_E4M3' ? [3, 7] : [2, 15]
  const isSpecial = (byte: number): boolean =>
    dtype === 'F8_E4M3' ? (byte & 0x7f) === 0x7f : (byte & 0x7c) === 0x7c
  return Float32Array.from(bytes, (byte) => {
    const sign = byte & 0x80 ? -1 : 1
    const fraction = byte & ((1 << fractionBits) - 1)
    const exponent = (byte & 0x7f) >> fractionBits
    if (isSpecial(byte)) return dtype === 'F8_E5M2' && fraction === 0 ? sign * Infinity : NaN
    const significand = fraction / (1 << fractionBits) + (exponent === 0 ? 0 : 1)
    return sign * significand * 2 ** (Math.max(exponent, 1) - bias)
  })
}
