import { expect, test } from 'vitest'
import { Pieces } from '../../src/train/pieces.ts'

test('a quick pass is one submit, a slow one as many as leave the page its frames, the first one the most', () => {
  const pieces = new Pieces()
  const first = pieces.count
  const after = (ms: number): number => {
    pieces.took(ms)
    return pieces.count
  }
  expect(after(4)).toBe(1)
  expect(after(320)).toBe(10)
  expect(after(1e6)).toBe(first)
  expect(after(0)).toBe(1)
})
