import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { GgufField } from '../../src/formats/gguf/fields.ts'
import { parseGgufHeader } from '../../src/formats/gguf/header.ts'
import { openGguf, type GgufModel } from '../../src/formats/gguf/model.ts'
import { NameMap, tensorNames, type NameTable } from '../../src/formats/gguf/names.ts'
import { readGgufTensor } from '../../src/formats/gguf/readTensor.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'
import type { FileSource } from '../../src/formats/tensors.ts'
import { folder } from './build.ts'
import {
  flag,
  number,
  tensor,
  text,
  texts,
  tinyFields,
  tinyGguf,
  tinyTensors,
  u32Field,
} from './ggufBuild.ts'

const NAMES = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/gguf/names.json'), 'utf8'),
) as Record<NameTable, Record<string, string>>

const ENDS = [tensor('token_embd.weight', 'F16', [8, 64]), tensor('output_norm.weight', 'F32', [64])]
const f32 = (value: number): GgufField => number('float32', value)

function open(
  architecture: string,
  fields: Record<string, GgufField | null> = {},
  tensors: readonly GgufOutput[] = ENDS,
  layers = 1,
): Promise<GgufModel> {
  const own = Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [`${architecture}.${key}`, field]),
  )
  return openGguf(folder({ m: tinyGguf({ architecture, fields: own, tensors, layers }) }), 'm')
}

describe('names', () => {
  test.each(Object.entries(NAMES))('of %s are those of the reference map, either way', (table, pairs) => {
    const map = new NameMap(table as NameTable)
    for (const [hf, gguf] of Object.entries(pairs)) {
      const merged = hf.includes('.experts.')
      expect(map.place(`${gguf}.weight`)?.hf).toBe(`${hf.replace('experts.0', 'experts.{e}')}.weight`)
      if (!merged) expect(map.fileName(hf)?.gguf).toBe(gguf)
    }
    const known = new Set(tensorNames(table as NameTable).map(({ gguf }) => gguf.replace('{n}', '0')))
    for (const gguf of Object.values(pairs)) known.delete(gguf)
    const left = [...known].filter((name) => !name.includes('{e}'))
    // The package's list of Qwen3's experts leaves out dense layers, and Gemma's lists no head of its own.
    expect(left.filter((name) => name !== 'output' && !/ffn_(gate|up|down)$/.test(name))).toEqual([])
  })

  test.each([
    'blk.00.attn_q.weight',
    'blk.0.attn_q',
    'blk.attn_q.weight',
    'xblk.0.attn_q.weight',
    'blk.0.attn_q.weight.x',
  ])('no other spelling is taken: %s', (name) => {
    const place = new NameMap('llama').place(name)
    if (name === 'blk.0.attn_q') expect(place?.hf).toBe('model.layers.0.self_attn.q_proj')
    else expect(place).toBeNull()
  })
})

const ROPE_LLAMA3 = Float32Array.from({ length: 16 }, (_, i) => {
  const wavelength = 2 * Math.PI * 10_000 ** ((2 * i) / 32)
  const smooth = (8192 / wavelength - 1) / 3
  return wavelength < 2048 ? 1 : wavelength > 8192 ? 32 : 1 / ((1 - smooth) / 32 + smooth)
})
const floats = (name: string, values: Float32Array): GgufOutput => ({
  name,
  type: 'F32',
  shape: [values.length],
  data: new Uint8Array(values.buffer),
})
const odd = Float32Array.from({ length: 16 }, (_, i) => 1 + i / 8)

