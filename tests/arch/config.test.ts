import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { DType, TensorInfo } from '../../src/formats/tensors.ts'
import { describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import type { OpName } from '../../src/program/attrs.ts'
import { isOp, type ParamRef, type Step } from '../../src/program/step.ts'

type Config = Record<string, unknown>
type Tensors = Map<string, TensorInfo>

/** Tensors of the given shapes, nothing behind them. */
function tensorsOf(shapes: Record<string, number[]>, dtype: DType = 'F32'): Tensors {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { name, dtype, shape, file: 'model.safetensors', begin: 0, end: 0 },
    ]),
  )
}

const LLAMA: Config = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 10,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  bos_token_id: 1,
  eos_token_id: [2, 3],
}

function llamaShapes(changes: Record<string, number[] | null> = {}): Record<string, number[]> {
  const at = 'model.layers.0.'
  const shapes: Record<string, number[] | null> = {
    'model.embed_tokens.weight': [10, 16],
    [`${at}input_layernorm.weight`]: [16],
    [`${at}self_attn.q_proj.weight`]: [16, 16],
    [`${at}self_attn.k_proj.weight`]: [8, 16],
    [`${at}self_attn.v_proj.weight`]: [8, 16],
    [`${at}self_attn.o_proj.weight`]: [16, 16],
    [`${at}post_attention_layernorm.weight`]: [16],
    [`${at}mlp.gate_proj.weight`]: [24, 16],
    [`${at}mlp.up_proj.weight`]: [24, 16],
    [`${at}mlp.down_proj.weight`]: [16, 24],
    'model.norm.weight': [16],
    'lm_head.weight': [10, 16],
    ...changes,
  }
  return Object.fromEntries(
    Object.entries(shapes).filter((entry): entry is [string, number[]] => entry[1] !== null),
  )
}

const llama = (config: Config = {}, tensors: Record<string, number[] | null> = {}): ModelDescription =>
  describeModel({ ...LLAMA, ...config }, tensorsOf(llamaShapes(tensors)))

/** Steps of an op in a recorded forward. */
function stepsOf<O extends OpName>(model: ModelDescription, op: O): Extract<Step, { op: O }>[] {
  return model.record({ rows: 1, logitRows: 1, positions: 1 }).steps.filter((step) => isOp(step, op))
}

/** The window of each layer, said alike by all steps of its attention. */
function windowsOf(model: ModelDescription): (number | null)[] {
  const windows = stepsOf(model, 'cache').map(({ attrs }) => attrs.window)
  for (const op of ['scores', 'softmax', 'context'] as const)
    expect(stepsOf(model, op).map(({ attrs }) => attrs.window)).toEqual(windows)
  return windows
}

/** A parameter that a recorded forward reads. */
function paramOf({ params }: ModelDescription, name: string): ParamRef | undefined {
  return params.find((param) => param.name === name)
}

function refusal(run: () => unknown): TokenscopeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(TokenscopeError)
    return error as TokenscopeError
  }
  return expect.fail('it was accepted')
}

