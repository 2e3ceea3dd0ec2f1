import { expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { bytesOf } from './build.ts'
import {
  AWQ,
  awq,
  block,
  bnb,
  compressed,
  F8,
  f8,
  GPTQ,
  gptq,
  MXFP4,
  mxfp4,
  NF4,
  order,
  scales,
  STATE,
  state,
  tensor,
  type Tensors,
} from './packedBuild.ts'

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
    what: 'four-bit floats without exponents',
    tensors: without(MXFP4, 'e.gate_up_proj_scales'),
    config: mxfp4,
    code: 'bad-file',
    field: 'e.gate_up_proj_scales',
  },
  {
    what: 'exponents of other blocks',
    tensors: { ...MXFP4, 'e.gate_up_proj_scales': tensor('U8', [2, 4, 3]) },
    config: mxfp4,
    code: 'bad-file',
    field: 'e.gate_up_proj_scales.shape',
  },
  {
    what: 'blocks of another size',
    tensors: { ...MXFP4, 'e.gate_up_proj_blocks': tensor('U8', [2, 4, 2, 8]) },
    config: mxfp4,
    code: 'bad-file',
    field: 'e.gate_up_proj_blocks.shape',
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