describe('configs', () => {
  test.each<{
    what: string
    architecture: string
    fields?: Record<string, GgufField | null>
    tensors?: readonly GgufOutput[]
    layers?: number
    config: Record<string, unknown>
  }>([
    {
      what: 'llama',
      architecture: 'llama',
      config: {
        model_type: 'llama',
        architectures: ['LlamaForCausalLM'],
        hidden_size: 64,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 32,
        intermediate_size: 96,
        max_position_embeddings: 128,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000,
        vocab_size: 8,
        tie_word_embeddings: true,
        attention_bias: false,
        eos_token_id: [7],
        bos_token_id: null,
      },
    },
    {
      what: 'llama, untied, head size apart, biases',
      architecture: 'llama',
      fields: {
        'attention.key_length': u32Field(16),
        'attention.value_length': u32Field(16),
        'rope.dimension_count': u32Field(8),
      },
      tensors: [...ENDS, tensor('output.weight', 'Q8_0', [8, 64]), tensor('blk.0.attn_q.bias', 'F32', [32])],
      config: { head_dim: 16, partial_rotary_factor: 0.5, tie_word_embeddings: false, attention_bias: true },
    },
    {
      what: 'llama, linear',
      architecture: 'llama',
      fields: { 'rope.scaling.type': text('linear'), 'rope.scaling.factor': f32(4) },
      config: { rope_scaling: { rope_type: 'linear', factor: 4 } },
    },
    {
      what: 'llama, the old linear key',
      architecture: 'llama',
      fields: { 'rope.scale_linear': f32(2) },
      config: { rope_scaling: { rope_type: 'linear', factor: 2 } },
    },
    {
      what: 'qwen2, yarn',
      architecture: 'qwen2',
      fields: {
        'rope.scaling.type': text('yarn'),
        'rope.scaling.factor': f32(4),
        'rope.scaling.original_context_length': u32Field(32),
      },
      config: {
        model_type: 'qwen2',
        rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32 },
      },
    },
    {
      what: 'llama 3',
      architecture: 'llama',
      tensors: [...ENDS, floats('rope_freqs.weight', ROPE_LLAMA3)],
      config: {
        rope_scaling: {
          rope_type: 'llama3',
          factor: 32,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 8192,
        },
      },
    },
    {
      what: 'llama, other rotary factors',
      architecture: 'llama',
      tensors: [...ENDS, floats('rope_freqs.weight', odd)],
      config: {
        rope_scaling: {
          rope_type: 'longrope',
          long_factor: [...odd],
          short_factor: [...odd],
          attention_factor: 1,
        },
      },
    },
    {
      what: 'mixtral',
      architecture: 'llama',
      fields: { expert_count: u32Field(4), expert_used_count: u32Field(2) },
      config: { model_type: 'mixtral', num_local_experts: 4, num_experts_per_tok: 2 },
    },
    {
      what: 'granite',
      architecture: 'granite',
      fields: {
        'attention.scale': f32(0.0625),
        embedding_scale: f32(12),
        residual_scale: f32(0.22),
        logit_scale: f32(8),
      },
      config: {
        model_type: 'granite',
        attention_multiplier: 0.0625,
        embedding_multiplier: 12,
        residual_multiplier: 0.22,
        logits_scaling: 8,
      },
    },
    {
      what: 'smollm3',
      architecture: 'smollm3',
      layers: 8,
      config: { no_rope_layers: [1, 1, 1, 0, 1, 1, 1, 0] },
    },
    {
      what: 'qwen3',
      architecture: 'qwen3',
      fields: { 'attention.key_length': u32Field(128), 'attention.value_length': u32Field(128) },
      config: { model_type: 'qwen3', head_dim: 128 },
    },
    {
      what: 'qwen3moe',
      architecture: 'qwen3moe',
      fields: {
        expert_count: u32Field(8),
        expert_used_count: u32Field(2),
        expert_feed_forward_length: u32Field(32),
      },
      config: {
        model_type: 'qwen3_moe',
        num_experts: 8,
        num_experts_per_tok: 2,
        moe_intermediate_size: 32,
        norm_topk_prob: true,
      },
    },
    { what: 'olmo2', architecture: 'olmo2', config: { model_type: 'olmo2' } },
    {
      what: 'olmo3',
      architecture: 'olmo2',
      layers: 4,
      fields: { 'attention.sliding_window': u32Field(16) },
      config: {
        model_type: 'olmo3',
        sliding_window: 16,
        layer_types: ['sliding_attention', 'sliding_attention', 'sliding_attention', 'full_attention'],
      },
    },
    {
      what: 'gemma2',
      architecture: 'gemma2',
      layers: 2,
      config: {
        model_type: 'gemma2',
        hidden_activation: 'gelu_pytorch_tanh',
        query_pre_attn_scalar: 32,
        attn_logit_softcapping: 50,
        final_logit_softcapping: 30,
        sliding_window: 4096,
        layer_types: ['sliding_attention', 'full_attention'],
      },
    },
    {
      what: 'gemma3',
      architecture: 'gemma3',
      layers: 7,
      fields: { 'attention.sliding_window': u32Field(512), 'rope.freq_base': f32(1e6) },
      config: {
        model_type: 'gemma3_text',
        rope_theta: 1e6,
        rope_local_base_freq: 10_000,
        sliding_window: 512,
        layer_types: [...Array<string>(5).fill('sliding_attention'), 'full_attention', 'sliding_attention'],
      },
    },
    {
      what: 'gemma3 with a list of windows',
      architecture: 'gemma3',
      layers: 2,
      fields: {
        'attention.sliding_window': u32Field(512),
        'attention.sliding_window_pattern': { type: 'array', of: 'bool', value: [false, true] },
      },
      config: { layer_types: ['full_attention', 'sliding_attention'] },
    },
    {
      what: 'phi3',
      architecture: 'phi3',
      fields: {
        'attention.sliding_window': u32Field(64),
        'rope.scaling.original_context_length': u32Field(32),
        'rope.scaling.attn_factor': f32(1.19),
      },
      tensors: [...ENDS, floats('rope_factors_long.weight', odd), floats('rope_factors_short.weight', odd)],
      config: {
        model_type: 'phi3',
        sliding_window: 64,
        original_max_position_embeddings: 32,
        rope_scaling: {
          rope_type: 'longrope',
          attention_factor: 1.19,
          long_factor: [...odd],
          short_factor: [...odd],
        },
      },
    },
    {
      what: 'gpt2',
      architecture: 'gpt2',
      fields: { 'attention.layer_norm_epsilon': f32(1e-5), 'attention.head_count_kv': u32Field(2) },
      config: {
        model_type: 'gpt2',
        n_embd: 64,
        n_layer: 1,
        n_head: 2,
        n_inner: 96,
        n_positions: 128,
        layer_norm_epsilon: 1e-5,
        activation_function: 'gelu_new',
      },
    },
  ])('$what', async ({ architecture, fields = {}, tensors, layers, config }) => {
    const model = await open(architecture, fields, tensors, layers)
    expect(model.config).toMatchObject(config)
    expect(model.remarks).toEqual([])
  })

  test('what nothing uses is a remark', async () => {
    const model = await open('llama', { vocab_size: u32Field(9) }, [
      ...ENDS,
      tensor('blk.0.mystery.weight', 'F32', [4]),
    ])
    expect(model.remarks).toEqual([
      expect.stringContaining('blk.0.mystery.weight'),
      expect.stringContaining('9 tokens'),
    ])
  })

  test.each([
    {
      what: 'a weight of a type known by name',
      tensors: [...ENDS, tensor('blk.0.attn_q.weight', 'IQ2_XS', [32, 256])],
      code: 'unsupported',
    },
    {
      what: 'rotary factors of a wrong count',
      tensors: [...ENDS, floats('rope_freqs.weight', odd.slice(1))],
      code: 'bad-file',
    },
    {
      what: 'a tensor under two names',
      tensors: [...ENDS, tensor('output.weight', 'F16', [8, 64]), tensor('output', 'F16', [8, 64])],
      code: null,
    },
  ])('$what', async ({ tensors, code }) => {
    const opened = open('llama', {}, tensors)
    if (code === null) expect((await opened).tensors.has('lm_head')).toBe(true)
    else await expect(opened).rejects.toMatchObject({ code })
  })
})

