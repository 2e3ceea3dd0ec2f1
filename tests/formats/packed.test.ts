import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { decodeF8 } from '../../src/formats/packed/f8.ts'
import { isPacked } from '../../src/formats/packed/isPacked.ts'
import { NF4_LEVELS } from '../../src/formats/packed/nf4.ts'
import { openPacked, type PackedCheckpoint } from '../../src/formats/packed/open.ts'
import type { JsonValue } from '../../src/formats/strictJson.ts'
import { bytesOf, folder, safetensorsFile } from './build.ts'

interface Tensor {
  dtype: string
  shape: number[]
  data: ArrayLike<number> & { buffer: ArrayBufferLike }
}
type Tensors = Record<string, Tensor>

const tensor = (dtype: string, shape: number[], data?: Tensor['data']): Tensor => {
  const bytes = { F32: 4, I32: 4, F16: 2 }[dtype] ?? 1
  return { dtype, shape, data: data ?? new Uint8Array(shape.reduce((a, b) => a * b, bytes)) }
}

function fileOf(tensors: Tensors): Uint8Array {
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

async function open(
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
async function scales(...args: Parameters<typeof open>): Promise<Uint32Array> {
  const { checkpoint } = await open(...args)
  const found = checkpoint.tensors.get('a.weight')
  const bytes = new Map<string, Uint8Array>()
  await checkpoint.read(
    () => true,
    ({ name }, offset, chunk) => {
      const whole = bytes.get(name) ?? new Uint8Array(1 << 16)
      whole.set(chunk, offset)
      bytes.set(name, whole)
    },
  )
  for (const name of found?.groups?.companions ?? []) {
    const { begin, end } = (
      await openCheckpoint(folder({ 'model.safetensors': fileOf(args[0]) }))
    ).tensors.get(name)!
    bytes.set(name, bytes.get(name)!.subarray(0, end - begin))
  }
  return found!.groups!.scales(bytes)
}

/** 64 inputs, 16 outputs, groups of 32. */
const order = (of: (i: number) => number): Int32Array => Int32Array.from({ length: 64 }, (_, i) => of(i))
const GPTQ: Tensors = {
  'a.qweight': tensor('I32', [8, 16]),
  'a.scales': tensor('F16', [2, 16], new Uint16Array(32).fill(0x3c00)),
  'a.qzeros': tensor('I32', [2, 2], new Int32Array(4).fill(0x77777777)),
  'a.g_idx': tensor(
    'I32',
    [64],
    order((i) => i >> 5),
  ),
}
const AWQ: Tensors = {
  'a.qweight': tensor('I32', [64, 2]),
  'a.scales': GPTQ['a.scales']!,
  'a.qzeros': tensor('I32', [2, 2], Int32Array.of(0x75316420, 0x75316420, 0, 0)),
}
const gptq = { quant_method: 'gptq', bits: 4, group_size: 32 }
const awq = { quant_method: 'awq', bits: 4, group_size: 32, version: 'gemm' }

const state = (change: object = {}): Tensor => {
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
const STATE = 'a.weight.quant_state.bitsandbytes__nf4'
const NF4: Tensors = {
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
const bnb = { quant_method: 'bitsandbytes', load_in_4bit: true, load_in_8bit: false }

const F8: Tensors = { 'a.weight': tensor('F8_E4M3', [40, 48]) }
const f8 = { quant_method: 'fp8', activation_scheme: 'dynamic' }
const block = { ...f8, weight_block_size: [32, 32] }
const compressed = { quant_method: 'compressed-tensors', format: 'float-quantized' }

const without = (tensors: Tensors, name: string): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([each]) => each !== name))
const blockScale = (shape: number[]): Tensors => ({ ...F8, 'a.weight_scale_inv': tensor('F32', shape) })

const refused: {
  what: string
  tensors: Tensors
  config: object | null
  code: 'bad-file' | 'unsupported'
  field: string
}[] = [
  {
    what: 'no method that is read',
    tensors: GPTQ,
    config: { quant_method: 'hqq' },
    code: 'unsupported',
    field: 'quant_method',
  },
  {
    what: 'a method that packs nothing',
    tensors: { a: tensor('F32', [2]) },
    config: gptq,
    code: 'unsupported',
    field: 'quant_method',
  },
  {
    what: 'GPTQ of eight bits',
    tensors: GPTQ,
    config: { ...gptq, bits: 8 },
    code: 'unsupported',
    field: 'bits',
  },
  {
    what: 'groups of 48',
    tensors: GPTQ,
    config: { ...gptq, group_size: 48 },
    code: 'unsupported',
    field: 'group_size',
  },
  {
    what: 'groups of −2',
    tensors: GPTQ,
    config: { ...gptq, group_size: -2 },
    code: 'bad-file',
    field: 'group_size',
  },
  {
    what: 'another group size than the scales',
    tensors: GPTQ,
    config: { ...gptq, group_size: 64 },
    code: 'bad-file',
    field: 'a.scales.shape',
  },
  {
    what: 'a layout of one kernel',
    tensors: GPTQ,
    config: { ...gptq, checkpoint_format: 'marlin' },
    code: 'unsupported',
    field: 'checkpoint_format',
  },
  {
    what: 'no scales',
    tensors: without(GPTQ, 'a.scales'),
    config: gptq,
    code: 'bad-file',
    field: 'a.scales',
  },
  {
    what: 'no zero points',
    tensors: without(GPTQ, 'a.qzeros'),
    config: gptq,
    code: 'bad-file',
    field: 'a.qzeros',
  },
  {
    what: 'zero points of other outputs',
    tensors: { ...GPTQ, 'a.qzeros': tensor('I32', [2, 3]) },
    config: gptq,
    code: 'bad-file',
    field: 'a.qzeros.shape',
  },
  {
    what: 'zero points as floats',
    tensors: { ...GPTQ, 'a.qzeros': tensor('F32', [2, 2]) },
    config: gptq,
    code: 'unsupported',
    field: 'a.qzeros.dtype',
  },
  {
    what: 'inputs that are no unit',
    tensors: { ...GPTQ, 'a.qweight': tensor('I32', [6, 16]) },
    config: gptq,
    code: 'bad-file',
    field: 'a.qweight.shape',
  },
  {
    what: 'groups in the order of activations',
    tensors: {
      ...GPTQ,
      'a.g_idx': tensor(
        'I32',
        [64],
        order((i) => i & 1),
      ),
    },
    config: gptq,
    code: 'unsupported',
    field: 'a.g_idx',
  },
  {
    what: 'groups of other inputs',
    tensors: { ...GPTQ, 'a.g_idx': tensor('I32', [32]) },
    config: gptq,
    code: 'bad-file',
    field: 'a.g_idx.shape',
  },
  {
    what: 'scales of full precision',
    tensors: { ...GPTQ, 'a.scales': tensor('F32', [2, 16], new Float32Array(32).fill(1 / 3)) },
    config: gptq,
    code: 'bad-file',
    field: 'a.scales',
  },
  {
    what: "AWQ's gemv layout",
    tensors: AWQ,
    config: { ...awq, version: 'gemv' },
    code: 'unsupported',
    field: 'version',
  },
  {
    what: 'AWQ without zero points',
    tensors: without(AWQ, 'a.qzeros'),
    config: awq,
    code: 'bad-file',
    field: 'a.qzeros',
  },
  {
    what: 'AWQ with a group size that is not its',
    tensors: AWQ,
    config: { ...awq, group_size: 128 },
    code: 'bad-file',
    field: 'a.scales.shape',
  },
  {
    what: 'packed integers nothing speaks of',
    tensors: AWQ,
    config: null,
    code: 'bad-file',
    field: 'quantization_config',
  },
  {
    what: 'int8',
    tensors: NF4,
    config: { ...bnb, load_in_8bit: true },
    code: 'unsupported',
    field: 'load_in_8bit',
  },
  {
    what: 'fp4',
    tensors: {
      ...without(NF4, STATE),
      'a.weight.quant_state.bitsandbytes__fp4': state({ quant_type: 'fp4' }),
    },
    config: bnb,
    code: 'unsupported',
    field: 'bitsandbytes__fp4',
  },
  {
    what: 'no absmax',
    tensors: without(NF4, 'a.weight.absmax'),
    config: bnb,
    code: 'bad-file',
    field: 'a.weight.absmax',
  },
  {
    what: 'no scales of the scales',
    tensors: without(NF4, 'a.weight.nested_absmax'),
    config: bnb,
    code: 'bad-file',
    field: 'a.weight.nested_absmax',
  },
  {
    what: 'absmax of other blocks',
    tensors: { ...NF4, 'a.weight.absmax': tensor('U8', [5]) },
    config: bnb,
    code: 'bad-file',
    field: 'a.weight.absmax.shape',
  },
  {
    what: 'absmax that is quantised once',
    tensors: { ...NF4, [STATE]: state({ nested_blocksize: null }) },
    config: bnb,
    code: 'unsupported',
    field: 'a.weight.absmax.dtype',
  },
  {
    what: 'a shape of other weights',
    tensors: { ...NF4, [STATE]: state({ shape: [4, 128] }) },
    config: bnb,
    code: 'bad-file',
    field: 'a.weight.shape',
  },
  {
    what: 'a shape of three axes',
    tensors: { ...NF4, [STATE]: state({ shape: [4, 8, 8] }) },
    config: bnb,
    code: 'bad-file',
    field: 'shape',
  },
  {
    what: 'blocks of 16',
    tensors: { ...NF4, [STATE]: state({ blocksize: 16 }) },
    config: bnb,
    code: 'unsupported',
    field: 'a.weight',
  },
  {
    what: 'a state that is no JSON',
    tensors: { ...NF4, [STATE]: tensor('U8', [3], bytesOf('{{{')) },
    config: bnb,
    code: 'bad-file',
    field: 'JSON',
  },
  {
    what: 'levels of another kind',
    tensors: { ...NF4, 'a.weight.quant_map': tensor('F32', [16], new Float32Array(16)) },
    config: bnb,
    code: 'bad-file',
    field: 'quant_map',
  },
  {
    what: 'floats of eight bits without scale',
    tensors: F8,
    config: f8,
    code: 'bad-file',
    field: 'a.weight_scale',
  },
  {
    what: 'scales of other rows',
    tensors: { ...F8, 'a.weight_scale': tensor('F32', [39, 1]) },
    config: compressed,
    code: 'bad-file',
    field: 'a.weight_scale.shape',
  },
  {
    what: 'scales of other blocks',
    tensors: blockScale([2, 3]),
    config: block,
    code: 'bad-file',
    field: 'a.weight_scale_inv.shape',
  },
  {
    what: 'blocks of eight inputs',
    tensors: blockScale([2, 6]),
    config: { ...f8, weight_block_size: [32, 8] },
    code: 'unsupported',
    field: 'weight_block_size',
  },
  {
    what: 'int8 of compressed-tensors',
    tensors: F8,
    config: { ...compressed, format: 'int-quantized' },
    code: 'unsupported',
    field: 'format',
  },
]

test.each(refused)('refused: $what', async ({ tensors, config, code, field }) => {
  const error = await scales(tensors, config).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TokenscopeError)
  const { code: got, message, hint } = error as TokenscopeError
  expect(got, message).toBe(code)
  expect(message).toContain(field)
  expect(hint).not.toBe('')
})

const f32 = (words: Uint32Array): number[] => [...new Float32Array(words.slice().buffer)]

describe('accepted', () => {
  test('zero points of GPTQ are stored less one, those of its second version are not', async () => {
    for (const [format, zero] of [
      ['gptq', 8],
      ['gptq_v2', 7],
    ] as const) {
      const words = await scales(GPTQ, { ...gptq, checkpoint_format: format })
      expect([...words]).toEqual(Array.from({ length: 32 }, () => 0x3f800000 | zero))
    }
  })

  test('zero points of AWQ are interleaved', async () => {
    const words = await scales(AWQ, awq)
    expect([...words].filter((_, i) => i % 2 === 0).map((word) => word & 31)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7,
    ])
  })

  test.each([
    ['quantize_config.json', GPTQ, { bits: 4, group_size: 32 }],
    ['quant_config.json', AWQ, { w_bit: 4, q_group_size: 32, version: 'GEMM', zero_point: true }],
  ] as const)('%s beside config.json', async (name, tensors, written) => {
    const { checkpoint } = await open(tensors, null, { [name]: JSON.stringify(written) })
    expect(checkpoint.tensors.get('a.weight')).toMatchObject({ dtype: 'INT4', shape: [16, 64] })
  })

  test('projections of GPT-2, which the model holds the other way round', async () => {
    const source = folder({
      'model.safetensors': fileOf(
        Object.fromEntries(Object.entries(GPTQ).map(([name, each]) => [name.replace('a.', 'h.c_fc.'), each])),
      ),
    })
    const config = { model_type: 'gpt2', quantization_config: gptq } as JsonValue
    const { checkpoint } = await openPacked(config, await openCheckpoint(source), { source })
    expect(checkpoint.tensors.get('h.c_fc.weight')).toMatchObject({
      shape: [64, 16],
      quirk: { kind: 'turned' },
    })
  })

  test('scales of nf4 that are quantised themselves', async () => {
    expect(f32(await scales(NF4, bnb))).toEqual([0.5, 0.5 + 2 / 256, 0.5 + 4 / 256, 0.5 + 510 / 256])
  })

  test('scales of blocks, the last of them cut off', async () => {
    const values = Float32Array.of(1, 2, 3, 4)
    const words = await scales({ ...F8, 'a.weight_scale_inv': tensor('F32', [2, 2], values) }, block)
    expect(f32(words)).toEqual(Array.from({ length: 80 }, (_, i) => 1 + (i % 2) + (i < 64 ? 0 : 2)))
  })

  test('every float of eight bits', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const e4m3 = decodeF8('F8_E4M3', all)
    expect([e4m3[1], e4m3[8], e4m3[0x38], e4m3[0x7e], e4m3[0x7f], e4m3[0xb8]]).toEqual([
      2 ** -9,
      2 ** -6,
      1,
      448,
      NaN,
      -1,
    ])
    const e5m2 = decodeF8('F8_E5M2', all)
    expect([e5m2[1], e5m2[0x3c], e5m2[0x7b], e5m2[0x7c], e5m2[0xfd]]).toEqual([
      2 ** -16,
      1,
      57344,
      Infinity,
      NaN,
    ])
  })
})
