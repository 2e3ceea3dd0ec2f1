import { expect, test } from 'vitest'
import { bestGguf, ggufKind } from '../../src/sources/ggufChoice.ts'
import { parseHubId, parseHubLink, spellHubAddress } from '../../src/sources/hubAddress.ts'
import { isOnHub } from '../../src/state/hubNames.ts'

const MAIN = { revision: 'main', file: undefined }

test.each([
  ['owner/name', { id: 'owner/name', ...MAIN }],
  ['owner/name@v1.0', { id: 'owner/name', revision: 'v1.0', file: undefined }],
  ['owner/name@refs/pr/3', { id: 'owner/name', revision: 'refs/pr/3', file: undefined }],
  ['owner/name/a-Q8_0.gguf', { id: 'owner/name', revision: 'main', file: 'a-Q8_0.gguf' }],
  ['owner/name@v1/sub/a.gguf', { id: 'owner/name', revision: 'v1', file: 'sub/a.gguf' }],
  ['owner/name@refs/pr/3/a.gguf', { id: 'owner/name', revision: 'refs/pr/3', file: 'a.gguf' }],
])('%s', (text, expected) => {
  expect(parseHubId(text)).toEqual(expected)
  expect(spellHubAddress(parseHubId(text)!)).toBe(text)
  expect(isOnHub(text)).toBe(true)
})

test.each([
  '',
  'a',
  'a/b/c',
  'a/..',
  '../a',
  'a/b@',
  'a/b@../c',
  'a/b/../x.gguf',
  'datasets/x',
  'a b/c',
  '/a/b',
])('“%s” is no model of the hub', (text) => expect(parseHubId(text)).toBeNull())

test.each([
  ['https://huggingface.co/o/n', 'o/n'],
  ['https://hf.co/o/n/', 'o/n'],
  ['https://huggingface.co/o/n/tree/v1', 'o/n@v1'],
  ['https://huggingface.co/o/n/blob/main/sub/a.gguf', 'o/n/sub/a.gguf'],
  ['https://huggingface.co/o/n/resolve/v1/model.safetensors', 'o/n@v1'],
  ['https://mirror.example/o/n', 'o/n'],
  ['https://huggingface.co/datasets/n', null],
  ['https://other.example/o/n', null],
])('%s', (link, spelling) => {
  const address = parseHubLink(new URL(link), 'https://mirror.example')
  expect(address && spellHubAddress(address)).toBe(spelling)
})

test.each([
  ['m-Q4_K_M.gguf', 'Q4_K_M'],
  ['m.q8_0.gguf', 'Q8_0'],
  ['m-BF16.gguf', 'BF16'],
  ['Q6_K/m-00001-of-00002.gguf', 'Q6_K'],
  ['m-IQ4_XS.gguf', 'IQ4_XS'],
  ['m.gguf', null],
])('the kind of %s', (name, kind) => expect(ggufKind(name)).toBe(kind))

test('of a small model the closest kind is chosen, of a large one the usual', () => {
  const files = (unit: number) =>
    [
      ['m-F16.gguf', 16],
      ['m-Q8_0.gguf', 8],
      ['m-Q6_K.gguf', 6],
      ['m-Q4_K_M.gguf', 5],
      ['m-Q2_K.gguf', 3],
    ].map(([name, bits]) => ({ name: String(name), bytes: Number(bits) * unit }))
  expect(bestGguf(files(50e6))).toBe('m-Q8_0.gguf')
  expect(bestGguf(files(1e9))).toBe('m-Q4_K_M.gguf')
  expect(bestGguf(files(1e9), 1e9)).toBe('m-Q4_K_M.gguf')
  expect(
    bestGguf([
      { name: 'a.gguf', bytes: 5 },
      { name: 'b.gguf', bytes: 4 },
    ]),
  ).toBe('b.gguf')
})
