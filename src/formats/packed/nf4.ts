import { TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import { ConfigReader } from '../configReader.ts'
import { parseStrictJson } from '../strictJson.ts'
import type { Checkpoint, ScaleGroups, TensorInfo } from '../tensors.ts'
import {
  bytesOf,
  companion,
  evenPart,
  expectTensor,
  f32Bits,
  floatsOf,
  type PackedTensor,
  type PackedTensors,
} from './modules.ts'

const STATE = '.quant_state.bitsandbytes__'
/** Weights of a unit on the GPU. */
const UNIT = 32
/** Most bytes of a description of a module. */
const STATE_BYTES = 1 << 16

/** What bitsandbytes says of a module. */
interface State {
  readonly shape: readonly [outs: number, inner: number]
  readonly block: number
  /** Of scales that are quantised themselves. */
  readonly nested: { readonly block: number; readonly offset: number } | null
}

function parseState(bytes: Uint8Array, { file, name }: TensorInfo): State {
  const where = `${file}: ${name}`
  const state = new ConfigReader(parseStrictJson(bytes, where), where)
  if (state.text('quant_type') !== 'nf4') throw state.fail('quant_type', 'nf4', 'unsupported')
  const [outs = 0, inner = 0, ...more] = state.numbers('shape')
  if (more.length > 0 || ![outs, inner].every((size) => Number.isInteger(size) && size >= 1))
    throw state.fail('shape', '[out, in]')
  const block = state.count('blocksize')
  const nested = state.get('nested_blocksize') !== undefined
  return {
    shape: [outs, inner],
    block,
    nested: nested
      ? { block: state.count('nested_blocksize'), offset: state.number('nested_offset', 0) }
      : null,
  }
}

/** The scales of a module's blocks, read from what may be quantised scales. */
function absmaxOf(
  { absmax, nested }: Module,
  state: State,
  bytes: ReadonlyMap<string, Uint8Array>,
): Float32Array {
  if (!nested || !state.nested) return floatsOf(absmax, bytes)
  const map = floatsOf(nested.map, bytes)
  const outer = floatsOf(nested.absmax, bytes)
  const { block, offset } = state.nested
  return Float32Array.from(
    bytesOf(absmax.name, bytes),
    (index, i) => Math.fround((map[index] ?? 0) * (outer[Math.floor(i / block)] ?? 0)) + offset,
  )
}

interface Module {
  readonly absmax: TensorInfo
  readonly levels: TensorInfo
  readonly nested: { readonly absmax: TensorInfo; readonly map: TensorInfo } | null
}

/** bitsandbytes' levels (`create_normal_map`), which every file repeats. */
export const NF4_LEVELS = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
)

function checkLevels({ file, name, dtype }: TensorInfo, bytes: ReadonlyMap<string, Uint8Array>): void {
  const got = floatsOf({ file, name, dtype, shape: [16], begin: 0, end: 0 }, bytes)
  const at = NF4_LEVELS.findIndex((level, i) => Math.abs((got[i] ?? NaN) - level) > 1e-6 || !(i in got))
  if (at < 0) return
  throw badFile(file, `${name}[${at}]`, String(got[at]), `${NF4_LEVELS[at]}, a level of nf4`)
}

function companionsOf(checkpoint: Checkpoint, stored: TensorInfo, state: State): Module {
  const { name } = stored
  const blocks = Math.ceil((state.shape[0] * state.shape[1]) / state.block)
  const absmax = companion(checkpoint, stored, `${name}.absmax`, 'the scales')
  const levels = companion(checkpoint, stored, `${name}.quant_map`, 'the levels')
  expectTensor(levels, [[16]], ['F32', 'F16', 'BF16'])
  expectTensor(absmax, [[blocks]], state.nested ? ['U8'] : ['F32', 'F16', 'BF16'])
  if (!state.nested) return { absmax, levels, nested: null }
  const outer = companion(checkpoint, stored, `${name}.nested_absmax`, 'the scales of the scales')
  const map = companion(checkpoint, stored, `${name}.nested_quant_map`, 'the levels of the scales')
  expectTensor(outer, [[Math.ceil(blocks / state.nested.block)]], ['F32', 'F16', 'BF16'])
  expectTensor(map, [[256]], ['F32', 'F16', 'BF16'])
  return { absmax, levels, nested: { absmax: outer, map } }
}

function openModule(checkpoint: Checkpoint, stored: TensorInfo, state: State): PackedTensor {
  const { file, name } = stored
  const [outs, inner] = state.shape
  if (inner % UNIT !== 0 || evenPart(state.block) < UNIT)
    throw new TokenscopeError(
      'unsupported',
      `${file}: ${name} has rows of ${inner} weights in blocks of ${state.block}, expected multiples of ${UNIT}.`,
      {
        hint: 'Use the unquantised checkpoint; weights can be quantised here while loading.',
        details: { file, field: name, got: `${inner}, ${state.block}`, expected: `multiples of ${UNIT}` },
      },
    )
  expectTensor(stored, [[(outs * inner) / 2, 1], [(outs * inner) / 2]], ['U8'])
  const module = companionsOf(checkpoint, stored, state)
  const { absmax, levels, nested } = module
  // Blocks go through the matrix without regard to rows; a row has whole groups.
  const columns = Math.min(evenPart(inner), evenPart(state.block))
  const groups: ScaleGroups = {
    columns,
    packing: 'rows',
    companions: [absmax, levels, ...(nested ? [nested.absmax, nested.map] : [])].map((each) => each.name),
    scales: (bytes) => {
      checkLevels(levels, bytes)
      const scales = absmaxOf(module, state, bytes)
      const all = (outs * inner) / columns
      return f32Bits(
        Float32Array.from({ length: all }, (_, i) => scales[Math.floor((i * columns) / state.block)] ?? 0),
      )
    },
  }
  return { stored: name, tensor: { ...stored, dtype: 'NF4', shape: [outs, inner], groups } }
}

/** The four-bit modules of bitsandbytes: `weight` with `absmax`, `quant_map` and a description of how they belong together. */
export async function openNf4(checkpoint: Checkpoint, signal?: AbortSignal): Promise<PackedTensors> {
  const states = new Map<string, Uint8Array>()
  for (const { name, file, begin, end } of checkpoint.tensors.values()) {
    if (!name.includes(STATE)) continue
    if (!name.endsWith(`${STATE}nf4`))
      throw new TokenscopeError('unsupported', `${file}: ${name} is not of nf4.`, {
        hint: 'Use a checkpoint quantised to nf4, or the unquantised one.',
        details: { file, field: name, got: name.slice(name.indexOf(STATE) + STATE.length), expected: 'nf4' },
      })
    if (end - begin > STATE_BYTES) throw badFile(file, name, `${end - begin} bytes`, `at most ${STATE_BYTES}`)
    states.set(name, new Uint8Array(end - begin))
  }
  await checkpoint.read(
    (name) => states.has(name),
    ({ name }, offset, chunk) => states.get(name)?.set(chunk, offset),
    { signal },
  )
  const packed = [...states].map(([name, bytes]) => {
    const state = checkpoint.tensors.get(name)
    const owner = name.slice(0, name.indexOf(STATE))
    const stored = state && companion(checkpoint, state, owner, 'the weights')
    if (!stored) throw badFile('checkpoint', name, 'missing', 'there')
    return openModule(checkpoint, stored, parseState(bytes, state))
  })
  return { packed, unused: [...states.keys()], remarks: [] }
}