/** Numbers are those of the project's list of bad inputs. */
const refused: { n: number; what: string; config: Config; code?: string; field: string }[] = [
  { n: 111, what: 'hidden 0', config: { hidden_size: 0 }, field: 'hidden_size' },
  { n: 111, what: 'hidden absent', config: { hidden_size: null }, field: 'hidden_size' },
  { n: 112, what: 'heads ∤ hidden', config: { num_attention_heads: 3 }, field: 'num_attention_heads' },
  { n: 113, what: 'kv ∤ heads', config: { num_key_value_heads: 3 }, field: 'num_key_value_heads' },
  { n: 114, what: '10^9 layers', config: { num_hidden_layers: 1e9 }, field: 'num_hidden_layers' },
  { n: 115, what: 'NaN eps', config: { rms_norm_eps: NaN }, field: 'rms_norm_eps' },
  {
    n: 116,
    what: 'unknown rope',
    config: { rope_scaling: { rope_type: 'spiral', factor: 2 } },
    code: 'unsupported',
    field: 'rope_scaling.rope_type',
  },
  {
    n: 116,
    what: 'unknown rope (Transformers 5)',
    config: { rope_parameters: { rope_type: 'spiral', rope_theta: 1e4, factor: 2 } },
    code: 'unsupported',
    field: 'rope_parameters.rope_type',
  },
  {
    n: 116,
    what: 'rope by layer type',
    config: { rope_parameters: { full_attention: { rope_type: 'default' } } },
    code: 'unsupported',
    field: 'rope_parameters.full_attention',
  },
  {
    n: 116,
    what: 'linear rope without a factor',
    config: { rope_scaling: { type: 'linear' } },
    field: 'rope_scaling.factor',
  },
  {
    n: 116,
    what: 'partial rotation',
    config: { partial_rotary_factor: 0.5 },
    code: 'unsupported',
    field: 'partial_rotary_factor',
  },
  {
    n: 117,
    what: 'unknown model_type',
    config: { model_type: 'perceptron' },
    code: 'unsupported',
    field: 'model_type',
  },
  {
    n: 117,
    what: 'model_type constructor',
    config: { model_type: 'constructor' },
    code: 'unsupported',
    field: 'model_type',
  },
  {
    n: 117,
    what: 'a classifier',
    config: { architectures: ['LlamaForSequenceClassification'] },
    code: 'unsupported',
    field: 'architectures',
  },
  {
    n: 118,
    what: 'quantization_config',
    config: { quantization_config: { quant_method: 'gptq', bits: 4 } },
    code: 'unsupported',
    field: 'quantization_config',
  },
  {
    n: 0,
    what: 'unknown activation',
    config: { hidden_act: 'xielu' },
    code: 'unsupported',
    field: 'hidden_act',
  },
  { n: 0, what: 'layers as text', config: { num_hidden_layers: '2' }, field: 'num_hidden_layers' },
  { n: 0, what: 'vocabulary 2^60', config: { vocab_size: 2n ** 60n }, field: 'vocab_size' },
  {
    n: 0,
    what: 'odd head size',
    config: { num_attention_heads: 16, num_key_value_heads: 16 },
    field: 'num_attention_heads',
  },
  { n: 0, what: 'tie as text', config: { tie_word_embeddings: 'yes' }, field: 'tie_word_embeddings' },
  { n: 0, what: 'eos 1.5', config: { eos_token_id: [1.5] }, field: 'eos_token_id' },
]

describe('configs that are refused', () => {
  test.each(refused)('case $n: $what', ({ config, code = 'bad-file', field }) => {
    const error = refusal(() => llama(config))
    expect(error.code).toBe(code)
    expect(error.message).toContain(`config.json: ${field} is `)
    expect(error.details).toMatchObject({ file: 'config.json', field })
    expect(error.hint).not.toBe('')
  })

  test.each([
    {
      n: 115,
      what: 'NaN written in the file',
      bytes: Buffer.from('{"rms_norm_eps": NaN}'),
      says: 'rms_norm_eps',
    },
    {
      n: 119,
      what: 'truncated',
      bytes: Buffer.from('{"model_type": "llama", "hidden'),
      says: 'end of the file',
    },
    {
      n: 120,
      what: 'UTF-16 with a mark',
      bytes: Buffer.from('\ufeff{"model_type":"llama"}', 'utf16le'),
      says: 'UTF-8',
    },
    {
      n: 120,
      what: 'UTF-16 without one',
      bytes: Buffer.from('{"model_type":"llama"}', 'utf16le'),
      says: 'JSON',
    },
    { n: 119, what: 'a web page', bytes: Buffer.from('<html>'), says: 'web page' },
    {
      n: 119,
      what: 'an LFS pointer',
      bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      says: 'Git LFS',
    },
    { n: 119, what: 'empty', bytes: Buffer.from(''), says: 'end of the file' },
  ])('case $n: $what', ({ bytes, says }) => {
    const error = refusal(() => describeModel(parseStrictJson(bytes, 'config.json'), new Map()))
    expect(error.code).toBe('bad-file')
    expect(error.message).toContain('config.json')
    expect(error.message).toContain(says)
  })

  test.each(['[]', '"llama"', 'null', '3'])('%s is no config', (text) => {
    const error = refusal(() => describeModel(parseStrictJson(Buffer.from(text), 'config.json'), new Map()))
    expect(error).toMatchObject({ code: 'bad-file', details: { expected: 'a JSON object' } })
  })

  test.each([
    { field: 'add_cross_attention', value: true },
    { field: 'activation_function', value: 'mish' },
  ])('GPT-2 with $field $value', ({ field, value }) => {
    const error = refusal(() => describeModel({ model_type: 'gpt2', [field]: value }, new Map()))
    expect(error).toMatchObject({ code: 'unsupported', details: { field } })
  })
})