describe('tensors', () => {
  const source = folder({ m: tinyGguf() })

  test('stand where the file has them, with what must be put right', async () => {
    const model = await openGguf(source, 'm')
    const q = model.tensors.get('model.layers.0.self_attn.q_proj.weight')
    expect(q).toMatchObject({
      ggufName: 'blk.0.attn_q.weight',
      type: 'Q8_0',
      shape: [64, 64],
      bytes: 4352,
      file: 'm',
    })
    expect(q?.quirk).toEqual({ kind: 'interleavedRows', heads: 2, headDim: 32 })
    expect(model.tensors.get('model.layers.0.mlp.down_proj.weight')).toMatchObject({
      shape: [64, 96],
      quirk: null,
    })
  })

  test('rows of Q come back in the order of the checkpoint', async () => {
    const rows = Float32Array.from({ length: 64 * 32 }, (_, n) => Math.floor(n / 32))
    const q: GgufOutput = {
      name: 'blk.0.attn_q.weight',
      type: 'F32',
      shape: [64, 32],
      data: new Uint8Array(rows.buffer),
    }
    const file = folder({ m: tinyGguf({ tensors: [...ENDS, q] }) })
    const model = await openGguf(file, 'm')
    const values = await readGgufTensor(file, model.tensors.get('model.layers.0.self_attn.q_proj.weight')!)
    const order = Array.from({ length: 64 }, (_, row) => values[row * 32])
    // Per head of 32: the even rows of the file, then its odd ones.
    const expected = [0, 32].flatMap((head) =>
      [0, 1].flatMap((odds) => Array.from({ length: 16 }, (_, i) => head + 2 * i + odds)),
    )
    expect(order).toEqual(expected)
  })

  test('norms of Gemma lose the 1 that was added', async () => {
    const norm = Float32Array.from({ length: 64 }, (_, n) => 1 + n / 64)
    const file = folder({
      m: tinyGguf({ architecture: 'gemma', tensors: [ENDS[0]!, floats('output_norm.weight', norm)] }),
    })
    const entry = (await openGguf(file, 'm')).tensors.get('model.norm.weight')!
    expect(entry.quirk).toEqual({ kind: 'normPlusOne' })
    expect([...(await readGgufTensor(file, entry))]).toEqual(Array.from(norm, (value) => value - 1))
  })

  test('matrices of GPT-2 are transposed, their biases and embeddings not', async () => {
    const tensors = [
      ...ENDS,
      tensor('position_embd.weight', 'F32', [128, 64]),
      tensor('blk.0.attn_qkv.weight', 'Q8_0', [192, 64]),
      tensor('blk.0.attn_qkv.bias', 'F32', [192]),
    ]
    const model = await open('gpt2', { 'attention.layer_norm_epsilon': f32(1e-5) }, tensors)
    expect(model.tensors.get('transformer.h.0.attn.c_attn.weight')).toMatchObject({
      shape: [192, 64],
      quirk: { kind: 'transposed' },
    })
    expect(model.tensors.get('transformer.h.0.attn.c_attn.bias')?.quirk).toBeNull()
    expect(model.tensors.get('transformer.wpe.weight')?.quirk).toBeNull()
  })

  test('experts of one tensor become a matrix each', async () => {
    const fields = { expert_count: u32Field(4), expert_used_count: u32Field(2) }
    const model = await open('llama', fields, [
      ...ENDS,
      tensor('blk.0.ffn_gate_exps.weight', 'Q8_0', [4, 96, 64]),
    ])
    const first = model.tensors.get('model.layers.0.block_sparse_moe.experts.0.w1.weight')!
    const last = model.tensors.get('model.layers.0.block_sparse_moe.experts.3.w1.weight')!
    expect(first).toMatchObject({ shape: [96, 64], bytes: 96 * 68 })
    expect(last.offset - first.offset).toBe(3 * 96 * 68)
    expect(model.tensors.has('model.layers.0.block_sparse_moe.experts.4.w1.weight')).toBe(false)
  })
})

