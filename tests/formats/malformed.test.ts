import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { MAX_HEADER_BYTES } from '../../src/formats/safetensors.ts'
import { bytesOf, folder, safetensorsFile, wellFormed } from './build.ts'

const entry = (dtype: unknown, shape: unknown, begin: unknown, end: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] })
const one = (dtype: unknown, shape: unknown, begin: unknown, end: unknown): string =>
  `{"a":${entry(dtype, shape, begin, end)}}`
const good = one('F32', [2], 0, 8)
const A = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'

/** Numbers are those of the project's list of bad inputs; `field` and `got` are what the refusal must name. */
const refused: { n: number; what: string; file: Uint8Array; field: string; got: RegExp }[] = [
  { n: 1, what: 'empty', file: new Uint8Array(0), field: 'file', got: /empty/ },
  { n: 2, what: 'seven bytes', file: new Uint8Array(7), field: 'size', got: /7 bytes/ },
  { n: 3, what: 'N = 0', file: safetensorsFile('', 16, 0n), field: 'header length', got: /0 bytes/ },
  { n: 4, what: 'N > file', file: safetensorsFile(good, 8, 5000n), field: 'header length', got: /5000/ },
  {
    n: 5,
    what: 'N = 2^63',
    file: safetensorsFile(good, 8, 2n ** 63n),
    field: 'header length',
    got: /9223372036854775808/,
  },
  {
    n: 6,
    what: 'N = cap + 1',
    file: safetensorsFile(good, 8, BigInt(MAX_HEADER_BYTES) + 1n),
    field: 'header length',
    got: /100000001/,
  },
  {
    n: 7,
    what: 'bad UTF-8',
    file: safetensorsFile(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)),
    field: 'text',
    got: /UTF-8/,
  },
  { n: 8, what: '{', file: safetensorsFile('{ '), field: 'JSON', got: /end of the file/ },
  {
    n: 9,
    what: 'depth 100k',
    file: safetensorsFile(`{"a":${'['.repeat(100_000)}`),
    field: 'nesting',
    got: /deeper/,
  },
  { n: 10, what: 'duplicate name', file: safetensorsFile(`{${A},${A}}`, 8), field: 'a', got: /twice/ },
  {
    n: 11,
    what: 'duplicate __metadata__',
    file: safetensorsFile(`{"__metadata__":{},"__metadata__":{},${A}}`, 8),
    field: '__metadata__',
    got: /twice/,
  },
  {
    n: 12,
    what: 'numeric metadata',
    file: safetensorsFile(`{"__metadata__":{"step":3},${A}}`, 8),
    field: '__metadata__.step',
    got: /3/,
  },
  {
    n: 13,
    what: 'unknown dtype',
    file: safetensorsFile(one('F33', [2], 0, 8), 8),
    field: 'a.dtype',
    got: /F33/,
  },
  { n: 14, what: 'dim −1', file: safetensorsFile(one('F32', [-1], 0, 8), 8), field: 'a.shape[0]', got: /-1/ },
  {
    n: 15,
    what: 'dim 1.5',
    file: safetensorsFile(one('F32', [1.5], 0, 6), 6),
    field: 'a.shape[0]',
    got: /1\.5/,
  },
  {
    n: 16,
    what: '[2, 2^64 − 2]',
    file: safetensorsFile('{"a":{"dtype":"U8","shape":[2,18446744073709551614],"data_offsets":[0,0]}}'),
    field: 'a.shape[1]',
    got: /18446744073709551614/,
  },
  {
    n: 17,
    what: 'element × dtype overflow',
    file: safetensorsFile(one('F64', [2 ** 40, 2 ** 21], 0, 0)),
    field: 'a.shape',
    got: /1099511627776/,
  },
  {
    n: 18,
    what: 'offset > 2^53',
    file: safetensorsFile('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9007199254740993]}}', 8),
    field: 'a.data_offsets[1]',
    got: /9007199254740993/,
  },
  {
    n: 19,
    what: 'end < begin',
    file: safetensorsFile(one('F32', [2], 8, 0), 8),
    field: 'a.data_offsets',
    got: /\[8, 0\]/,
  },
  {
    n: 20,
    what: 'overlap',
    file: safetensorsFile(`{${A},"b":${entry('F32', [2], 4, 12)}}`, 12),
    field: 'b.data_offsets',
    got: /overlap of 4/,
  },
  {
    n: 21,
    what: 'hole',
    file: safetensorsFile(`{${A},"b":${entry('F32', [2], 12, 20)}}`, 20),
    field: 'b.data_offsets',
    got: /hole of 4/,
  },
  {
    n: 22,
    what: 'span ≠ shape',
    file: safetensorsFile(one('F32', [3], 0, 8), 8),
    field: 'a.data_offsets',
    got: /span of 8/,
  },
  {
    n: 23,
    what: 'two bytes short',
    file: safetensorsFile(good, 6),
    field: 'size',
    got: new RegExp(`${8 + good.length + 6} bytes`),
  },
  {
    n: 24,
    what: 'trailing bytes',
    file: safetensorsFile(good, 11),
    field: 'size',
    got: new RegExp(`${8 + good.length + 11} bytes`),
  },
  {
    n: 25,
    what: 'odd F4 bits',
    file: safetensorsFile(one('F4', [3], 0, 2), 2),
    field: 'a.shape',
    got: /12 bits/,
  },
  {
    n: 26,
    what: 'Git LFS pointer',
    file: bytesOf('version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 12\n'),
    field: 'file',
    got: /Git LFS/,
  },
  {
    n: 27,
    what: 'HTML page',
    file: bytesOf('<!DOCTYPE html><html><body>Not found</body></html>'),
    field: 'file',
    got: /web page/,
  },
  {
    n: 28,
    what: 'zip renamed',
    file: Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 8, 0, 0]),
    field: 'file',
    got: /zip/,
  },
  {
    n: 28,
    what: 'pickle renamed',
    file: Uint8Array.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]),
    field: 'file',
    got: /pickle/,
  },
]

