import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import { bytesOf } from './build.ts'

const parse = (text: string): unknown => parseStrictJson(bytesOf(text), 'file.json')

test.each([
  '{"a":[1,-0.5,1e3,2E-2,0],"b":{"c":null,"d":true,"e":false}}',
  ' [ ] ',
  '{}',
  '"\\u00e9\\n\\t\\"\\\\\\/\\ud83d\\ude00 é 😀"',
  '9007199254740991',
  '-0',
  '[{"nested":[[[]]]},"x"]',
])('%s is read as JSON.parse reads it', (text) => {
  expect(parse(text)).toEqual(JSON.parse(text))
})

test('whole numbers beyond 2^53 keep every digit', () => {
  expect(parse('[18446744073709551614,-9007199254740993]')).toEqual([
    18446744073709551614n,
    -9007199254740993n,
  ])
})

test('keys of Object.prototype are keys like any other', () => {
  const value = parse('{"__proto__":{"x":1},"constructor":2,"toString":3}')
  expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'toString'])
  expect(({} as { x?: number }).x).toBeUndefined()
})

describe('refused', () => {
  test.each([
    { text: '', says: 'end of the file' },
    { text: '{"a":1,"a":2}', says: 'a is there twice' },
    { text: '{"a":{"b":1,"b":2}}', says: 'a.b is there twice' },
    { text: '{"eps":NaN}', says: 'eps' },
    { text: '{"eps":Infinity}', says: 'eps' },
    { text: '{"eps":1e999}', says: 'eps is 1e999' },
    { text: '[1,]', says: 'a JSON value' },
    { text: '[1 2]', says: "']'" },
    { text: '{a:1}', says: 'double quotes' },
    { text: '"\\x"', says: 'JSON escape' },
    { text: '"\\u12g4"', says: 'hexadecimal' },
    { text: '"line\nbreak"', says: "expected '\"'" },
    { text: '01', says: 'end of the file' },
    { text: '+1', says: 'a JSON value' },
    { text: '\ufeff{}', says: 'a JSON value' },
    { text: '{} {}', says: 'the end of the file' },
    { text: '9'.repeat(5000), says: '5000 digits' },
    { text: '['.repeat(100_000), says: 'deeper than' },
  ])('$text', ({ text, says }) => {
    const run = (): unknown => parse(text)
    expect(run).toThrow(TokenscopeError)
    expect(run).toThrow(says)
    expect(run).toThrow('file.json')
  })
})