describe('tensors that do not fit', () => {
  test('missing', () => {
    const error = refusal(() => llama({}, { 'model.layers.0.mlp.up_proj.weight': null }))
    expect(error).toMatchObject({
      code: 'bad-file',
      details: { field: 'model.layers.0.mlp.up_proj.weight', got: 'nothing', expected: '[24, 16]' },
    })
  })

  test('wrong shape', () => {
    const error = refusal(() => llama({}, { 'model.layers.0.self_attn.k_proj.weight': [16, 16] }))
    expect(error).toMatchObject({
      code: 'bad-file',
      details: {
        file: 'model.safetensors',
        field: 'model.layers.0.self_attn.k_proj.weight',
        got: '[16, 16]',
        expected: '[8, 16]',
      },
    })
  })

  test('integers where weights belong', () => {
    const error = refusal(() => describeModel(LLAMA, tensorsOf(llamaShapes(), 'I8')))
    expect(error).toMatchObject({
      code: 'unsupported',
      details: { field: 'model.embed_tokens.weight', got: 'I8' },
    })
  })

  test('unused ones are a remark, known buffers are not', () => {
    const { warnings } = llama(
      {},
      { 'model.layers.0.self_attn.q_proj.bias': [16], 'model.layers.0.self_attn.rotary_emb.inv_freq': [2] },
    )
    expect(warnings).toEqual([expect.stringContaining('does not use: model.layers.0.self_attn.q_proj.bias.')])
  })
})

