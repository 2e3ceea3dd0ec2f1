import { expect, test } from 'vitest'
import { extendGroupStarts, groupStarts, splitPieces, visibleText } from '../../src/store/groups.ts'
import { promptTexts, textInContext } from '../../src/text/tokenTexts.ts'

const END = 0
const isEnd = (id: number) => id === END
const token = (text: string, id = 1) => ({ id, text })

test('byte tokens join the token that completes their character', () => {
  const tokens = [token('a'), token(''), token(''), token('한'), token(''), token('국'), token('b')]
  expect(groupStarts(tokens, isEnd)).toEqual([0, 1, 4, 6])
})

test('an end of text is a group of its own, after and before anything', () => {
  const tokens = [token('', END), token('a'), token(''), token('', END), token('', END)]
  expect(groupStarts(tokens, isEnd)).toEqual([0, 1, 2, 3, 4])
})

test('growing token by token gives the same groups and never moves an earlier start', () => {
  const tokens = [
    token(''),
    token('가'),
    token(' b'),
    token(''),
    token(''),
    token(''),
    token('😀'),
    token('', END),
  ]
  const starts: number[] = []
  const seen: number[][] = []
  tokens.forEach((_, index) => {
    extendGroupStarts(starts, tokens.slice(0, index + 1), index, isEnd)
    seen.push([...starts])
  })
  expect(starts).toEqual(groupStarts(tokens, isEnd))
  seen.forEach((earlier) => expect(starts.slice(0, earlier.length)).toEqual(earlier))
})

test('pieces join to the text they came from', () => {
  for (const text of [' a  b', '\n\n', 'x\r\ny\t', '\ufffd한\u00a0', '', 'plain']) {
    expect(
      splitPieces(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text)
  }
  expect(splitPieces(' a\n').map((piece) => piece.kind)).toEqual(['space', 'text', 'newline'])
  expect(splitPieces('\r\n')).toEqual([{ kind: 'newline', text: '\r\n' }])
})

test('one-line spelling shows blanks and hides replacement characters', () => {
  expect(visibleText(' a\n\ufffd')).toBe('·a↵◌')
})

/** A vocabulary of single bytes; decoding strips a leading space, as SentencePiece vocabularies do. */
const byteModel = {
  decode: (ids: readonly number[]) =>
    Promise.resolve(new TextDecoder().decode(Uint8Array.from(ids)).replace(/^ /, '')),
}

test('texts of prompt tokens join to the prompt, spaces and split characters included', async () => {
  const text = 'a fox 한국어 😀 end'
  const ids = [...new TextEncoder().encode(text)]
  const texts = await promptTexts(byteModel, ids)
  expect(texts.join('')).toBe(text)
  expect(texts.join('')).not.toContain('\ufffd')
  expect(texts[ids.indexOf(0xed)]).toBe('')
})

test('a single id keeps its leading space in context', async () => {
  expect(await textInContext(byteModel, [0x61, 0x62], 0x20)).toBe(' ')
})