async function refusal(opening: Promise<unknown>): Promise<TokenscopeError> {
  const error: unknown = await opening.then(
    () => 'opened',
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TokenscopeError)
  return error as TokenscopeError
}

describe('safetensors files that are refused', () => {
  test.each(refused)('case $n: $what', async ({ file, field, got }) => {
    const error = await refusal(openCheckpoint(folder({ 'model.safetensors': file })))
    expect(error.code).toBe('bad-file')
    expect(error.message).toContain('model.safetensors')
    expect(error.hint).not.toBe('')
    expect(error.details).toMatchObject({ file: 'model.safetensors', field })
    expect(String(error.details['got'])).toMatch(got)
    expect(String(error.details['expected'])).not.toBe('')
  })

  test('a type that exists but cannot be computed with is unsupported, not damaged', async () => {
    const file = safetensorsFile(one('F8_E8M0', [8], 0, 8), 8)
    const error = await refusal(openCheckpoint(folder({ 'model.safetensors': file })))
    expect(error).toMatchObject({ code: 'unsupported', details: { field: 'a.dtype' } })
  })

  test('a folder without a checkpoint names what was looked for, and pickles are never read', async () => {
    const error = await refusal(openCheckpoint(folder({ 'pytorch_model.bin': new Uint8Array(3) })))
    expect(error).toMatchObject({ code: 'bad-file' })
    expect(error.hint).toContain('pickle')
  })
})

const index = (map: Record<string, unknown>): string => JSON.stringify({ weight_map: map })
const shard = wellFormed({ a: { dtype: 'F32', shape: [2], bytes: 8 } })

/** `says` must appear in the message. */
const refusedIndexes: { n: number; what: string; json: string; says: string }[] = [
  { n: 29, what: '../x', json: index({ a: '../x.safetensors' }), says: '../x' },
  { n: 29, what: 'a back slash', json: index({ a: '..\\x.safetensors' }), says: 'same folder' },
  { n: 30, what: 'https://evil', json: index({ a: 'https://evil/x.safetensors' }), says: 'https://evil' },
  { n: 31, what: 'missing shard', json: index({ a: 'two.safetensors' }), says: 'two.safetensors' },
  {
    n: 32,
    what: 'tensor absent from its shard',
    json: index({ a: 'one.safetensors', b: 'one.safetensors' }),
    says: 'one.safetensors: b',
  },
  {
    n: 33,
    what: '10,001 shards',
    json: index(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `${i}.safetensors`]))),
    says: '10001',
  },
  { n: 33, what: 'no weight_map', json: '{}', says: 'weight_map' },
]

describe('indexes that are refused', () => {
  test.each(refusedIndexes)('case $n: $what', async ({ json, says }) => {
    const source = folder({ 'model.safetensors.index.json': json, 'one.safetensors': shard })
    const error = await refusal(openCheckpoint(source))
    expect(error.code).toBe('bad-file')
    expect(error.message).toContain(says)
    expect(error.details).toHaveProperty('expected')
  })
})

describe('unusual files that are fine', () => {
  test('case 34: padded header', async () => {
    const file = safetensorsFile(`${good}        `, 8)
    const { tensors } = await openCheckpoint(folder({ 'model.safetensors': file }))
    expect(tensors.get('a')).toMatchObject({ begin: file.length - 8, end: file.length })
  })

  test('case 35: zero-size tensor', async () => {
    const file = wellFormed({
      z: { dtype: 'F32', shape: [0, 5], bytes: 0 },
      a: { dtype: 'F32', shape: [2], bytes: 8 },
    })
    const checkpoint = await openCheckpoint(folder({ 'model.safetensors': file }))
    expect(checkpoint.tensors.get('z')?.shape).toEqual([0, 5])
    const read: string[] = []
    await checkpoint.read(
      () => true,
      ({ name }) => void read.push(name),
    )
    expect(read).toEqual(['a'])
  })

  test('case 36: scalar', async () => {
    const file = wellFormed({ s: { dtype: 'F32', shape: [], bytes: 4 } })
    const { tensors } = await openCheckpoint(folder({ 'model.safetensors': file }))
    expect(tensors.get('s')).toMatchObject({ shape: [], dtype: 'F32' })
  })

  test('case 37: tensor named __proto__', async () => {
    const file = safetensorsFile(`{"__proto__":${entry('F32', [2], 0, 8)}}`, 8)
    const { tensors } = await openCheckpoint(folder({ 'model.safetensors': file }))
    expect([...tensors.keys()]).toEqual(['__proto__'])
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })
})
