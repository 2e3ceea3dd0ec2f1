import { expect, test } from 'vitest'
import { afterValue, fillKorean, finalSound } from '../../src/ui/words/particles.ts'
import { ko } from '../../src/ui/words/ko.ts'

test.each([
  ['{name}(으)로 씀', '기본', '기본으로 씀'],
  ['{name}(으)로 씀', '서울', '서울로 씀'],
  ['{name}(으)로 씀', 'The Bard', 'The Bard로 씀'],
  ['{name}(으)로 씀', 'The Bard ×1.00', 'The Bard ×1.00으로 씀'],
  ['{name}(으)로 씀', 'Model ×0.7', 'Model ×0.7로 씀'],
  ['{name}와(과) 함께', '실행 6', '실행 6과 함께'],
  ['{name}와(과) 함께', '실행 2, 4', '실행 2, 4와 함께'],
  ['“{name}”을(를) 고름', '·day', '“·day”를 고름'],
  ['“{name}”을(를) 고름', ' king', '“ king”을 고름'],
  ['“{name}”을(를) 고름', '.', '“.”를 고름'],
  ['“{name}”을(를) 고름', '을(를)', '“을(를)”을 고름'],
  ['{name}은(는) 안에', '0.9722', '0.9722는 안에'],
  ['{name}은(는) 안에', '0.971', '0.971은 안에'],
  ['{name}이(가) 보는 곳', '35%', '35%가 보는 곳'],
  ['{name}입니다, {name}(이)고', '꽃', '꽃입니다, 꽃이고'],
])('%s with %s', (message, name, expected) => {
  expect(fillKorean(message, { name })).toBe(expected)
})

test('a particle right behind a value fits it, and what has none stays', () => {
  expect([afterValue('32', '(으)로 나눕니다'), afterValue('6', '(으)로.'), afterValue('8', ' 개')]).toEqual([
    '로 나눕니다',
    '으로.',
    ' 개',
  ])
})

test('unreadable texts end open, and a value that is not there keeps its place', () => {
  expect(finalSound('⏎')).toBe('none')
  expect(fillKorean('{a}을(를)', {})).toBe('{a}을(를)')
})

test('no message keeps a pair that nothing resolves', () => {
  const raw = Object.entries(ko).filter(([, message]) =>
    /을\(를\)|은\(는\)|이\(가\)|와\(과\)|과\(와\)|\(으\)로|\(이\)/.test(
      fillKorean(message, new Proxy({}, { get: () => '값' })),
    ),
  )
  expect(raw).toEqual([])
})