describe('split files', () => {
  const tensors = tinyTensors()
  const part = (
    n: number,
    count: number,
    held: readonly GgufOutput[],
    total = tensors.length,
  ): Uint8Array => {
    const split = {
      'split.no': number('uint16', n),
      'split.count': number('uint16', count),
      'split.tensors.count': number('int32', total),
    }
    return writeGguf(n === 0 ? tinyFields({ fields: split }) : new Map(Object.entries(split)), held)
  }
  const name = (n: number): string => `m-0000${n}-of-00002.gguf`
  const full = { [name(1)]: part(0, 2, tensors.slice(0, 4)), [name(2)]: part(1, 2, tensors.slice(4)) }

  test.each([1, 2])('open by part %i', async (n) => {
    const model = await openGguf(folder(full), name(n))
    expect(model.tensors.size).toBe(tensors.length)
    expect(model.files.map((file) => file.name)).toEqual([name(1), name(2)])
    expect(model.tensors.get('model.norm.weight')?.file).toBe(name(2))
  })

  test.each([
    { what: 'a part missing', files: { [name(1)]: full[name(1)]! }, open: name(1) },
    {
      what: 'parts swapped',
      files: { [name(1)]: full[name(2)]!, [name(2)]: full[name(1)]! },
      open: name(1),
    },
    {
      what: 'another count',
      files: { [name(1)]: part(0, 3, tensors.slice(0, 4)), [name(2)]: full[name(2)]! },
      open: name(1),
    },
    {
      what: 'a tensor in both',
      files: { [name(1)]: part(0, 2, tensors.slice(0, 4)), [name(2)]: part(1, 2, tensors.slice(3)) },
      open: name(1),
    },
    {
      what: 'fewer tensors than said',
      files: { [name(1)]: part(0, 2, tensors.slice(0, 4), 99), [name(2)]: full[name(2)]! },
      open: name(1),
    },
    { what: 'part 3 of 2', files: full, open: 'm-00003-of-00002.gguf' },
    { what: 'a part under a plain name', files: { m: full[name(1)]! }, open: 'm' },
  ])('$what is refused', async ({ files, open: file }) => {
    await expect(openGguf(folder(files), file)).rejects.toMatchObject({ code: 'bad-file' })
  })
})

