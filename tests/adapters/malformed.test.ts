import { describe, expect, it } from 'vitest'
import { CONFIG_FILE } from '../../src/adapters/config.ts'
import { WEIGHTS_FILE } from '../../src/adapters/load.ts'
import type { ParsedAdapter } from '../../src/adapters/types.ts'
import { TokenscopeError } from '../../src/errors.ts'
import { loadParts, readBase, type Parts } from './fixture.ts'

const { model } = await readBase('llama')
const gpt2 = await readBase('gpt2')
const Q = 'base_model.model.model.layers.0.self_attn.q_proj'
const C_ATTN = 'base_model.model.transformer.h.0.attn.c_attn'

function tensor(...shape: number[]): Parts['tensors'][string] {
  const count = shape.reduce((product, size) => product * size, 1)
  return { shape, values: Array.from({ length: count }, (_, n) => Math.sin(n + 1) / 4) }
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

/** A good adapter on layer 0's q of tests/fixtures/models/llama: rank 4, alpha 8, 40 inputs, 48 outputs. */
function good(): Parts {
  return {
    config: {
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'tiny/llama',
      r: 4,
      lora_alpha: 8,
      target_modules: ['q_proj'],
      layers_to_transform: [0],
      bias: 'none',
    },
    tensors: { [`${Q}.lora_A.weight`]: tensor(4, 40), [`${Q}.lora_B.weight`]: tensor(48, 4) },
  }
}

function goodGpt2(fan: boolean): Parts {
  const { config } = good()
  return {
    config: { ...config, target_modules: ['c_attn'], fan_in_fan_out: fan },
    tensors: { [`${C_ATTN}.lora_A.weight`]: tensor(4, 40), [`${C_ATTN}.lora_B.weight`]: tensor(120, 4) },
  }
}

const withConfig = (fields: Record<string, unknown>): Parts => ({
  ...good(),
  config: { ...good().config, ...fields },
})
const withTensors = (tensors: Parts['tensors']): Parts => ({
  ...good(),
  tensors: { ...good().tensors, ...tensors },
})

function without(name: string): Parts {
  const parts = good()
  delete parts.tensors[name]
  return parts
}

function rawConfig(parts: Parts, from: string, to: string): Record<string, Uint8Array> {
  const text = JSON.stringify(parts.config)
  expect(text).toContain(from)
  return { [CONFIG_FILE]: new TextEncoder().encode(text.replace(from, to)) }
}

interface Refused {
  parts?: Parts
  files?: Record<string, Uint8Array | null>
  /** Words of the message: the file or field, what it held, what may stand there. */
  says: RegExp
  code?: string
}

/** Tensors under other names. */
const renamed = ({ config, tensors }: Parts, rename: (name: string) => string): Parts => ({
  config,
  tensors: Object.fromEntries(Object.entries(tensors).map(([name, value]) => [rename(name), value])),
})

/** {@link good} as mlx-lm writes it. */
function mlx(parameters: Record<string, unknown> = {}): Parts {
  const turn = ({ shape: [rows = 0, columns = 0], values }: Parts['tensors'][string]) => ({
    shape: [columns, rows],
    values: Array.from(
      { length: values.length },
      (_, n) => values[(n % rows) * columns + Math.floor(n / rows)]!,
    ),
  })
  const { tensors } = good()
  const module = 'model.layers.0.self_attn.q_proj'
  return {
    config: {
      fine_tune_type: 'lora',
      model: 'mlx-community/llama-4bit',
      num_layers: 1,
      iters: 600,
      lora_parameters: { rank: 4, scale: 2, dropout: 0, ...parameters },
    },
    tensors: {
      [`${module}.lora_a`]: turn(tensors[`${Q}.lora_A.weight`]!),
      [`${module}.lora_b`]: turn(tensors[`${Q}.lora_B.weight`]!),
    },
  }
}

const pickle = new Uint8Array([0x80, 2, 0x7d, 0x71, 0])

const REFUSED: Record<string, Refused> = {
  '74 config missing': { files: { [CONFIG_FILE]: null }, says: /adapter_config\.json is missing/ },
  '74 weights missing': { files: { [WEIGHTS_FILE]: null }, says: /adapter_model\.safetensors is missing/ },
  '75 IA3': {
    parts: withConfig({ peft_type: 'IA3' }),
    says: /peft_type is "IA3", expected LORA/,
    code: 'unsupported',
  },
  '76 r = 0': { parts: withConfig({ r: 0 }), says: /: r is 0, expected a whole number from 1/ },
  '77 r and the rows of A differ': {
    parts: withConfig({ r: 8 }),
    says: /q_proj\.lora_A\.weight.*\[4, 40\].*\[8, 40\].*rank 8/,
  },
  '78 A and B swapped': {
    parts: withTensors({ [`${Q}.lora_A.weight`]: tensor(48, 4), [`${Q}.lora_B.weight`]: tensor(4, 40) }),
    says: /lora_A\.weight: the shape is \[48, 4\], expected \[4, 40\]/,
  },
  '79 unknown target in the config': {
    parts: withConfig({ target_modules: ['query_key_value', 'dense'] }),
    says: /target_modules is "query_key_value".*modules of this model: .*q_proj/,
  },
  '79 unknown target in the weights': {
    parts: withTensors({ 'base_model.model.model.layers.0.self_attn.Wqkv.lora_A.weight': tensor(4, 40) }),
    says: /layers\.0\.self_attn\.Wqkv\.lora_A\.weight is a tensor that cannot be used.*it has no model\.layers\.0\.self_attn\.Wqkv/,
  },
  '79 a module that is no target': {
    parts: withTensors({ [`${Q.replace('q_proj', 'k_proj')}.lora_A.weight`]: tensor(4, 40) }),
    says: /k_proj\.lora_A\.weight.*a module that target_modules names/,
  },
  '79 a layer the model lacks': {
    parts: withTensors({ [`${Q.replace('0', '9')}.lora_A.weight`]: tensor(4, 40) }),
    says: /layers\.9.*it has no/,
  },
  '80 wrong width of B': {
    parts: withTensors({ [`${Q}.lora_B.weight`]: tensor(40, 4) }),
    says: /lora_B\.weight: the shape is \[40, 4\], expected \[48, 4\]/,
  },
  '81 A without B': { parts: without(`${Q}.lora_B.weight`), says: /q_proj\.lora_B\.weight is missing/ },
  '81 B without A': { parts: without(`${Q}.lora_A.weight`), says: /q_proj\.lora_A\.weight is missing/ },
  '82 use_dora without a magnitude': {
    parts: withConfig({ use_dora: true }),
    says: /lora_magnitude_vector is missing/,
  },
  '83 magnitude, flag false': {
    parts: withTensors({ [`${Q}.lora_magnitude_vector`]: tensor(48) }),
    says: /lora_magnitude_vector.*use_dora is false/,
  },
  '84 a bias that the base lacks': {
    parts: {
      ...withTensors({ [`${Q}.base_layer.bias`]: tensor(48) }),
      config: { ...good().config, bias: 'all' },
    },
    says: /base_layer\.bias is a tensor that cannot be used.*a bias of this model/,
  },
  '84 bias of another kind': {
    parts: withConfig({ bias: 'some' }),
    says: /bias is "some", expected none, all or lora_only/,
  },
  '85 modules_to_save without its tensor': {
    parts: withConfig({ modules_to_save: ['lm_head'] }),
    says: /lm_head\.weight is missing/,
  },
  '85 a saved module that the model lacks': {
    parts: {
      ...withTensors({ 'base_model.model.score.weight': tensor(2, 40) }),
      config: { ...good().config, modules_to_save: ['score'] },
    },
    says: /score\.weight is a tensor that cannot be used/,
  },
  '85 a replaced parameter that the config does not name': {
    parts: withTensors({ 'base_model.model.model.norm.weight': tensor(40) }),
    says: /model\.norm\.weight is a tensor that cannot be used.*modules_to_save/,
  },
  '86 trainable_token_indices': {
    parts: withConfig({ trainable_token_indices: [1, 2] }),
    says: /trainable_token_indices/,
    code: 'unsupported',
  },
  '87 layer_replication': {
    parts: withConfig({ layer_replication: [[0, 2]] }),
    says: /layer_replication/,
    code: 'unsupported',
  },
  '88 aLoRA': {
    parts: withConfig({ alora_invocation_tokens: [5] }),
    says: /alora_invocation_tokens/,
    code: 'unsupported',
  },
  '89 QALoRA': { parts: withConfig({ use_qalora: true }), says: /use_qalora is true/, code: 'unsupported' },
  '90 unknown field in use': {
    parts: withConfig({ use_hypernet: 'v2' }),
    says: /use_hypernet is "v2"/,
    code: 'unsupported',
  },
  '90 a field of a later PEFT': {
    parts: withConfig({ spectral_config: { rank: 2 } }),
    says: /spectral_config/,
    code: 'unsupported',
  },
  'several adapters in one file': {
    parts: renamed(good(), (name) =>
      name.includes('lora_A') ? name.replace('lora_A', 'lora_A.one') : name.replace('lora_B', 'lora_B.two'),
    ),
    says: /holds several adapters: one, two/,
    code: 'unsupported',
  },
  'a full fine-tune of mlx-lm': {
    parts: { ...mlx(), config: { ...mlx().config, fine_tune_type: 'full' } },
    says: /fine_tune_type is "full"/,
    code: 'unsupported',
  },
  'mlx-lm, a rank that the factors have not': {
    parts: mlx({ rank: 8 }),
    says: /lora_A\.weight: the shape is \[4, 40\], expected \[8, 40\]/,
  },
  '90 lora_bias': { parts: withConfig({ lora_bias: true }), says: /lora_bias/, code: 'unsupported' },
  '90 a start that changes the base': {
    parts: withConfig({ init_lora_weights: 'pissa' }),
    says: /init_lora_weights is "pissa"/,
    code: 'unsupported',
  },
  '90 another task': {
    parts: withConfig({ task_type: 'SEQ_CLS' }),
    says: /task_type is "SEQ_CLS"/,
    code: 'unsupported',
  },
  '91 alpha NaN': {
    files: rawConfig(good(), '"lora_alpha":8', '"lora_alpha":NaN'),
    says: /adapter_config\.json: lora_alpha/,
  },
  '91 alpha beyond f64': {
    files: rawConfig(good(), '"lora_alpha":8', '"lora_alpha":1e999'),
    says: /lora_alpha is 1e999/,
  },
  '91 alpha a text': {
    parts: withConfig({ lora_alpha: '8' }),
    says: /lora_alpha is "8", expected a finite number/,
  },
  '92 hostile pattern that matches nothing': {
    parts: withConfig({ target_modules: '^(([a-z_.]+)+)+!$', layers_to_transform: null }),
    says: /target_modules: the pattern takes too long/,
  },
  '92 hostile pattern that never ends elsewhere': {
    parts: withConfig({ target_modules: `${'('.repeat(12)}.${'*)'.repeat(12)}!`, layers_to_transform: null }),
    says: /target_modules/,
  },
  '92 back reference': {
    parts: withConfig({ target_modules: String.raw`(q)\1_proj`, layers_to_transform: null }),
    says: /target_modules: the pattern has the escape \\1/,
    code: 'unsupported',
  },
  '92 hostile rank_pattern': {
    parts: withConfig({ rank_pattern: { '(a+)+(': 4 } }),
    says: /rank_pattern\.\(a\+\)\+\(/,
  },
  '93 adapter_model.bin': {
    files: { [WEIGHTS_FILE]: null, 'adapter_model.bin': pickle },
    says: /adapter_model\.bin is a Python pickle/,
  },
  '93 adapter.pt': {
    files: { [WEIGHTS_FILE]: null, 'adapter.pt': pickle },
    says: /adapter\.pt is a Python pickle/,
  },
  '93 a pickle under the right name': {
    files: { [WEIGHTS_FILE]: pickle },
    says: /adapter_model\.safetensors/,
  },
  'a value that is not finite': {
    parts: withTensors({
      [`${Q}.lora_B.weight`]: { shape: [48, 4], values: [0, NaN, ...zeros(190)] },
    }),
    says: /lora_B\.weight\[1\] is NaN/,
  },
  'tensors that no rule accounts for': {
    parts: withTensors({ 'stray.weight': tensor(2) }),
    says: /stray\.weight is a tensor that cannot be used/,
  },
}

describe('refused, naming file, field, got and expected', () => {
  it.each(Object.entries(REFUSED))('%s', async (_, { parts = good(), files, says, code = 'bad-file' }) => {
    const error: unknown = await loadParts(parts, model, files).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(TokenscopeError)
    if (!(error instanceof TokenscopeError)) return
    expect(error.message).toMatch(says)
    expect(error.code).toBe(code)
    expect(error.hint).not.toBe('')
  })
})

interface Accepted {
  parts: Parts
  base?: 'gpt2'
  check: (adapter: ParsedAdapter) => void | Promise<void>
}

const scalings = (adapter: ParsedAdapter): number[] => adapter.modules.map(({ scaling }) => scaling)

const ACCEPTED: Record<string, Accepted> = {
  plain: { parts: good(), check: (adapter) => expect(scalings(adapter)).toEqual([2]) },
  '82 use_dora': {
    parts: {
      ...withTensors({ [`${Q}.lora_magnitude_vector`]: tensor(48) }),
      config: { ...good().config, use_dora: true },
    },
    check: ({ modules }) => expect(modules[0]?.magnitude?.length).toBe(48),
  },
  '85 modules_to_save': {
    parts: {
      ...withTensors({ 'base_model.model.model.norm.weight': tensor(40) }),
      config: { ...good().config, modules_to_save: ['model.norm'] },
    },
    check: ({ replacements }) => expect(replacements.map(({ name }) => name)).toEqual(['final_norm']),
  },
  '90 unknown fields that are unset, and fields of training': {
    parts: withConfig({
      next_years_config: null,
      use_new: false,
      lora_dropout: 0.1,
      qalora_group_size: 16,
      revision: 'main',
    }),
    check: (adapter) => expect(adapter.modules).toHaveLength(1),
  },
  '79 a target beside others that matches nothing': {
    parts: withConfig({ target_modules: ['q_proj', 'query_key_value'], modules_to_save: ['score'] }),
    check: ({ modules, report }) => {
      expect(modules.map(({ step }) => step)).toEqual(['layers.0.attn.q'])
      expect(report.unmatchedEntries).toEqual(['target_modules: query_key_value', 'modules_to_save: score'])
      expect(report.warnings.join()).toMatch(/query_key_value names nothing in this model/)
    },
  },
  '90 a note that PEFT passes over': {
    parts: withConfig({ trained_with: 'my trainer', dataset: { rows: 3 } }),
    check: ({ modules, report }) => {
      expect(modules).toHaveLength(1)
      expect(report.warnings.join()).toMatch(/“trained_with”.*“dataset”/)
    },
  },
  'names that hold the adapter’s own': {
    parts: renamed(good(), (name) => name.replace('.weight', '.default.weight')),
    check: async (adapter) => {
      expect(adapter.report.warnings.join()).toMatch(/“default”/)
      await expectSame(adapter)
    },
  },
  'a saved module under the adapter’s own name': {
    parts: {
      config: { ...good().config, modules_to_save: ['model.norm'] },
      tensors: {
        ...renamed(good(), (name) => name.replace('.weight', '.poet.weight')).tensors,
        'base_model.model.model.norm.modules_to_save.poet.weight': tensor(40),
        'base_model.model.model.norm.original_module.weight': tensor(40),
      },
    },
    check: ({ replacements }) => expect(replacements.map(({ name }) => name)).toEqual(['final_norm']),
  },
  'mlx-lm': {
    parts: mlx(),
    check: async (adapter) => {
      expect(adapter.report.baseModel.named).toBe('mlx-community/llama-4bit')
      await expectSame(adapter)
    },
  },
  'mlx-lm of before, with an alpha': {
    parts: mlx({ alpha: 16, scale: 0.5 }),
    check: (adapter) => expectSame(adapter),
  },
  '91 alpha 0': {
    parts: withConfig({ lora_alpha: 0 }),
    check: ({ report }) => expect(report.warnings.join()).toMatch(/changes nothing/),
  },
  '94 rsLoRA': {
    parts: withConfig({ use_rslora: true }),
    check: (adapter) => expect(scalings(adapter)).toEqual([4]),
  },
  '95 rank and alpha patterns': {
    parts: withConfig({
      r: 16,
      rank_pattern: { k_proj: 2, 'layers.0.*.q_proj': 4 },
      alpha_pattern: { '^model.*q_proj': 6 },
    }),
    check: (adapter) => {
      expect(scalings(adapter)).toEqual([1.5])
      expect(adapter.report.unmatchedEntries).toEqual(['rank_pattern: k_proj'])
    },
  },
  '96 Conv1D, fan_in_fan_out true': { parts: goodGpt2(true), base: 'gpt2', check: sameAsGpt2 },
  '96 Conv1D, fan_in_fan_out false': { parts: goodGpt2(false), base: 'gpt2', check: sameAsGpt2 },
  'a quick pattern with nested repetitions': {
    parts: withConfig({
      target_modules: String.raw`(\w+\.)*layers\.0\.((\w+)+\.)+q_proj`,
      layers_to_transform: null,
    }),
    check: (adapter) => expect(adapter.modules.map(({ step }) => step)).toEqual(['layers.0.attn.q']),
  },
  'an adapter before training': {
    parts: withTensors({
      [`${Q}.lora_B.weight`]: { shape: [48, 4], values: zeros(192) },
    }),
    check: ({ report }) => expect(report.warnings.join()).toMatch(/changes nothing/),
  },
}

/** The very modules of {@link good}. */
async function expectSame({ modules }: ParsedAdapter): Promise<void> {
  const { modules: expected } = await loadParts(good(), model)
  expect(modules).toEqual(expected)
}

function sameAsGpt2({ modules }: ParsedAdapter): void {
  expect(modules.map(({ step, out, rows }) => [step, out, rows[0]])).toEqual([
    ['layers.0.attn.q', 40, 0],
    ['layers.0.attn.k', 40, 40],
    ['layers.0.attn.v', 40, 80],
  ])
}

describe('accepted', () => {
  it.each(Object.entries(ACCEPTED))('%s', async (_, { parts, base, check }) => {
    await check(await loadParts(parts, base === 'gpt2' ? gpt2.model : model))
  })
})

describe('97 base model names', () => {
  it('warns when another base is loaded and the shapes fit', async () => {
    const { report } = await loadParts(good(), model, {}, ['other/llama-2'])
    expect(report.baseModel).toEqual({ named: 'tiny/llama', loaded: 'other/llama-2', matches: false })
    expect(report.warnings[0]).toMatch(/Trained on 'tiny\/llama', loaded is 'other\/llama-2'/)
  })

  it.each([
    ['TINY/Llama'],
    ['/models/llama/'],
    ['mirror/llama@main'],
    ['packer/llama-unsloth-bnb-4bit'],
    ['/home/me/.cache/huggingface/hub/models--tiny--llama/snapshots/0123abcd'],
    ['llama.Q4_K_M.gguf'],
  ])('takes %s for the same', async (name) => {
    const { report } = await loadParts(good(), model, {}, [name])
    expect(report.baseModel.matches).toBe(true)
    expect(report.warnings).toEqual([])
  })
})

describe('report', () => {
  it('counts keys, bytes and elements and says what was matched', async () => {
    const { report } = await loadParts(good(), model)
    expect(report.matched).toEqual([
      {
        step: 'layers.0.attn.q',
        source: 'model.layers.0.self_attn.q_proj',
        rank: 4,
        alpha: 8,
        scaling: 2,
        shapes: { a: [4, 40], b: [48, 4] },
        dora: false,
      },
    ])
    expect(report).toMatchObject({
      matchedKeys: 2,
      bytes: 4 * 352,
      parameters: 352,
      effect: null,
      warnings: [],
    })
    expect(report.features).toEqual(['lora', 'layers_to_transform'])
  })

  it('takes names with or without the body in front', async () => {
    const { config, tensors } = goodGpt2(true)
    const bare = Object.fromEntries(
      Object.entries(tensors).map(([name, value]) => [name.replace('transformer.', ''), value]),
    )
    const adapter = await loadParts(
      {
        config: { ...config, layers_to_transform: null, target_modules: ['h.0.attn.c_attn'] },
        tensors: bare,
      },
      gpt2.model,
    )
    expect(adapter.modules).toHaveLength(3)
    const published = await readBase('gpt2-bare-names')
    expect((await loadParts(goodGpt2(true), published.model)).modules).toHaveLength(3)
  })
})
