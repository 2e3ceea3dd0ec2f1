import { describe, expect, test } from 'vitest'
import { sseData } from '../../src/remote/sse.ts'
import { shareText } from '../../src/remote/textSplit.ts'
import { failure } from './collect.ts'
import { ANSWER } from './fakeEngine.ts'

describe('parts of a stream', () => {
  async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
  }

  test.each([1, 2, 3, 7, 1000])('events in chunks of %i bytes', async (size) => {
    const events = ['{"a":"thé"}', '{"b":"😀"}', '[DONE]']
    const bytes = new TextEncoder().encode(events.map((event) => `: x\r\ndata: ${event}\r\n\r\n`).join(''))
    const got = []
    for await (const data of sseData(chunks(bytes, size), 'http://x', () => undefined)) got.push(data)
    expect(got).toEqual(events)
  })

  test('an event without end is not kept', async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('data: ')
      const block = new Uint8Array(1024 * 1024).fill(97)
      for (;;) yield block
    }
    const read = async (): Promise<void> => {
      for await (const data of sseData(endless(), 'http://x', () => undefined)) expect(data).toBe('')
    }
    expect((await failure(read())).code).toBe('network')
  })

  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
  test.each([
    [
      'é!',
      [
        { bytes: bytes(0xc3), text: '' },
        { bytes: bytes(0xa9), text: '' },
        { bytes: null, text: '!' },
      ],
      ['', 'é', '!'],
    ],
    [
      'abc',
      [
        { bytes: null, text: 'a' },
        { bytes: null, text: 'x' },
      ],
      ['abc', ''],
    ],
    ['abc', [{ bytes: null, text: '?' }], ['abc']],
  ])('%s among its tokens', (piece, tokens, expected) => {
    expect(shareText(piece, tokens)).toEqual(expected)
  })

  test('the answer of the miniatures has a character beyond ASCII', () => {
    expect(new TextEncoder().encode(ANSWER).length).toBeGreaterThan(ANSWER.length)
  })
})