test('what is written is read back the same', () => {
  const fields = new Map<string, GgufField>([
    ['general.alignment', u32Field(64)],
    ['flag', flag(true)],
    ['text', text('é▁😀')],
    ['big', number('uint64', 2n ** 64n - 1n)],
    ['low', number('int64', -(2n ** 62n))],
    ['half', number('float64', 0.5)],
    ['byte', number('int8', -3)],
    ['list', { type: 'array', of: 'int16', value: Int16Array.of(-1, 2) }],
    ['flags', { type: 'array', of: 'bool', value: [true, false] }],
    ['words', { type: 'array', of: 'string', value: ['', 'ab'] }],
  ])
  const tensors = [tensor('a', 'Q8_0', [3, 32]), tensor('b', 'F32', [5])]
  const bytes = writeGguf(fields, tensors)
  const header = parseGgufHeader(bytes, 'f', bytes.length)
  expect([...header.fields]).toEqual([...fields])
  for (const [n, { offset, bytes: length, ...entry }] of header.tensors.entries()) {
    expect(entry).toMatchObject({ name: tensors[n]?.name, shape: tensors[n]?.shape })
    expect(offset % 64).toBe(0)
    expect(bytes.subarray(offset, offset + length)).toEqual(tensors[n]?.data)
  }
})

describe('headers are fetched in growing ranges', () => {
  const words = Array.from({ length: 60_000 }, (_, n) => `token number ${n}`)
  const full = tinyGguf({ fields: { 'tokenizer.ggml.tokens': texts(words) } })

  /** A source that notes what is read of it. */
  function watched(
    bytes: Uint8Array,
    sizeKnown: boolean,
  ): { source: FileSource; ranges: [number, number | null][] } {
    const inner = folder({ m: bytes })
    const ranges: [number, number | null][] = []
    const source: FileSource = {
      ...inner,
      size: async (name) => (sizeKnown ? inner.size(name) : null),
      stream(name, begin, end, signal) {
        ranges.push([begin, end])
        return inner.stream(name, begin, end, signal)
      },
    }
    return { source, ranges }
  }

  test.each([true, false])('with the size of the file known: %s', async (sizeKnown) => {
    const { source, ranges } = watched(full, sizeKnown)
    const model = await openGguf(source, 'm')
    expect(model.tensors.size).toBe(11)
    const kib = 1024
    expect(ranges[0]).toEqual([0, 256 * kib])
    expect(ranges[1]?.[0]).toBe(256 * kib)
    expect(ranges.length).toBeLessThanOrEqual(3)
  })

  test.each([true, false])(
    'a file that ends in its header is refused, its size known: %s',
    async (sizeKnown) => {
      const { source } = watched(full.subarray(0, 700_000), sizeKnown)
      await expect(openGguf(source, 'm')).rejects.toMatchObject({ code: 'bad-file' })
    },
  )

  test('a signal stops the reading', async () => {
    await expect(openGguf(folder({ m: full }), 'm', AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
