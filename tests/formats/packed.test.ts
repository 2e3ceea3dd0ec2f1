import { expect, test } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { decodeF8 } from '../../src/formats/packed/f8.ts'
import { openPacked } from '../../src/formats/packed/open.ts'
import type { JsonValue } from '../../src/formats/strictJson.ts'
import { folder } from './build.ts'
import {
  AWQ,
  awq,
  block,
  bnb,
  F8,
  fileOf,
  GPTQ,
  gptq,
  MXFP4,
  mxfp4,
  NF4,
  open,
  scales,
  tensor,
} from './packedBuild.ts'

const f32 = (words: Uint32Array): number[] => [...new Float32Array(words.slice().buffer)]

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

test('exponents of four-bit floats, those of an expert’s gates before those of its ups', async () => {
  const { checkpoint } = await open(MXFP4, mxfp4)
  expect(checkpoint.tensors.get('e.gate_up_proj')).toMatchObject({
    dtype: 'FP4',
    shape: [2, 4, 64],
    quirk: { kind: 'interleaved', headRows: 4 },
  })
  const powers = f32(await scales(MXFP4, mxfp4)).map((value) => Math.log2(value))
  expect(powers).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
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
