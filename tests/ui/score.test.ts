import { describe, expect, test } from 'vitest'
import {
  countedTokens,
  markerRoles,
  markSpan,
  moveSpans,
  spanRoles,
  totalsOf,
  writtenTexts,
  type TextSpan,
} from '../../src/analysis/scoreSpans.ts'
import type { ScoredToken } from '../../src/api/model.ts'

const span = (from: number, to: number, role: TextSpan['role']): TextSpan => ({ from, to, role })

describe('spans of a text', () => {
  test('a new one takes what it covers from the others; clearing takes it from all', () => {
    const spans = markSpan(markSpan([], 0, 10, 'instruction'), 4, 6, 'label')
    expect(spans).toEqual([span(0, 4, 'instruction'), span(4, 6, 'label'), span(6, 10, 'instruction')])
    expect(markSpan(spans, 2, 8, null)).toEqual([span(0, 2, 'instruction'), span(8, 10, 'instruction')])
    expect(markSpan(spans, 0, 10, 'input')).toEqual([span(0, 10, 'input')])
  })

  test.each([
    ['typed before', 'xxHello world', span(8, 13, 'label')],
    ['typed behind', 'Hello world!!', span(6, 11, 'label')],
    ['typed inside', 'Hello woxxrld', span(6, 13, 'label')],
    ['cut before', 'lo world', span(3, 8, 'label')],
    ['cut within', 'Hello wd', span(6, 8, 'label')],
  ])('an edit moves them: %s', (_, after, expected) => {
    expect(moveSpans([span(6, 11, 'label')], 'Hello world', after)).toEqual([expected])
  })

  test('an edit that removes a whole span removes its role', () => {
    expect(moveSpans([span(6, 11, 'label')], 'Hello world', 'Hello')).toEqual([])
    expect(moveSpans([span(6, 11, 'label')], 'Hello world', '')).toEqual([])
  })

  test('a token has the role of its last character; parts of a character go with its end', () => {
    const texts = ['', 'Say', ' it', ':', '', '', '안', ' now']
    // `:안` is marked: the colon, and the three tokens of the syllable.
    expect(spanRoles(texts, [span(6, 8, 'label')])).toEqual([
      null,
      null,
      null,
      'label',
      'label',
      'label',
      'label',
      null,
    ])
    // A blank in front does not keep a word out of a span that begins at the word.
    expect(spanRoles(texts, [span(4, 6, 'input')])[2]).toBe('input')
  })
})

test('special tokens that are written out take their room in the source; one that was added takes none', () => {
  const [bos, label, end] = [0, 7, 9]
  const ids = [bos, label, 20, 21, end]
  const texts = ['', '', ' a <b>', ' c', '']
  const special = [bos, label, end]
  expect(writtenTexts('<|label|> a <b> c<|end|>', ids, texts, special)).toEqual([
    '',
    '<|label|>',
    ' a <b>',
    ' c',
    '<|end|>',
  ])
  expect(writtenTexts('<s><|label|> a', [bos, label, 20], ['', '', ' a'], special)).toEqual([
    '<s>',
    '<|label|>',
    ' a',
  ])
  expect(
    spanRoles(writtenTexts('<|label|> a', [bos, label, 20], ['', '', ' a'], special), [span(0, 9, 'input')]),
  ).toEqual([null, 'input', null])
})

test('markers give roles to what follows and have none themselves; longer ones are found as sequences', () => {
  const markers = [
    { text: 'i', ids: [5], role: 'instruction' as const },
    { text: 'l', ids: [7, 8], role: 'label' as const },
  ]
  const roles = markerRoles([0, 5, 20, 7, 21, 7, 8, 22, 23], markers)
  const i = 'instruction'
  expect(roles).toEqual([null, 'marker', i, i, i, 'marker', 'marker', 'label', 'label'])
  expect(countedTokens(roles)).toEqual([false, false, false, false, false, false, false, true, true])
})

test('what counts: labels alone where there are any, else what is neither instruction nor input; never the first', () => {
  expect(countedTokens([null, null, null])).toEqual([false, true, true])
  expect(countedTokens([null, 'instruction', 'input', null])).toEqual([false, false, false, true])
  expect(countedTokens(['label', null, 'label'])).toEqual([false, false, true])
})

test('totals: mean loss, perplexity and bits per byte are of the counted tokens alone', () => {
  const probabilities = [0.5, 0.25, 0.125, 1]
  const tokens = probabilities.map((p, i): ScoredToken => ({
    position: i + 1,
    id: i,
    logprob: Math.log(p),
    rank: 0,
    entropy: 0,
    top: [],
  }))
  const texts = ['', 'a', '한', 'bc', '']
  const all = totalsOf(tokens, texts, [false, true, true, true, true])
  expect(all).toMatchObject({ counted: 4, masked: 0, bytes: 6 })
  expect(all.meanNats).toBeCloseTo((6 * Math.LN2) / 4, 12)
  expect(all.perplexity).toBeCloseTo(2 ** 1.5, 12)
  expect(all.bitsPerByte).toBeCloseTo(1, 12)
  const some = totalsOf(tokens, texts, [false, false, true, false, false])
  expect(some).toMatchObject({ counted: 1, masked: 3, bytes: 3 })
  expect(some.meanNats).toBeCloseTo(2 * Math.LN2, 12)
  expect(some.bitsPerByte).toBeCloseTo(2 / 3, 12)
  expect(totalsOf(tokens, texts, []).meanNats).toBeNaN()
})
