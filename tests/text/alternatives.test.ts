import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FIXTURES, loadFolder, readJson } from './shared.ts'

const TEXTS = readJson<{ text: string }[]>(FIXTURES, 'byte_level', 'cases.json').map(({ text }) => text)
const NAMED = /<0x[0-9A-F]{2}>$/

test.each(['byte_level', 'sentencepiece', 'wordpiece'])(
  '%s: an alternative reads as the stream would show it',
  async (name) => {
    const tokenizer = await loadFolder(join(FIXTURES, name))
    let compared = 0
    for (const text of [...TEXTS, '강강 sat the cat']) {
      const ids = await tokenizer.encode(text, { addSpecialTokens: false })
      const shown = tokenizer.tokenTexts(ids)
      for (const [at, id] of ids.entries()) {
        const spelling = tokenizer.speller(ids.slice(0, at))(id)
        // A part of a character shows nothing in the stream, and neither does a special token.
        if (shown[at] === '' || shown[at]!.includes('\ufffd')) continue
        // What of it belongs to the next character is named behind it.
        expect([text, at, spelling.replace(/(<0x..>)+$/, '')]).toEqual([text, at, shown[at]])
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(40)
    tokenizer.dispose()
  },
)

test('byte_level: bytes that leave a character open are named, what completes one is the character', async () => {
  const tokenizer = await loadFolder(join(FIXTURES, 'byte_level'))
  const idOf = new Map(
    Array.from({ length: tokenizer.size }, (_, id) => [tokenizer.tokenBytes(id).join(), id]),
  )
  const [lead, middle, last] = [0xea, 0xb0, 0x95].map((byte) => idOf.get(`${byte}`)!)
  const space = idOf.get('32')!
  expect(tokenizer.speller([space])(lead!)).toBe('<0xEA>')
  expect(tokenizer.speller([lead!])(middle!)).toBe('<0xB0>')
  expect(tokenizer.speller([space, lead!, middle!])(last!)).toBe('강')
  // Alone it belongs to no character; behind a character that was broken off, that is marked.
  expect(tokenizer.speller([space])(last!)).toBe('<0x95>')
  expect(tokenizer.speller([lead!])(space)).toBe('\ufffd ')
  expect(tokenizer.speller([space])(lead!)).toMatch(NAMED)
  tokenizer.dispose()
})

test('sentencepiece: a word keeps its leading space, so that two ids never read alike', async () => {
  const tokenizer = await loadFolder(join(FIXTURES, 'sentencepiece'))
  const spell = tokenizer.speller(await tokenizer.encode('The cat'))
  const bySpelling = new Map<string, number[]>()
  for (let id = 0; id < tokenizer.size; id++) {
    const text = spell(id)
    if (/^[ a-z]+$/.test(text)) bySpelling.set(text, [...(bySpelling.get(text) ?? []), id])
  }
  expect([...bySpelling.keys()].some((text) => text.startsWith(' '))).toBe(true)
  const alike = [...bySpelling].filter(([text, ids]) => text.length > 1 && ids.length > 1)
  expect(alike).toEqual([])
  tokenizer.dispose()
})
