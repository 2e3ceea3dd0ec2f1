import { expect, test } from 'vitest'
import { extendGroupStarts, groupStarts, splitPieces, visibleText } from '../../src/state/characterGroups.ts'
import { textInContext } from '../../src/text/tokenTexts.ts'

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

/** A vocabulary of single bytes that strips a leading space, as SentencePiece vocabularies do. */
const byteModel = {
  tokenTexts: (ids: readonly number[]) => {
    const decoder = new TextDecoder()
    const texts = ids.map((id, i) => decoder.decode(Uint8Array.of(id), { stream: i + 1 < ids.length }))
    return Promise.resolve(texts.map((text, i) => (i === 0 ? text.replace(/^ /, '') : text)))
  },
}

test.each([
  ['keeps its leading space', [0x61, 0x62], 0x20, ' '],
  ['loses it at the start', [], 0x20, ''],
  ['that begins a character adds nothing yet', [0x61], 0xed, ''],
  ['that ends a character brings it', [0x61, 0x62, 0xed, 0x95], 0x9c, '한'],
])('an id in context %s', async (_, before, id, text) => {
  expect(await textInContext(byteModel, before, id)).toBe(text)
})
