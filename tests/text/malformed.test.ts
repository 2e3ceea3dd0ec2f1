import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TokenscopeError, type ErrorCode } from '../../src/errors.ts'
import { loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'
import { bytesOf, FIXTURES, readJson } from './shared.ts'

const ROWS = 400

interface Json {
  [key: string]: unknown
  added_tokens: { [key: string]: unknown; id: unknown; content: string }[]
  model: { [key: string]: unknown; vocab: Record<string, unknown>; merges: unknown[] }
}

const load = (tokenizerJson: Uint8Array): Promise<TextTokenizer> =>
  loadTokenizer({ tokenizerJson }, { vocabRows: ROWS })

/** The tiny byte-level tokenizer with one thing changed. */
function changed(change: (json: Json) => void): Uint8Array {
  const json = readJson<Json>(FIXTURES, 'byte_level', 'tokenizer.json')
  change(json)
  return bytesOf(json)
}

const splitOn = (pattern: string) => (json: Json) => {
  json['pre_tokenizer'] = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
}

/** A sequence in a sequence in a sequence …, written without recursion. */
function nested(depth: number): Uint8Array {
  const text = new TextDecoder().decode(changed((json) => (json['pre_tokenizer'] = 'HERE')))
  const deep = `${'{"type":"Sequence","pretokenizers":['.repeat(depth)}${']}'.repeat(depth)}`
  return new TextEncoder().encode(text.replace('"HERE"', deep))
}

async function refusal(bytes: Uint8Array): Promise<TokenscopeError> {
  try {
    const tokenizer = await load(bytes)
    tokenizer.dispose()
  } catch (error) {
    if (error instanceof TokenscopeError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const cases: [name: string, bytes: () => Uint8Array, code: ErrorCode, field: string][] = [
  [
    'a pattern that never ends',
    () => changed(splitOn('^(a+)+$')),
    'unsupported',
    'pre_tokenizer.pattern.Regex',
  ],
  [
    'a pattern JavaScript cannot run',
    () => changed(splitOn('(?P<x>a)(?(x)b|c)')),
    'unsupported',
    'pre_tokenizer.pattern.Regex',
  ],
  ['a pattern that is not one', () => changed(splitOn('(a')), 'unsupported', 'pre_tokenizer.pattern.Regex'],
  ['a huge pattern', () => changed(splitOn('a'.repeat(5000))), 'bad-file', 'pre_tokenizer.pattern.Regex'],
  [
    'an unknown pre-tokenizer',
    () => changed((j) => (j['pre_tokenizer'] = { type: 'Magic' })),
    'unsupported',
    'pre_tokenizer.type',
  ],
  [
    'an unknown normalizer',
    () => changed((j) => (j['normalizer'] = { type: 'Magic' })),
    'unsupported',
    'normalizer.type',
  ],
  [
    'an unknown decoder',
    () => changed((j) => (j['decoder'] = { type: 'Magic' })),
    'unsupported',
    'decoder.type',
  ],
  [
    'an unknown post-processor',
    () => changed((j) => (j['post_processor'] = { type: 'Magic' })),
    'unsupported',
    'post_processor.type',
  ],
  ['an unknown model', () => changed((j) => (j.model['type'] = 'Magic')), 'unsupported', 'model.type'],
  ['id -5', () => changed((j) => (j.model.vocab['x'] = -5)), 'bad-file', 'model.vocab["x"]'],
  ['id 2.5', () => changed((j) => (j.model.vocab['x'] = 2.5)), 'bad-file', 'model.vocab["x"]'],
  ['id 2^32-1', () => changed((j) => (j.model.vocab['x'] = 2 ** 32 - 1)), 'bad-file', 'model.vocab["x"]'],
  ['an id as text', () => changed((j) => (j.model.vocab['x'] = '7')), 'bad-file', 'model.vocab["x"]'],
  [
    'one id for two tokens',
    () => changed((j) => (j.model.vocab['zz'] = j.model.vocab['x'])),
    'bad-file',
    'model.vocab["zz"]',
  ],
  [
    'one id for two added tokens',
    () => changed((j) => j.added_tokens.push({ id: 0, content: '<new>' })),
    'bad-file',
    'added_tokens[4].id',
  ],
  [
    'a merge to an absent token',
    () => changed((j) => (j.model.merges[0] = ['qq', 'zz'])),
    'bad-file',
    'model.merges[0]',
  ],
  ['a merge of three', () => changed((j) => (j.model.merges[0] = 'a b c')), 'bad-file', 'model.merges[0]'],
  [
    'an empty added token',
    () => changed((j) => j.added_tokens.push({ id: 399, content: '' })),
    'bad-file',
    'added_tokens[4].content',
  ],
  ['20,000 nested sequences', () => nested(20_000), 'bad-file', 'pre_tokenizer'],
  ['200 MB', () => new Uint8Array(200 * 2 ** 20), 'bad-file', 'size'],
  ['no JSON', () => new TextEncoder().encode('<!doctype html>'), 'bad-file', 'content'],
  ['bad UTF-8', () => Uint8Array.of(0x7b, 0xff, 0x7d), 'bad-file', 'content'],
  ['a list', () => bytesOf([]), 'bad-file', 'content'],
  ['no model', () => bytesOf({}), 'bad-file', 'model'],
  [
    'a template naming no token',
    () =>
      changed(
        (j) =>
          (j['post_processor'] = { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<zz>' } }] }),
      ),
    'bad-file',
    'post_processor.single[0].SpecialToken.id',
  ],
]

describe('refused, naming the file, the field, what is there and what was expected', () => {
  for (const [name, bytes, code, field] of cases) {
    test(name, async () => {
      const error = await refusal(bytes())
      expect(error.code).toBe(code)
      expect(error.details['field']).toContain(field)
      expect(error.message).toMatch(/^tokenizer\.json: .+ is .+; expected .+\.$/s)
      expect(error.message.length).toBeLessThan(400)
      expect(error.hint).not.toBe('')
    })
  }

  test('the files beside it are named too', async () => {
    const tokenizerJson = changed(() => {})
    const tokenizerConfig = new TextEncoder().encode('{')
    const loading = loadTokenizer({ tokenizerJson, tokenizerConfig }, { vocabRows: ROWS })
    await expect(loading).rejects.toThrow(/^tokenizer_config\.json: content is/)
  })
})

describe('accepted', () => {
  test('ids beyond the rows of the embedding, with a warning', async () => {
    const pad = { id: ROWS, content: '[PAD]', special: true }
    const tokenizer = await load(changed((j) => j.added_tokens.push(pad)))
    expect(tokenizer.warnings).toEqual([expect.stringContaining(`1 ids beyond the ${ROWS} rows`) as string])
    expect(await tokenizer.encode('[PAD]', { parseSpecial: true })).toEqual([ROWS])
    expect(tokenizer.decode([ROWS], { special: true })).toBe('[PAD]')
    tokenizer.dispose()
  })

  test('an added token on the id of another entry moves behind the vocabulary, with a warning', async () => {
    const bytes = changed((j) => j.added_tokens.push({ id: 9, content: '<new>' }))
    const sound = await load(changed(() => {}))
    const tokenizer = await load(bytes)
    expect(sound.warnings).toEqual([])
    expect(tokenizer.warnings).toEqual([
      expect.stringContaining('added_tokens[4] "<new>" asks for id 9, which is') as string,
    ])
    expect(await tokenizer.encode('<new>')).toEqual([sound.size])
    expect(tokenizer.decode([sound.size])).toBe('<new>')
    sound.dispose()
    tokenizer.dispose()
  })

  test('entries spelled like properties of every object', async () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
    const text = new TextDecoder().decode(changed(() => {}))
    const entries = names.map((name, i) => `${JSON.stringify(name)}:${390 + i}`).join(',')
    const tokenizer = await load(new TextEncoder().encode(text.replace('"vocab":{', `"vocab":{${entries},`)))
    for (const [i, name] of names.entries()) {
      expect(tokenizer.decode([390 + i])).toBe(name)
      expect(tokenizer.decode(await tokenizer.encode(name))).toBe(name)
    }
    tokenizer.dispose()
  })
})

describe('an unchecked pattern', () => {
  let tokenizer: TextTokenizer
  beforeAll(async () => {
    // Harmless on every probe, exponential on a word the probes do not hold.
    tokenizer = await load(changed(splitOn('needle(?:[a-z]+)+;|[a-z]+|[^a-z]+')))
  })
  afterAll(() => tokenizer.dispose())

  test('works, and is stopped after a second when it hangs; the next text works again', async () => {
    expect(await tokenizer.encode('abc')).not.toHaveLength(0)
    await expect(tokenizer.encode(`needle${'a'.repeat(60)}`)).rejects.toMatchObject({ code: 'unsupported' })
    const ids = await Promise.all(['abc', 'a', 'bc'].map((text) => tokenizer.encode(text)))
    expect(tokenizer.decode(ids.flat())).not.toBe('')
  })
})
