import { describe, expect, test } from 'vitest'
import { missingPython, python } from './python.ts'

const reason = missingPython([])

describe('story corpus', () => {
  test('grammar, checker and split', { skip: reason !== null, timeout: 60_000 }, () => {
    expect(python('unittest', '-q', 'tests.test_corpus')).toBe('')
  })
})
