import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GgufFields, type GgufField } from '../../src/formats/gguf/fields.ts'
import { parseGgufHeader } from '../../src/formats/gguf/header.ts'
import { openGguf } from '../../src/formats/gguf/model.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { writeGguf } from '../../src/formats/gguf/write.ts'
import { GGUF_PRE_TOKENIZERS } from '../../src/text/ggufPreTokenizers.ts'
import { ggufTokenizer, type GgufTokenizer } from '../../src/text/ggufTokenizer.ts'
import { loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'
import { bytesOf, FIXTURES, readJson, SHARED, WITHOUT_SHARED } from '../text/shared.ts'
import { flag, text, texts, u32Field } from './ggufBuild.ts'

interface TokenizerJson {
  added_tokens: { id: number; content: string; special: boolean }[]
  model: {
    type?: string
    vocab: Record<string, number> | [string, number][]
    merges?: (string | [string, string])[]
    unk_id?: number
    unk_token?: string
  }
  normalizer: { precompiled_charsmap?: string } | null
}

const NORMAL = 1
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4
const BYTE = 6

/** Tokens by id, as the converters list them. */
function tokensOf({ model, added_tokens }: TokenizerJson): string[] {
  const tokens: string[] = []
  if (Array.isArray(model.vocab)) model.vocab.forEach(([token], id) => (tokens[id] = token))
  else for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token
  for (const { id, content } of added_tokens) tokens[id] = content
  return tokens
}

function typesOf(json: TokenizerJson, tokens: readonly string[]): Int32Array {
  const types = Int32Array.from(tokens, (token) => (/^<0x[0-9A-F]{2}>$/.test(token) ? BYTE : NORMAL))
  for (const { id, special } of json.added_tokens) types[id] = special ? CONTROL : USER_DEFINED
  const unknown = json.model.unk_id ?? tokens.indexOf(json.model.unk_token ?? '')
  if (json.model.type !== 'WordPiece' && unknown >= 0) types[unknown] = UNKNOWN
  return types
}

const int32s = (value: Int32Array): GgufField => ({ type: 'array', of: 'int32', value })
const float32s = (value: Float32Array): GgufField => ({ type: 'array', of: 'float32', value })

/** The metadata that the converters of llama.cpp make of a tokenizer.json. */
function convert(json: TokenizerJson, kind: string, more: Record<string, GgufField>): Map<string, GgufField> {
  const tokens = tokensOf(json)
  const { vocab, merges } = json.model
  const words =
    kind !== 'bert'
      ? tokens
      : tokens.map((token) => {
          if (/^\[.*\]$/s.test(token)) return token
          return token.startsWith('##') ? token.slice(2) : `▁${token}`
        })
  const scores = Float32Array.from(tokens, (_, id) =>
    Array.isArray(vocab) ? (vocab[id]?.[1] ?? 0) : /^▁{2,}$/.test(tokens[id] ?? '') ? -1e9 : -id,
  )
  const charsmap = json.normalizer?.precompiled_charsmap
  return new Map(
    Object.entries({
      'tokenizer.ggml.model': text(kind),
      'tokenizer.ggml.tokens': texts(words),
      'tokenizer.ggml.token_type': int32s(typesOf(json, tokens)),
      ...(kind === 'gpt2'
        ? {
            'tokenizer.ggml.merges': texts(
              (merges ?? []).map((pair) => (typeof pair === 'string' ? pair : pair.join(' '))),
            ),
          }
        : {}),
      ...(kind === 'llama' || kind === 't5' ? { 'tokenizer.ggml.scores': float32s(scores) } : {}),
      ...(charsmap === undefined
        ? {}
        : {
            'tokenizer.ggml.precompiled_charsmap': {
              type: 'array',
              of: 'uint8',
              value: new Uint8Array(Buffer.from(charsmap, 'base64')),
            } as const,
          }),
      ...more,
    }),
  )
}

/** The tokenizer of metadata that has been through a file. */
function throughFile(fields: Map<string, GgufField>): GgufTokenizer {
  const bytes = writeGguf(fields, [])
  const header = parseGgufHeader(bytes, 'f', bytes.length)
  const built = ggufTokenizer(new GgufFields(header.fields, 'f'), 1e6)
  if (!built) throw new Error('no tokenizer')
  return built
}

function load({ tokenizerJson, tokenizerConfig, generationConfig }: GgufTokenizer): Promise<TextTokenizer> {
  const files = {
    tokenizerJson: bytesOf(tokenizerJson),
    tokenizerConfig: bytesOf(tokenizerConfig),
    generationConfig: bytesOf(generationConfig),
  }
  return loadTokenizer(files, { vocabRows: 1e6 })
}

function sharedTexts(): string[] {
  const vectors = readFileSync(join(SHARED, 'tokenizer-vectors/llama.cpp/ggml-vocab-gpt-2.gguf.inp'), 'utf8')
  const many = readJson<{ id: string; text: string }[]>(
    SHARED,
    'tokenizer-vectors/multilingual/inputs_83.json',
  )
  return [...vectors.split('\n__ggml_vocab_test__\n'), ...many.map((entry) => entry.text)]
}

const MODELS = [
  { name: 'smollm', kind: 'gpt2', more: { 'tokenizer.ggml.pre': text('smollm') } },
  { name: 'gpt2', kind: 'gpt2', more: { 'tokenizer.ggml.pre': text('gpt-2') } },
  { name: 'qwen2.5', kind: 'gpt2', more: { 'tokenizer.ggml.pre': text('qwen2') } },
  {
    name: 'llama2',
    kind: 'llama',
    more: {
      'tokenizer.ggml.bos_token_id': u32Field(1),
      'tokenizer.ggml.eos_token_id': u32Field(2),
      'tokenizer.ggml.unknown_token_id': u32Field(0),
    },
  },
  {
    name: 'bert-base-uncased',
    kind: 'bert',
    more: {
      'tokenizer.ggml.bos_token_id': u32Field(101),
      'tokenizer.ggml.seperator_token_id': u32Field(102),
      'tokenizer.ggml.unknown_token_id': u32Field(100),
    },
  },
  {
    name: 't5-small',
    kind: 't5',
    more: {
      'tokenizer.ggml.eos_token_id': u32Field(1),
      'tokenizer.ggml.unknown_token_id': u32Field(2),
      'tokenizer.ggml.remove_extra_whitespaces': flag(true),
    },
  },
] as const

describe.skipIf(WITHOUT_SHARED)(
  `ids as the tokenizer.json of the same model gives them ${WITHOUT_SHARED}`,
  () => {
    test.each(MODELS)('$name', async ({ name, kind, more }) => {
      const folder = join(SHARED, 'tokenizers', name)
      const original = await loadTokenizer(
        { tokenizerJson: readFileSync(join(folder, 'tokenizer.json')) },
        { vocabRows: 1e6 },
      )
      const read = await load(throughFile(convert(readJson(folder, 'tokenizer.json'), kind, more)))
      for (const input of sharedTexts()) {
        for (const options of [{}, { parseSpecial: true }, { addSpecialTokens: false }]) {
          const ids = await read.encode(input, options)
          expect(ids, JSON.stringify(input)).toEqual(await original.encode(input, options))
          expect(read.decode(ids)).toBe(original.decode(ids))
        }
      }
      original.dispose()
      read.dispose()
    })

    test('the merges of Llama 2 come out of the scores of a real file in their order', async () => {
      const source = nodeFolderSource(join(SHARED, 'models/llama-2-tiny-random-gguf'))
      const { fields } = await openGguf(source, 'llama-2-tiny-random.gguf')
      const { merges } = ggufTokenizer(fields, 32_000)!.tokenizerJson['model'] as {
        merges: [string, string][]
      }
      const json = readJson<TokenizerJson>(SHARED, 'tokenizers/llama2/tokenizer.json')
      expect(merges.map((pair) => pair.join(' '))).toEqual(json.model.merges)
    })
  },
)

interface Expected {
  prompts: { messages?: { role: 'user'; content: string }[]; text: string; ids: number[] }[]
  strings: { text: string; ids: number[] }[]
}

describe.skipIf(WITHOUT_SHARED)(`SmolLM2-135M-Instruct ${WITHOUT_SHARED}`, () => {
  const folder = join(SHARED, 'models/smollm2-135m-instruct')

  test('its config, tensors and every token of its chats', async () => {
    const model = await openGguf(nodeFolderSource(folder), 'SmolLM2-135M-Instruct.Q4_1.gguf')
    expect(model.config).toMatchObject({
      model_type: 'llama',
      hidden_size: 576,
      num_hidden_layers: 30,
      num_key_value_heads: 3,
      head_dim: 64,
      rms_norm_eps: 1e-5,
      rope_theta: 100_000,
      vocab_size: 49_152,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: [2],
    })
    expect(model.tensors.size).toBe(272)
    expect(model.remarks).toEqual([])
    const built = ggufTokenizer(model.fields, 49_152)
    expect(built?.tokenizerConfig).toMatchObject({
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      chat_template: model.chatTemplate,
    })
    const tokenizer = await load(built!)
    const { prompts, strings } = readJson<Expected>(folder, 'expected.json')
    for (const { messages, text: rendered, ids } of prompts) {
      if (messages) expect(await tokenizer.applyChatTemplate(messages)).toBe(rendered)
      expect(await tokenizer.encode(rendered, { parseSpecial: true })).toEqual(ids)
    }
    for (const { text: input, ids } of strings)
      expect(await tokenizer.encode(input, { parseSpecial: true }), JSON.stringify(input)).toEqual(ids)
    tokenizer.dispose()
  })
})

const SMALL = [
  { name: 'byte_level', kind: 'gpt2', more: { 'tokenizer.ggml.pre': text('smollm') } },
  {
    name: 'sentencepiece',
    kind: 'llama',
    more: { 'tokenizer.ggml.bos_token_id': u32Field(1), 'tokenizer.ggml.unknown_token_id': u32Field(0) },
  },
  {
    name: 'wordpiece',
    kind: 'bert',
    more: { 'tokenizer.ggml.cls_token_id': u32Field(2), 'tokenizer.ggml.seperator_token_id': u32Field(3) },
  },
] as const

interface Case {
  text: string
  ids?: number[]
}

test.each(SMALL)('ids of the small tokenizer $name', async ({ name, kind, more }) => {
  const folder = join(FIXTURES, name)
  const original = await loadTokenizer(
    { tokenizerJson: readFileSync(join(folder, 'tokenizer.json')) },
    { vocabRows: 1e6 },
  )
  const read = await load(throughFile(convert(readJson(folder, 'tokenizer.json'), kind, more)))
  for (const { text: input } of readJson<Case[]>(folder, 'cases.json')) {
    expect(await read.encode(input, { parseSpecial: true }), JSON.stringify(input)).toEqual(
      await original.encode(input, { parseSpecial: true }),
    )
  }
  original.dispose()
  read.dispose()
})

const PLAIN = {
  'tokenizer.ggml.model': text('gpt2'),
  'tokenizer.ggml.tokens': texts(['a', 'b', 'ab', '<s>', '</s>']),
  'tokenizer.ggml.merges': texts(['a b']),
}
const TYPES = { 'tokenizer.ggml.token_type': int32s(Int32Array.of(1, 1, 1, 3, 3)) }

function built(fields: Record<string, GgufField>, rows = 5): GgufTokenizer | null {
  return ggufTokenizer(new GgufFields(new Map(Object.entries(fields)), 'f'), rows)
}

test.each(GGUF_PRE_TOKENIZERS.flatMap(({ names }) => names))(
  'a tokenizer that cuts text as %s does can be built',
  async (name) => {
    const tokenizer = await load(built({ ...PLAIN, ...TYPES, 'tokenizer.ggml.pre': text(name) })!)
    expect(await tokenizer.encode('ab', { addSpecialTokens: false })).toEqual([2])
    tokenizer.dispose()
  },
)

describe('what the file says beside its tokens', () => {
  const ids = {
    'tokenizer.ggml.pre': text('gpt-2'),
    'tokenizer.ggml.bos_token_id': u32Field(3),
    'tokenizer.ggml.eos_token_id': u32Field(4),
  }

  test.each([
    { what: 'neither', flags: {}, expected: [2] },
    { what: 'a BOS', flags: { 'tokenizer.ggml.add_bos_token': flag(true) }, expected: [3, 2] },
    { what: 'an EOS', flags: { 'tokenizer.ggml.add_eos_token': flag(true) }, expected: [2, 4] },
    {
      what: 'a BOS by its pre-tokenizer',
      flags: { 'tokenizer.ggml.pre': text('llama-bpe') },
      expected: [3, 2],
    },
  ])('adds $what', async ({ flags, expected }) => {
    const tokenizer = await load(built({ ...PLAIN, ...TYPES, ...ids, ...flags })!)
    expect(await tokenizer.encode('ab')).toEqual(expected)
    expect(tokenizer.bosId).toBe(3)
    expect(tokenizer.eosIds).toEqual([4])
    tokenizer.dispose()
  })

  test('several templates, an end of turn, ids outside, merges of absent tokens, tokens beyond the rows', () => {
    const more = {
      'tokenizer.chat_template': text('A'),
      'tokenizer.chat_template.tool_use': text('B'),
      'tokenizer.ggml.eot_token_id': u32Field(2),
      'tokenizer.ggml.mask_token_id': u32Field(99),
      'tokenizer.ggml.merges': texts(['a b', 'x y']),
      'tokenizer.ggml.tokens': texts(['a', 'b', 'ab', '<s>', '</s>', 'beyond']),
      'tokenizer.ggml.token_type': int32s(Int32Array.of(1, 1, 1, 3, 3, 1)),
    }
    const tokenizer = built({ ...PLAIN, ...ids, ...more })
    expect(tokenizer?.tokenizerConfig).toEqual({
      bos_token: '<s>',
      eos_token: '</s>',
      chat_template: [
        { name: 'default', template: 'A' },
        { name: 'tool_use', template: 'B' },
      ],
    })
    expect(tokenizer?.generationConfig).toEqual({ bos_token_id: 3, eos_token_id: [4, 2] })
    expect(tokenizer?.tokenizerJson['model']).toMatchObject({
      vocab: { a: 0, b: 1, ab: 2 },
      merges: [['a', 'b']],
    })
    expect(tokenizer?.remarks).toEqual([
      expect.stringContaining('1 merges'),
      expect.stringContaining('mask_token_id'),
    ])
  })

  test('none at all', () => {
    expect(built({})).toBeNull()
    expect(built({ 'tokenizer.ggml.model': text('no_vocab') })).toBeNull()
  })

  test.each([
    { what: 'an unknown kind', fields: { 'tokenizer.ggml.model': text('rwkv') }, code: 'unsupported' },
    { what: 'an unknown cut', fields: { 'tokenizer.ggml.pre': text('origami') }, code: 'unsupported' },
    { what: 'no token', fields: { 'tokenizer.ggml.tokens': texts([]) }, code: 'bad-file' },
    {
      what: 'too few types',
      fields: { 'tokenizer.ggml.token_type': int32s(Int32Array.of(1)) },
      code: 'bad-file',
    },
    { what: 'no scores', fields: { 'tokenizer.ggml.model': text('llama') }, code: 'bad-file' },
    { what: 'an id that is text', fields: { 'tokenizer.ggml.bos_token_id': text('1') }, code: 'bad-file' },
  ])('$what is refused', ({ fields, code }) => {
    expect(() => built({ ...PLAIN, ...TYPES, ...ids, ...fields })).toThrow(expect.objectContaining({ code }))
  })
})
