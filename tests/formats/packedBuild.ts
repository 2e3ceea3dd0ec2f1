/** Tiny checkpoints of packed tensors, sound ones to be spoilt. */
import { expect } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { isPacked } from '../../src/formats/packed/isPacked.ts'
import { NF4_LEVELS } from '../../src/formats/packed/nf4.ts'
import { openPacked, type PackedCheckpoint } from '../../src/formats/packed/open.ts'
import type { JsonValue } from '../../src/formats/strictJson.ts'
import { bytesOf, folder, safetensorsFile } from './build.ts'

export interface Tensor {
  dtype: string
  shape: number[]
  data: ArrayLike<number> & { buffer: ArrayBufferLike }
}
export type Tensors = Record<string, Tensor>

export const tensor = (dtype: string, shape: number[], data?: Tensor['data']): Tensor => {
  const bytes = { F32: 4, I32: 4, F16: 2 }[dtype] ?? 1
  return { dtype, shape, data: data ?? new Uint8Array(shape.reduce((a, b) => a * b, bytes)) }
}

export function fileOf(tensors: Tensors): Uint8Array {
  let at = 0
  const bytes: Uint8Array[] = []
  const header = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const part = new Uint8Array(data.buffer)
    bytes.push(part)
    at += part.length
    return [name, { dtype, shape, data_offsets: [at - part.length, at] }]
  })
  return safetensorsFile(JSON.stringify(Object.fromEntries(header)), new Uint8Array(Buffer.concat(bytes)))
}

export async function open(
  tensors: Tensors,
  quantization: object | null,
  files: Record<string, string> = {},
): Promise<PackedCheckpoint> {
  const source = folder({ 'model.safetensors': fileOf(tensors), ...files })
  const checkpoint = await openCheckpoint(source)
  const config = { model_type: 'llama', ...(quantization ? { quantization_config: quantization } : {}) }
  expect(isPacked(config as JsonValue, checkpoint)).toBe(true)
  return openPacked(config as JsonValue, checkpoint, { source })
}

/** Opens, and works out the scales as loading does. */
export async function scales(...args: Parameters<typeof open>): Promise<Uint32Array> {
  const { checkpoint } = await open(...args)
  const result = [...checkpoint.tensors.values()].find(({ groups }) => groups)
  const bytes = new Map<string, Uint8Array>()
  await checkpoint.read(
    () => true,
    ({ name }, offset, chunk) => {
      const full = bytes.get(name) ?? new Uint8Array(1 << 16)
      full.set(chunk, offset)
      bytes.set(name, full)
    },
  )
  for (const name of result?.groups?.companions ?? []) {
    const { begin, end } = (
      await openCheckpoint(folder({ 'model.safetensors': fileOf(args[0]) }))
    ).tensors.get(name)!
    bytes.set(name, bytes.get(name)!.subarray(0, end - begin))
  }
  return result!.groups!.scales(bytes)
}

/** 64 inputs, 16 outputs, groups of 32. */
export const order = (of: (i: number) => number): Int32Array =>
  Int32Array.from({ length: 64 }, (_, i) => of(i))
export const GPTQ: Tensors = {
  'a.qweight': tensor('I32', [8, 16]),
  'a.scales': tensor('F16', [2, 16], new Uint16Array(32).fill(0x3c00)),
  'a.qzeros': tensor('I32', [2, 2], new Int32Array(4).fill(0x77777777)),
  'a.g_idx': tensor(
    'I32',
    [64],
    order((i) => i >> 5),
  ),
}
export const AWQ: Tensors = {
  'a.qweight': tensor('I32', [64, 2]),
  'a.scales': GPTQ['a.scales']!,
  'a.qzeros': tensor('I32', [2, 2], Int32Array.of(0x75316420, 0x75316420, 0, 0)),
}
export const gptq = { quant_method: 'gptq', bits: 4, group_size: 32 }
export const awq = { quant_method: 'awq', bits: 4, group_size: 32, version: 'gemm' }

export const state = (change: object = {}): Tensor => {
  const text = bytesOf(
    JSON.stringify({
      quant_type: 'nf4',
      blocksize: 64,
      shape: [4, 64],
      nested_blocksize: 256,
      nested_offset: 0.5,
      ...change,
    }),
  )
  return tensor('U8', [text.length], text)
}
export const STATE = 'a.weight.quant_state.bitsandbytes__nf4'
export const NF4: Tensors = {
  'a.weight': tensor('U8', [128, 1]),
  'a.weight.absmax': tensor('U8', [4], Uint8Array.of(0, 1, 2, 255)),
  'a.weight.quant_map': tensor('F32', [16], NF4_LEVELS.slice()),
  'a.weight.nested_absmax': tensor('F32', [1], Float32Array.of(2)),
  'a.weight.nested_quant_map': tensor(
    'F32',
    [256],
    Float32Array.from({ length: 256 }, (_, i) => i / 256),
  ),
  [STATE]: state(),
}
export const bnb = { quant_method: 'bitsandbytes', load_in_4bit: true, load_in_8bit: false }

/** Of two experts: two gates and two ups in turns, 64 inputs. */
export const MXFP4: Tensors = {
  'e.gate_up_proj_blocks': tensor('U8', [2, 4, 2, 16]),
  'e.gate_up_proj_scales': tensor(
    'U8',
    [2, 4, 2],
    Uint8Array.from({ length: 16 }, (_, i) => 127 + i),
  ),
}
export const mxfp4 = { quant_method: 'mxfp4' }

export const F8: Tensors = { 'a.weight': tensor('F8_E4M3', [40, 48]) }
export const f8 = { quant_method: 'fp8', activation_scheme: 'dynamic' }
export const block = { ...f8, weight_block_size: [32, 32] }
export const compressed = { quant_method: 'compressed-tensors', format: 'float-quantized' }