describe('fields with more than one spelling', () => {
  test('defaults', () => {
    const model = llama(
      { num_key_value_heads: null, rope_scaling: null },
      {
        'model.layers.0.self_attn.k_proj.weight': [16, 16],
        'model.layers.0.self_attn.v_proj.weight': [16, 16],
      },
    )
    expect(model).toMatchObject({
      kvHeads: 4,
      headDim: 4,
      eosIds: [2, 3],
      bosId: 1,
      tiedLmHead: false,
      warnings: [],
    })
    const table = { theta: 10_000, scaling: { kind: 'none' }, rotary: 4 }
    const turned = { headDim: 4, layout: 'half', table }
    expect(stepsOf(model, 'rope').map(({ attrs }) => attrs)).toEqual([turned, turned])
    expect(stepsOf(model, 'scores')[0]?.attrs).toEqual({
      heads: 4,
      kvHeads: 4,
      headDim: 4,
      scale: 0.5,
      softcap: null,
      window: null,
    })
  })

  test('a head size that is given need not be hidden / heads', () => {
    const model = llama(
      { num_attention_heads: 6, head_dim: 4 },
      {
        'model.layers.0.self_attn.q_proj.weight': [24, 16],
        'model.layers.0.self_attn.o_proj.weight': [16, 24],
      },
    )
    expect(model).toMatchObject({ hidden: 16, heads: 6, kvHeads: 2, headDim: 4 })
    expect(paramOf(model, 'layers.0.attn.o')?.shape).toEqual([16, 24])
  })

  test.each([
    {
      rope: { rope_theta: 5e5, rope_scaling: { type: 'linear', factor: 4 } },
      scaling: { kind: 'linear', factor: 4 },
    },
    {
      rope: { rope_parameters: { rope_theta: 5e5, rope_type: 'linear', factor: 4 } },
      scaling: { kind: 'linear', factor: 4 },
    },
    {
      rope: { rope_theta: 5e5, rope_scaling: { type: 'dynamic', factor: 4 } },
      scaling: { kind: 'dynamic', factor: 4, originalContext: 64 },
    },
    {
      rope: {
        rope_theta: 5e5,
        rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
      },
      scaling: { kind: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 64 },
    },
  ])('$rope', ({ rope, scaling }) => {
    for (const { attrs } of stepsOf(llama(rope), 'rope'))
      expect(attrs.table).toEqual({ theta: 5e5, scaling, rotary: 4 })
  })

  test.each([
    { what: 'one end id', value: 2, ids: [2], remarks: 0 },
    { what: 'no end id', value: null, ids: [], remarks: 0 },
    { what: 'an end id outside the vocabulary', value: [2, 99], ids: [2], remarks: 1 },
  ])('$what', ({ value, ids, remarks }) => {
    const model = llama({ eos_token_id: value })
    expect(model.eosIds).toEqual(ids)
    expect(model.warnings.length).toBe(remarks)
  })

  test.each([
    { what: 'tied, nothing stored', config: true, stored: false, tied: true, remarks: 0 },
    { what: 'tied, yet stored: kept apart', config: true, stored: true, tied: false, remarks: 0 },
    { what: 'untied, stored', config: false, stored: true, tied: false, remarks: 0 },
    { what: 'absent, stored', config: null, stored: true, tied: false, remarks: 0 },
    { what: 'absent, nothing stored', config: null, stored: false, tied: true, remarks: 1 },
  ])('head: $what', ({ config, stored, tied, remarks }) => {
    const model = llama({ tie_word_embeddings: config }, stored ? {} : { 'lm_head.weight': null })
    expect(model.tiedLmHead).toBe(tied)
    const [head] = stepsOf(model, 'linear').at(-1)?.params ?? []
    expect(head?.tensor).toBe(tied ? 'model.embed_tokens.weight' : 'lm_head.weight')
    expect(model.warnings.length).toBe(remarks)
    expect(paramOf(model, 'logits') !== undefined).toBe(!tied)
  })

  test('a tied pair stored as the head alone', () => {
    const model = llama({ tie_word_embeddings: true }, { 'model.embed_tokens.weight': null })
    expect(paramOf(model, 'embed')?.tensor).toBe('lm_head.weight')
    expect(model.tiedLmHead).toBe(true)
  })

  test('untied by the config, nothing stored: refused', () => {
    expect(refusal(() => llama({ tie_word_embeddings: false }, { 'lm_head.weight': null })).code).toBe(
      'bad-file',
    )
  })

  test.each([
    { config: { sliding_window: null }, window: null },
    { config: { sliding_window: 64 }, window: 64 },
    { config: { sliding_window: 32 }, window: 32 },
    { config: {}, window: 4096 },
  ])('an attention window leaves the context as it is: $config', ({ config, window }) => {
    const model = llama({ model_type: 'mistral', ...config })
    expect([model.maxPositions, model.warnings]).toEqual([64, []])
    expect(windowsOf(model)).toEqual([window])
  })

  const QWEN_BIASES = Object.fromEntries(
    [
      ['q', 16],
      ['k', 8],
      ['v', 8],
    ].map(([p, n]) => [`model.layers.0.self_attn.${p}_proj.bias`, [Number(n)]]),
  )

  test('Qwen2 states a window it does not use', () => {
    const model = llama({ model_type: 'qwen2', use_sliding_window: false, sliding_window: 32 }, QWEN_BIASES)
    expect(model.maxPositions).toBe(64)
    expect(windowsOf(model)).toEqual([null])
    expect(paramOf(model, 'layers.0.attn.q.bias')?.tensor).toBe('model.layers.0.self_attn.q_proj.bias')
    expect(paramOf(model, 'layers.0.attn.o.bias')).toBeUndefined()
  })

  test.each([
    { config: { max_window_layers: 0 }, window: 32 },
    { config: { max_window_layers: 1 }, window: null },
    { config: { max_window_layers: 1, layer_types: ['sliding_attention'] }, window: 32 },
    { config: { max_window_layers: 0, layer_types: ['full_attention'] }, window: null },
  ])('Qwen2 with a window on some layers: $config', ({ config, window }) => {
    const uses = { model_type: 'qwen2', use_sliding_window: true, sliding_window: 32 }
    const model = llama({ ...uses, ...config }, QWEN_BIASES)
    expect([model.maxPositions, windowsOf(model)]).toEqual([64, [window]])
  })
})
