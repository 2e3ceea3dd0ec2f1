import { describe, expect, test } from 'vitest'
import { readGgufAdapter } from '../../src/formats/gguf/adapter.ts'
import type { GgufField } from '../../src/formats/gguf/fields.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'
import { writeGgufAdapter, type AdapterPair } from '../../src/formats/gguf/writeAdapter.ts'
import { randomSource } from '../random.ts'
import { folder } from './build.ts'
import { number, tensor, text, texts } from './ggufBuild.ts'

const random = randomSource(3)

function pair(module: string, rank: number, inner: number, out: number, scaling: number): AdapterPair {
  return {
    module,
    rank,
    in: inner,
    out,
    scaling,
    a: random.normal(rank * inner),
    b: random.normal(out * rank),
  }
}

/** scaling · BA. */
function delta({ rank, in: inner, out, scaling, a, b }: AdapterPair): number[] {
  return Array.from({ length: out * inner }, (_, n) => {
    let sum = 0
    for (let r = 0; r < rank; r++)
      sum += (b[Math.floor(n / inner) * rank + r] ?? 0) * (a[r * inner + (n % inner)] ?? 0)
    return scaling * sum
  })
}

const LLAMA = [
  pair('model.layers.0.self_attn.q_proj', 4, 16, 16, 2),
  pair('model.layers.1.mlp.down_proj', 2, 24, 16, 0.5),
  pair('model.embed_tokens', 4, 10, 16, 2),
  pair('lm_head', 4, 16, 10, 3),
]

test.each([
  { architecture: 'llama', pairs: LLAMA },
  { architecture: 'gpt2', pairs: [pair('transformer.h.0.attn.c_attn', 3, 8, 24, 1)] },
  { architecture: 'phi3', pairs: [pair('model.layers.0.mlp.gate_up_proj', 3, 8, 24, 1)] },
])(
  'an adapter of $architecture is written and read back to the same deltas',
  async ({ architecture, pairs }) => {
    const bytes = writeGgufAdapter(pairs, { architecture, headDim: 8, name: 'mine' })
    const adapter = await readGgufAdapter(folder({ a: bytes }), 'a', { headDim: 8 })
    expect(adapter).toMatchObject({ architecture, remarks: [] })
    const { config, tensors } = adapter
    expect(tensors.size).toBe(2 * pairs.length)
    expect(config['target_modules']).toEqual(pairs.map(({ module }) => module))
    for (const original of pairs) {
      const { module, rank, in: inner, out } = original
      const [a, b] = module.endsWith('embed_tokens')
        ? ['lora_embedding_A', 'lora_embedding_B']
        : ['lora_A.weight', 'lora_B.weight']
      const matrixA = tensors.get(`base_model.model.${module}.${a}`)
      const matrixB = tensors.get(`base_model.model.${module}.${b}`)
      expect([matrixA?.shape, matrixB?.shape]).toEqual([
        [rank, inner],
        [out, rank],
      ])
      const ranks = config['rank_pattern'] as Record<string, number>
      const scaling = Number(config['lora_alpha']) / (ranks[module] ?? Number(config['r']))
      const got = delta({ ...original, scaling, a: matrixA!.values, b: matrixB!.values })
      const expected = delta(original)
      // B takes a scale in f32: two roundings of 2^-24 each.
      for (const [n, value] of expected.entries())
        expect(Math.abs((got[n] ?? NaN) - value)).toBeLessThan(1e-5)
    }
  },
)

const META: Record<string, GgufField> = {
  'general.architecture': text('llama'),
  'general.type': text('adapter'),
  'adapter.type': text('lora'),
  'adapter.lora.alpha': number('float32', 0),
}
const A = tensor('blk.0.ffn_up.weight.lora_a', 'F32', [2, 8])
const B = tensor('blk.0.ffn_up.weight.lora_b', 'F16', [6, 2])

function read(more: Record<string, GgufField>, tensors: readonly GgufOutput[]) {
  const metadata = new Map(Object.entries({ ...META, ...more }))
  return readGgufAdapter(folder({ a: writeGguf(metadata, tensors) }), 'a', { headDim: 8 })
}

test('an alpha of 0 is a scale of 1, as llama.cpp reads it', async () => {
  const { config } = await read({}, [
    A,
    B,
    tensor('blk.1.ffn_up.weight.lora_a', 'F32', [4, 8]),
    tensor('blk.1.ffn_up.weight.lora_b', 'F32', [6, 4]),
  ])
  const module = 'model.layers.1.mlp.up_proj'
  expect(config).toMatchObject({
    r: 2,
    lora_alpha: 2,
    rank_pattern: { [module]: 4 },
    alpha_pattern: { [module]: 4 },
  })
})

describe('refused', () => {
  test.each<{ what: string; more?: Record<string, GgufField>; tensors?: GgufOutput[]; code?: string }>([
    { what: 'a whole model', more: { 'general.type': text('model') } },
    {
      what: 'another kind of adapter',
      more: { 'adapter.type': text('control_vector') },
      code: 'unsupported',
    },
    {
      what: 'an activated LoRA',
      more: { 'adapter.alora.invocation_tokens': { type: 'array', of: 'uint32', value: Uint32Array.of(1) } },
      code: 'unsupported',
    },
    {
      what: 'another architecture',
      more: { 'general.architecture': text('warpdrive') },
      code: 'unsupported',
    },
    {
      what: 'a prototype as architecture',
      more: { 'general.architecture': text('__proto__') },
      code: 'unsupported',
    },
    { what: 'an alpha of text', more: { 'adapter.lora.alpha': texts(['1']) } },
    { what: 'A without B', tensors: [A] },
    { what: 'no tensor', tensors: [] },
    { what: 'ranks that differ', tensors: [A, tensor('blk.0.ffn_up.weight.lora_b', 'F32', [6, 3])] },
    { what: 'a tensor of another kind', tensors: [A, B, tensor('blk.0.ffn_norm.weight', 'F32', [8])] },
    {
      what: 'a module that is not there',
      tensors: [
        tensor('blk.0.warp.weight.lora_a', 'F32', [2, 8]),
        tensor('blk.0.warp.weight.lora_b', 'F32', [6, 2]),
      ],
      code: 'unsupported',
    },
    {
      what: 'rows of Q that are no heads',
      tensors: [
        tensor('blk.0.attn_q.weight.lora_a', 'F32', [2, 8]),
        tensor('blk.0.attn_q.weight.lora_b', 'F32', [6, 2]),
      ],
    },
    { what: 'a factor of three axes', tensors: [tensor('blk.0.ffn_up.weight.lora_a', 'F32', [1, 2, 8]), B] },
  ])('$what', async ({ more = {}, tensors = [A, B], code = 'bad-file' }) => {
    await expect(read({ ...more }, tensors)).rejects.toMatchObject({ code })
  })
})
