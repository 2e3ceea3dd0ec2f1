import { beforeAll, afterAll, describe, expect, test, vi } from 'vitest'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { PAGE } from '../../src/program/batchLayout.ts'
import { FREED_PAGE, SequenceStore, widestWindow, type Sequence } from '../../src/run/cache.ts'
import { KV_F32 } from '../../src/ops/kvFormats.ts'
import { cacheBytesPerPosition, PagePool, type CacheLayer } from '../../src/run/pagePool.ts'

const LAYER: CacheLayer = { kvHeads: 2, headDim: 4, window: null }
const PAGES = 40

/** A device that makes buffers without memory and takes commands without running them. */
function fakeDevice(): GPUDevice {
  const device = {
    limits: { maxBufferSize: 1 << 30, maxStorageBufferBindingSize: 1 << 27 },
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
    createCommandEncoder: () => ({ copyBufferToBuffer: () => undefined, finish: () => ({}) }),
    queue: { submit: () => undefined },
  }
  return device as unknown as GPUDevice
}

function openStore(window: number | null): { pool: PagePool; store: SequenceStore } {
  const device = fakeDevice()
  const pool = new PagePool(new BufferLedger(device), [LAYER], { pages: PAGES, most: PAGES, format: KV_F32 })
  return { pool, store: new SequenceStore(device, pool, window) }
}

const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Feeds tokens up to `length`, so many a forward, as a generation does. */
function feed(store: SequenceStore, sequence: Sequence, length: number, rows = 1): void {
  while (sequence.tokens.length < length) {
    const from = sequence.tokens.length
    const to = Math.min(length, from + rows)
    store.reserve(sequence, to)
    sequence.tokens.push(...ids(to).slice(from))
  }
  store.reserve(sequence, length)
}

/** First page that a row behind so many positions can still see, a page of them undone. */
const firstKept = (length: number, window: number): number =>
  Math.max(0, Math.floor((length - PAGE - window + 1) / PAGE))

beforeAll(() => {
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 128, COPY_SRC: 4, COPY_DST: 8 })
})
afterAll(() => {
  vi.unstubAllGlobals()
})

test('what layers keep of a position, and the widest window of all', () => {
  const sliding = { ...LAYER, kvHeads: 1, window: 40 }
  expect(cacheBytesPerPosition([LAYER, sliding], KV_F32)).toBe(2 * 4 * (2 * 4 + 4))
  expect(widestWindow([LAYER, sliding])).toBeNull()
  expect(widestWindow([sliding, { ...sliding, window: 64 }])).toBe(64)
  expect(widestWindow([])).toBe(0)
})

describe('pages that every window has passed', () => {
  test.each([
    { window: 1, rows: 1 },
    { window: 40, rows: 1 },
    { window: 40, rows: 128 },
    { window: 64, rows: 7 },
    { window: 1000, rows: 1 },
  ])('are given back: window $window, $rows rows a forward', ({ window, rows }) => {
    const { pool, store } = openStore(window)
    const sequence = store.fork(null, 0, '')
    for (let length = 1; length <= 300; length += 13) {
      feed(store, sequence, length, rows)
      const kept = firstKept(length, window)
      expect(sequence.pages.length).toBe(Math.ceil(length / PAGE))
      sequence.pages.forEach((page, i) => expect(page === FREED_PAGE, `${length}: page ${i}`).toBe(i < kept))
      expect(PAGES - pool.freePages).toBe(sequence.pages.length - kept)
    }
    store.drop(sequence)
    expect(pool.freePages).toBe(PAGES)
  })

  test('stay where some layer sees all', () => {
    const { pool, store } = openStore(null)
    const sequence = store.fork(null, 0, '')
    feed(store, sequence, 300)
    expect(sequence.pages).not.toContain(FREED_PAGE)
    expect(PAGES - pool.freePages).toBe(10)
  })

  test('a text longer than the pool fits through a window', () => {
    const { pool, store } = openStore(40)
    const sequence = store.fork(null, 0, '')
    feed(store, sequence, 3 * PAGES * PAGE)
    expect(PAGES - pool.freePages).toBeLessThanOrEqual(4)
  })
})

