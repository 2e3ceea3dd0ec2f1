import { describe, expect, test } from 'vitest'
import { holderOf, holdersOf, sharedWith, writtenSpans } from '../../src/analysis/cacheUse.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { CachedSequence } from '../../src/api/model.ts'

function sequence(tokens: number[], pages: number[]): CachedSequence {
  return { key: '', tokens, pages: pages.map((page) => ({ page, refCount: 1 })), busy: false }
}

describe('sequences of the cache', () => {
  const sequences = [
    sequence([1, 2, 3], [0, 1]),
    sequence([1, 2], [0, 2]),
    sequence([9], [4]),
    sequence([1, 2, 3, 4, 5], [0, 1, 5]),
  ]

  test('the one that holds most of a text, from its beginning on', () => {
    expect(holderOf(sequences, [1, 2, 3, 7])).toEqual({ index: 0, held: 3 })
    expect(holderOf(sequences, [1, 2, 3, 4, 5])).toEqual({ index: 3, held: 5 })
    expect(holderOf(sequences, [2])).toBeNull()
    expect(holderOf([...sequences, sequence([1, 2, 3], [7, 8])], [1, 2, 3])).toEqual({ index: 4, held: 3 })
  })

  test('who shares how many pages with whom', () => {
    expect(sharedWith(sequences, 0)).toEqual([
      { index: 1, pages: 1 },
      { index: 3, pages: 2 },
    ])
    expect(sharedWith(sequences, 2)).toEqual([])
    expect(holdersOf(sequences).get(0)).toEqual([0, 1, 3])
  })
})

describe('who wrote a position', () => {
  const spans = (...args: Parameters<typeof writtenSpans>) =>
    writtenSpans(...args).map(({ from, to, writer }) => `${writer} ${from}-${to}`)

  test('an earlier run, the prefill, the steps of decoding; the newest token is not read yet', () => {
    expect(spans({ length: 20, held: 19, prompt: 12 }, { reused: 5 })).toEqual([
      'reused 0-5',
      'prefill 5-12',
      'decode 12-19',
      'unwritten 19-20',
    ])
    expect(spans({ length: 13, held: 12, prompt: 12 }, { reused: 0 })).toEqual([
      'prefill 0-12',
      'unwritten 12-13',
    ])
  })

  test('nothing is claimed of a text that came with the page, or whose pages are gone', () => {
    expect(spans({ length: 8, held: 8, prompt: 4 }, null)).toEqual(['unknown 0-8'])
    expect(spans({ length: 8, held: 0, prompt: 4 }, { reused: 0 })).toEqual(['unwritten 0-8'])
  })

  test('the chunks of the prefill are kept as they were reported', () => {
    const log = new TokenLog((run) => run())
    log.begin({ modelId: 'm', promptIds: [], settings: DEFAULT_SETTINGS, bosId: null, endIds: [], at: 0 })
    for (const done of [4, 12, 12, 44, 50]) log.prefill(done, 50)
    expect(log.timing).toMatchObject({ reused: 4, prefillRows: 46, chunks: [8, 32, 6] })
  })
})
