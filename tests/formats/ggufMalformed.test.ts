import { describe, expect, test } from 'vitest'
import { TokenscopeError, type ErrorCode } from '../../src/errors.ts'
import { parseGgufHeader } from '../../src/formats/gguf/header.ts'
import { openGguf } from '../../src/formats/gguf/model.ts'
import { folder } from './build.ts'
import {
  join,
  number,
  pair,
  rawGguf,
  record,
  str,
  text,
  texts,
  tinyFields,
  tinyGguf,
  tinyTensors,
  u32,
  u32Field,
  u64,
} from './ggufBuild.ts'
import { writeGguf } from '../../src/formats/gguf/write.ts'

interface Refusal {
  case: string
  bytes: Uint8Array
  field: string
  code?: ErrorCode
}

const HUGE = 2n ** 63n
const UINT32 = 4
const INT32 = 5
const STRING = 8
const ARRAY = 9
const one = [record()]
const full = tinyGguf()
const nonUtf8 = Uint8Array.of(0xff, 0xfe)

const REFUSED: readonly Refusal[] = [
  { case: 'no byte', bytes: new Uint8Array(0), field: 'file' },
  { case: 'three bytes', bytes: new TextEncoder().encode('GGU'), field: 'magic' },
  { case: '39 another magic', bytes: rawGguf({ magic: 'GGML' }), field: 'magic' },
  { case: '40 version 0', bytes: rawGguf({ version: 0 }), field: 'version' },
  { case: '41 version 1', bytes: rawGguf({ version: 1 }), field: 'version', code: 'unsupported' },
  { case: '42 version 4', bytes: rawGguf({ version: 4 }), field: 'version' },
  {
    case: '43 big-endian version',
    bytes: rawGguf({ version: 0x03000000 }),
    field: 'version',
    code: 'unsupported',
  },
  { case: '43 big-endian magic', bytes: rawGguf({ magic: 'FUGG' }), field: 'version', code: 'unsupported' },
  { case: '44 2^63 tensors', bytes: rawGguf({ tensorCount: HUGE }), field: 'tensor count' },
  {
    case: 'more tensors than the file has room for',
    bytes: rawGguf({ tensorCount: 9, tensors: one, data: 32 }),
    field: 'tensor count',
  },
  { case: '45 2^63 keys', bytes: rawGguf({ pairCount: HUGE }), field: 'metadata count' },
  {
    case: '46 a string of 2^64 − 1 bytes',
    bytes: rawGguf({ pairs: [pair('k', STRING, str('v', -1n))] }),
    field: 'k (its length)',
  },
  {
    case: '46 a key of 2^64 − 1 bytes',
    bytes: rawGguf({ pairs: [join(str('key', -1n), u32(4), u32(1))] }),
    field: 'key 0 (its length)',
  },
  { case: '47 an empty key', bytes: rawGguf({ pairs: [pair('', UINT32, u32(1))] }), field: 'key 0' },
  {
    case: '48 a key twice',
    bytes: rawGguf({ pairs: [pair('k', UINT32, u32(1)), pair('k', UINT32, u32(1))] }),
    field: 'k',
  },
  { case: '49 value type 13', bytes: rawGguf({ pairs: [pair('k', 13, u32(1))] }), field: 'k: type' },
  {
    case: 'entry type 13',
    bytes: rawGguf({ pairs: [pair('k', ARRAY, join(u32(13), u64(0)))] }),
    field: 'k: type of its entries',
  },
  {
    case: '50 a list of lists',
    bytes: rawGguf({ pairs: [pair('k', ARRAY, join(u32(ARRAY), u64(0)))] }),
    field: 'k',
  },
  {
    case: '51 a list of 2^40 in 100 bytes',
    bytes: rawGguf({ pairs: [pair('k', ARRAY, join(u32(UINT32), u64(2n ** 40n), new Uint8Array(60)))] }),
    field: 'k: length',
  },
  {
    case: 'a list of 2^62, whose bytes wrap',
    bytes: rawGguf({ pairs: [pair('k', ARRAY, join(u32(UINT32), u64(2n ** 62n)))] }),
    field: 'k: length',
  },
  ...[0, 13, 2 ** 31, 4].map((alignment) => ({
    case: `52-54 alignment ${alignment}`,
    bytes: rawGguf({ pairs: [pair('general.alignment', UINT32, u32(alignment))], tensors: one, data: 64 }),
    field: 'general.alignment',
  })),
  {
    case: '55 alignment of type int32',
    bytes: rawGguf({ pairs: [pair('general.alignment', INT32, u32(32))] }),
    field: 'general.alignment',
  },
  {
    case: '56 a name of 64 bytes',
    bytes: rawGguf({ tensors: [record({ name: 'n'.repeat(64) })], data: 32 }),
    field: 'name of tensor 0',
  },
  {
    case: '57 five dimensions',
    bytes: rawGguf({ tensors: [record({ ne: [1, 1, 1, 1, 1] })], data: 32 }),
    field: 'a: dimensions',
  },
  {
    case: '58 dimension −1',
    bytes: rawGguf({ tensors: [record({ ne: [4, -1] })], data: 32 }),
    field: 'a: dimension 1',
  },
  {
    case: '59 2^80 weights',
    bytes: rawGguf({ tensors: [record({ ne: [2n ** 40n, 2n ** 40n] })], data: 32 }),
    field: 'a: shape',
  },
  {
    case: '60 bytes that wrap',
    bytes: rawGguf({ tensors: [record({ ne: [2n ** 52n] })], data: 32 }),
    field: 'a: size',
  },
  { case: '61 type 9999', bytes: rawGguf({ tensors: [record({ type: 9999 })], data: 32 }), field: 'a: type' },
  {
    case: 'a type that was taken out',
    bytes: rawGguf({ tensors: [record({ type: 31, ne: [32] })], data: 32 }),
    field: 'a: type',
    code: 'unsupported',
  },
  {
    case: '62 a row of 33 in blocks of 32',
    bytes: rawGguf({ tensors: [record({ type: 8, ne: [33, 32] })], data: 4096 }),
    field: 'a: row',
  },
  {
    case: '63 a tensor twice',
    bytes: rawGguf({ tensors: [record(), record({ offset: 32 })], data: 64 }),
    field: 'a',
  },
  {
    case: '64 an overlap',
    bytes: rawGguf({ tensors: [record({ ne: [16] }), record({ name: 'b', offset: 32 })], data: 96 }),
    field: 'b: offset',
  },
  {
    case: '65 an offset off the grid',
    bytes: rawGguf({ tensors: [record({ offset: 16 })], data: 64 }),
    field: 'a: offset',
  },
  {
    case: 'an offset of 2^64 − 32',
    bytes: rawGguf({ tensors: [record({ offset: -32n })], data: 64 }),
    field: 'a: offset',
  },
  { case: '66 past the end', bytes: rawGguf({ tensors: [record({ offset: 64 })], data: 64 }), field: 'size' },
  { case: '67 cut in a tensor record', bytes: full.subarray(0, 1100), field: '' },
  { case: '68 one byte short', bytes: rawGguf({ tensors: one, data: 15 }), field: 'size' },
  { case: 'a flag of 2', bytes: rawGguf({ pairs: [pair('k', 7, Uint8Array.of(2))] }), field: 'k' },
  { case: 'a value in bad UTF-8', bytes: rawGguf({ pairs: [pair('k', STRING, str(nonUtf8))] }), field: 'k' },
  {
    case: 'a key in bad UTF-8',
    bytes: rawGguf({ pairs: [join(str(nonUtf8), u32(4), u32(1))] }),
    field: 'key 0',
  },
  {
    case: '69 10^6 layers',
    bytes: tinyGguf({ fields: { 'llama.block_count': u32Field(1e6) } }),
    field: 'llama.block_count',
  },
  {
    case: '70 no heads',
    bytes: tinyGguf({ fields: { 'llama.attention.head_count': u32Field(0) } }),
    field: 'llama.attention.head_count',
  },
  {
    case: 'heads that do not divide the width',
    bytes: tinyGguf({ fields: { 'llama.attention.head_count': u32Field(3) } }),
    field: 'llama.attention.head_count',
  },
  {
    case: '71 fewer tokens than rows',
    bytes: tinyGguf({ fields: { 'tokenizer.ggml.tokens': texts(['a', 'b']) } }),
    field: 'tokenizer.ggml.tokens',
  },
  {
    case: 'a width beyond 2^53',
    bytes: tinyGguf({ fields: { 'llama.embedding_length': number('uint64', 2n ** 60n) } }),
    field: 'llama.embedding_length',
  },
  {
    case: 'a width of text',
    bytes: tinyGguf({ fields: { 'llama.embedding_length': text('64') } }),
    field: 'llama.embedding_length',
  },
  {
    case: 'no architecture',
    bytes: tinyGguf({ fields: { 'general.architecture': null } }),
    field: 'general.architecture',
  },
  {
    case: 'an unknown architecture',
    bytes: tinyGguf({ architecture: 'warpdrive' }),
    field: 'general.architecture',
    code: 'unsupported',
  },
  {
    case: 'an unknown rotary scaling',
    bytes: tinyGguf({ fields: { 'llama.rope.scaling.type': text('spiral') } }),
    field: 'rope.scaling.type',
    code: 'unsupported',
  },
  { case: 'no embedding', bytes: tinyGguf({ tensors: tinyTensors().slice(1) }), field: 'token_embd.weight' },
  {
    case: 'an adapter',
    bytes: tinyGguf({ fields: { 'general.type': text('adapter') } }),
    field: 'general.type',
  },
  {
    case: 'a part without its others',
    bytes: tinyGguf({ fields: { 'split.count': number('uint16', 3), 'split.no': number('uint16', 0) } }),
    field: 'split.count',
  },
]

