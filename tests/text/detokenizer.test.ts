import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createStopMatcher } from '../../src/text/stopMatcher.ts'
import type { TextTokenizer } from '../../src/text/tokenizer.ts'
import { FIXTURES, loadFolder, readJson } from './shared.ts'

const TEXTS = readJson<{ text: string }[]>(FIXTURES, 'byte_level', 'cases.json').map(({ text }) => text)
const TOKENIZERS = ['byte_level', 'sentencepiece', 'wordpiece'] as const

function stream(tokenizer: TextTokenizer, ids: readonly number[], after: readonly number[] = []): string[] {
  const detokenizer = tokenizer.detokenizer({ after })
  return [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()]
}

/** A repeatable sequence of numbers below `limit`. */
function* numbers(seed: number, limit: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield Math.floor((state / 2 ** 32) * limit)
  }
}

describe('streaming', () => {
  for (const name of TOKENIZERS) {
    test(`${name}: pieces join to the whole, in whole code points`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      for (const text of TEXTS) {
        const ids = await tokenizer.encode(text)
        const pieces = stream(tokenizer, ids)
        expect(pieces.join('')).toBe(tokenizer.decode(ids))
        for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u)
        if (!text.includes('�')) expect(pieces.join('')).not.toContain('�')
      }
      tokenizer.dispose()
    })

    test(`${name}: any ids at all stream to the text of the whole`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      const draw = numbers(7, tokenizer.size)
      for (let round = 0; round < 200; round++) {
        const ids = Array.from({ length: 24 }, () => draw.next().value as number)
        expect(stream(tokenizer, ids).join('')).toBe(tokenizer.decode(ids))
      }
      tokenizer.dispose()
    })

    test(`${name}: the texts of ids join to the text of the whole, one for each`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      for (const text of ['', 'half of 한', ...TEXTS]) {
        const ids = await tokenizer.encode(text)
        for (const some of [ids, ids.slice(0, -1)]) {
          const texts = tokenizer.tokenTexts(some)
          expect(texts).toHaveLength(some.length)
          expect(texts.join('')).toBe(tokenizer.decode(some))
        }
      }
      tokenizer.dispose()
    })

    test(`${name}: cut anywhere, prompt and continuation make the whole`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      const ids = await tokenizer.encode(TEXTS[0] ?? '', { addSpecialTokens: false })
      for (let cut = 1; cut < ids.length; cut++) {
        const prompt = tokenizer.decode(ids.slice(0, cut))
        const rest = stream(tokenizer, ids.slice(cut), ids.slice(0, cut)).join('')
        expect(prompt + rest).toBe(tokenizer.decode(ids))
      }
      tokenizer.dispose()
    })
  }

  for (const name of ['byte_level', 'sentencepiece']) {
    test(`${name}: a family emoji appears code point by code point`, async () => {
      const tokenizer = await loadFolder(join(FIXTURES, name))
      const family = '👨‍👩‍👧‍👦'
      const ids = await tokenizer.encode(`x${family}`)
      const pieces = stream(tokenizer, ids)
      const full = [...`x${family}`]
      let seen = ''
      for (const piece of pieces) {
        seen += piece
        expect(full.slice(0, [...seen].length).join('')).toBe(seen)
      }
      expect(seen).toBe(`x${family}`)
      tokenizer.dispose()
    })
  }

  test('half a character at the end shows as U+FFFD only on flush', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'sentencepiece'))
    const [first, second] = (await tokenizer.encode('가', { addSpecialTokens: false })).slice(-3)
    const pieces = stream(tokenizer, [first ?? -1, second ?? -1], [1])
    expect(pieces).toEqual(['', '', '�'])
    tokenizer.dispose()
  })

  test('after BOS alone the first word keeps its space', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'sentencepiece'))
    const ids = await tokenizer.encode('Once', { addSpecialTokens: false })
    expect(stream(tokenizer, ids, [1]).join('')).toBe(' Once')
    expect(stream(tokenizer, ids).join('')).toBe('Once')
    tokenizer.dispose()
  })
})

describe('stop strings', () => {
  const run = (pieces: readonly string[], stops: readonly string[]): { out: string; stopped: boolean } => {
    const matcher = createStopMatcher(stops)
    let out = ''
    for (const piece of pieces) {
      const { text, stopped } = matcher.push(piece)
      out += text
      if (stopped) return { out, stopped }
    }
    return { out: out + matcher.flush(), stopped: false }
  }

  const cases: [text: string, stops: string[], out: string, stopped: boolean][] = [
    ['one END two', ['END'], 'one ', true],
    ['one EN two', ['END'], 'one EN two', false],
    ['aab', ['ab'], 'a', true],
    ['abcX', ['abcX', 'bc'], 'a', true],
    ['xabc', ['bc', 'abc'], 'x', true],
    ['ends in EN', ['END'], 'ends in EN', false],
    ['끝😀!', ['😀'], '끝', true],
    ['no stops', [], 'no stops', false],
  ]
  for (const [text, stops, out, stopped] of cases) {
    test(`${JSON.stringify(text)} with ${JSON.stringify(stops)}, in pieces of any size`, () => {
      const points = [...text]
      for (let size = 1; size <= points.length; size++) {
        const pieces: string[] = []
        for (let i = 0; i < points.length; i += size) pieces.push(points.slice(i, i + size).join(''))
        expect(run(pieces, stops), `size ${size}`).toEqual({ out, stopped })
      }
    })
  }

  test('holds back no more than it must', () => {
    const matcher = createStopMatcher(['END'])
    expect(matcher.push('the E')).toEqual({ text: 'the ', stopped: false })
    expect(matcher.push('gg')).toEqual({ text: 'Egg', stopped: false })
  })

  test('an empty stop string is refused', () => {
    expect(() => createStopMatcher(['a', ''])).toThrow(/empty/)
  })
})