describe('prefixes under a window of 40', () => {
  const WINDOW = 40
  const LENGTH = 200

  function passed(): { pool: PagePool; store: SequenceStore; sequence: Sequence } {
    const { pool, store } = openStore(WINDOW)
    const sequence = store.fork(null, 0, '')
    feed(store, sequence, LENGTH)
    store.park(sequence)
    return { pool, store, sequence }
  }

  /** Prefixes from here on see nothing of the pages given back. */
  const SHARED_FROM = firstKept(LENGTH, WINDOW) * PAGE + WINDOW - 1

  test.each([
    { length: 20, shared: 0 },
    { length: SHARED_FROM - 1, shared: 0 },
    { length: SHARED_FROM, shared: SHARED_FROM },
    { length: LENGTH, shared: LENGTH },
  ])('of $length tokens: $shared are shared', ({ length, shared }) => {
    const { store } = passed()
    const result = store.longestPrefix([...ids(length), 9999], { key: '' })
    expect(result?.length ?? 0).toBe(shared)
  })

  test('another key shares nothing; below the first edit the unedited is shared', () => {
    const { store } = passed()
    expect(store.longestPrefix(ids(LENGTH), { key: 'other' })).toBeNull()
    const unedited = { key: '', below: SHARED_FROM + 3 }
    expect(store.longestPrefix(ids(LENGTH), { key: 'edited', unedited })?.length).toBe(SHARED_FROM + 3)
    expect(store.longestPrefix(ids(LENGTH), { key: 'edited', unedited: { key: '', below: 9 } })).toBeNull()
  })

  test('a branch holds the pages that are left, copies the one it goes on in, and gives back only its own', () => {
    const { pool, store, sequence } = passed()
    const before = pool.freePages
    const branch = store.fork(sequence, LENGTH - 5, '')
    expect(branch.tokens).toEqual(ids(LENGTH - 5))
    const full = Math.floor((LENGTH - 5) / PAGE)
    expect(branch.pages).toEqual(sequence.pages.slice(0, full + 1))
    expect(pool.freePages).toBe(before)
    store.reserve(branch, LENGTH - 4)
    expect(branch.pages.slice(0, full)).toEqual(sequence.pages.slice(0, full))
    expect(branch.pages[full]).not.toBe(sequence.pages[full])
    expect(pool.freePages).toBe(before - 1)
    for (const page of branch.pages.slice(0, full))
      expect(pool.refCount(page)).toBe(page === FREED_PAGE ? 0 : 2)
    store.drop(branch)
    expect(pool.freePages).toBe(before)
  })

  test('what is undone stays readable up to a page; behind the windows the text is read again', () => {
    const { pool, store, sequence } = passed()
    store.truncate(sequence, LENGTH - PAGE)
    expect(sequence.tokens).toEqual(ids(LENGTH - PAGE))
    expect(sequence.pages.length).toBe(Math.ceil((LENGTH - PAGE) / PAGE))
    store.truncate(sequence, SHARED_FROM - 1)
    expect([sequence.tokens, sequence.pages]).toEqual([[], []])
    expect(pool.freePages).toBe(PAGES)
    feed(store, sequence, 50)
    expect(sequence.tokens).toEqual(ids(50))
  })
})

describe('room', () => {
  test('the text unused for longest is given up, never a running one', () => {
    const { pool, store } = openStore(null)
    const [first, second, running] = [0, 1, 2].map(() => store.fork(null, 0, '')) as [
      Sequence,
      Sequence,
      Sequence,
    ]
    for (const sequence of [first, second, running]) feed(store, sequence, 10 * PAGE, 64)
    store.park(second)
    store.park(first)
    feed(store, running, 25 * PAGE, 64)
    expect(store.all()).toEqual([first, running])
    feed(store, running, PAGES * PAGE, 64)
    expect(store.all()).toEqual([running])
    expect(pool.freePages).toBe(0)
    expect(() => store.reserve(running, PAGES * PAGE + 1)).toThrow(/no room/)
  })
})