async function refusal(bytes: Uint8Array): Promise<unknown> {
  try {
    await openGguf(folder({ 'model.gguf': bytes }), 'model.gguf')
    return null
  } catch (error) {
    return error
  }
}

describe('refused, naming file and field', () => {
  test.each(REFUSED)('$case', async ({ bytes, field, code = 'bad-file' }) => {
    const error = await refusal(bytes)
    expect(error).toBeInstanceOf(TokenscopeError)
    const { code: got, details, hint, message } = error as TokenscopeError
    expect(got, message).toBe(code)
    expect(message).toContain('model.gguf')
    expect(details).toMatchObject({ file: 'model.gguf' })
    if (field !== '') expect(details['field']).toBe(field)
    expect(details['got']).toBeDefined()
    expect(details['expected']).toBeDefined()
    expect(hint).not.toBe('')
  })

  test('a well-formed file cut anywhere', async () => {
    for (let length = 0; length < full.length; length += 97) {
      expect(await refusal(full.subarray(0, length)), `${length} bytes`).toBeInstanceOf(TokenscopeError)
    }
  })
})

describe('accepted', () => {
  test('72 a key __proto__, which stays inert', async () => {
    const metadata = new Map([...tinyFields(), ['__proto__', text('x')], ['a.__proto__.polluted', text('y')]])
    const model = await openGguf(folder({ m: writeGguf(metadata, tinyTensors()) }), 'm')
    expect(model.fields.text('__proto__')).toBe('x')
    expect(Object.getPrototypeOf(model.config)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('73 a key tensor_count, which overrides nothing', async () => {
    const bytes = tinyGguf({
      fields: { tensor_count: number('uint64', 1), 'GGUF.tensor_count': number('uint64', 1) },
    })
    expect((await openGguf(folder({ m: bytes }), 'm')).tensors.size).toBe(11)
  })

  test('more tokens than rows, with a remark', async () => {
    const tokens = Array.from({ length: 9 }, (_, n) => `t${n}`)
    const model = await openGguf(
      folder({ m: tinyGguf({ fields: { 'tokenizer.ggml.tokens': texts(tokens) } }) }),
      'm',
    )
    expect(model.config).toMatchObject({ vocab_size: 8 })
    expect(model.remarks).toEqual([expect.stringContaining('9 tokens')])
  })

  test('version 2, a stated alignment, an empty tensor, a scalar, a gap and any order', () => {
    const pairs = [pair('general.alignment', UINT32, u32(64)), pair('big', 10, u64(2n ** 60n))]
    const records = [
      record({ name: 'late', offset: 256 }),
      record({ name: 'empty', ne: [0, 4], offset: 64 }),
      record({ name: 'scalar', ne: [], offset: 64 }),
    ]
    const bytes = rawGguf({ version: 2, pairs, tensors: records, data: 512 })
    const header = parseGgufHeader(bytes, 'm', bytes.length)
    expect(header.version).toBe(2)
    expect(header.dataBegin % 64).toBe(0)
    expect(header.fields.get('big')).toEqual({ type: 'uint64', value: 2n ** 60n })
    expect(header.tensors.map(({ name, shape, offset }) => [name, shape, offset - header.dataBegin])).toEqual(
      [
        ['empty', [4, 0], 64],
        ['scalar', [], 64],
        ['late', [4], 256],
      ],
    )
  })
})
