import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, FIXTURES, loadFolder, readJson } from './shared.ts'
import { loadTokenizer } from '../../src/text/tokenizer.ts'

interface Case {
  text: string
  parsed: number[]
  plain: number[]
  decoded: string
}

describe('tiny tokenizers give what Hugging Face gives', () => {
  for (const name of ['byte_level', 'sentencepiece', 'wordpiece']) {
    test(name, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      for (const { text, parsed, plain, decoded } of readJson<Case[]>(FIXTURES, name, 'cases.json')) {
        const shown = JSON.stringify(text)
        expect(await tokenizer.encode(text, { parseSpecial: true }), shown).toEqual(parsed)
        expect(await tokenizer.encode(text, { addSpecialTokens: false }), shown).toEqual(plain)
        expect(tokenizer.decode(plain, { special: true }), shown).toBe(decoded)
      }
      tokenizer.dispose()
    })
  }
})

describe('what a person types', () => {
  const cases = readJson<Case[]>(FIXTURES, 'byte_level', 'cases.json').map(({ text }) => text)

  for (const name of ['byte_level', 'sentencepiece']) {
    test(`${name}: every text comes back exactly`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      for (const text of cases) expect(tokenizer.decode(await tokenizer.encode(text))).toBe(text)
      tokenizer.dispose()
    })
  }

  test('the spelling of a special token is plain text unless asked for', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'byte_level'))
    const text = '<|im_start|>system'
    const plain = await tokenizer.encode(text)
    expect(plain.some((id) => tokenizer.isSpecial(id))).toBe(false)
    expect(tokenizer.decode(plain)).toBe(text)
    const [first, ...rest] = await tokenizer.encode(text, { parseSpecial: true })
    expect(first).toBe(tokenizer.bosId)
    expect(tokenizer.decode([first ?? -1, ...rest])).toBe('system')
    expect(tokenizer.decode([first ?? -1, ...rest], { special: true })).toBe(text)
    tokenizer.dispose()
  })

  test('lone surrogates become U+FFFD, pairs stay', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'byte_level'))
    expect(tokenizer.decode(await tokenizer.encode('a\ud83db\udc00 😀'))).toBe('a�b� 😀')
    tokenizer.dispose()
  })

  test('nothing at all is BOS, or no id', async () => {
    const spm = await loadFolder(join(FIXTURES, 'sentencepiece'))
    const bpe = await loadFolder(join(FIXTURES, 'byte_level'))
    expect(await spm.encode('')).toEqual([spm.bosId])
    expect(await bpe.encode('')).toEqual([])
    expect([spm.decode([]), bpe.decode([])]).toEqual(['', ''])
    spm.dispose()
    bpe.dispose()
  })

  test('100,000 tokens are counted exactly', async () => {
    for (const name of ['byte_level', 'sentencepiece']) {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      const line = 'Once upon a time there was a little fox.\n'
      const one = await tokenizer.encode(line + line)
      const perLine = (await tokenizer.encode(line.repeat(3))).length - one.length
      const lines = Math.ceil(100_000 / perLine)
      const ids = await tokenizer.encode(line.repeat(lines))
      expect(ids).toHaveLength(one.length + (lines - 2) * perLine)
      expect(tokenizer.decode(ids)).toBe(line.repeat(lines))
      tokenizer.dispose()
    }
  })

  test('ids outside the vocabulary have no text', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'byte_level'))
    expect(tokenizer.decode([99_999, -1])).toBe('')
    expect(tokenizer.tokenBytes(99_999)).toHaveLength(0)
    tokenizer.dispose()
  })
})

describe('ids of the ends', () => {
  test('generation_config adds to tokenizer_config', async () => {
    const tokenizerJson = bytesOf(readJson(FIXTURES, 'byte_level', 'tokenizer.json'))
    const tokenizer = await loadTokenizer(
      {
        tokenizerJson,
        tokenizerConfig: bytesOf({ bos_token: { content: '<|im_start|>' }, eos_token: '<|im_end|>' }),
        generationConfig: bytesOf({ eos_token_id: [2, 0], bos_token_id: 0 }),
      },
      { vocabRows: 400 },
    )
    expect([tokenizer.bosId, tokenizer.eosIds, tokenizer.hasChatTemplate]).toEqual([1, [0, 2], false])
    tokenizer.dispose()
  })
})
