import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FileSource } from '../../src/formats/tensors.ts'
import { hubSource } from '../../src/sources/hub.ts'
import { keepModel } from '../../src/sources/kept/keep.ts'
import { findKept, listStored, removeStored, verifyStored } from '../../src/sources/kept/storage.ts'
import { ALL } from '../all.ts'
import { publish } from '../figures.ts'
import { fakeDisk, type FakeDisk } from './fakeDisk.ts'
import { FakeHub, type Asked, type Fault } from './fakeHub.ts'
import { sha256Of } from './syntheticModel.ts'

const MIB = 1024 * 1024
/** Of the chunks of these tests: several to a file. */
const CHUNK = 256 * 1024

let hub: FakeHub
let disk: FakeDisk

beforeAll(async () => {
  hub = await FakeHub.start()
})
afterAll(() => hub.close())
beforeEach(() => {
  disk = fakeDisk()
})
afterEach(() => {
  hub.reset()
  disk.remove()
})

/** A word of 32 bits by place, so that no two stretches are alike. */
function read(begin: number, end: number): Uint8Array {
  const first = Math.floor(begin / 4)
  const words = new Uint32Array(Math.ceil(end / 4) - first)
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(first + i + 1, 2654435761)
  return new Uint8Array(words.buffer).subarray(begin - first * 4, end - first * 4)
}

/** `name.bin` of so many bytes beside a small file. */
function publishRepo(id: string, size: number): string {
  const sha256 = sha256Of(size, read)
  hub.repo(id, { 'config.json': '{"a":1}', 'model.safetensors': { size, sha256, read } })
  return sha256
}

const open = (id: string): ReturnType<typeof hubSource> =>
  hubSource({ id, revision: 'main', file: undefined }, { endpoint: hub.url }, { retryMs: 1, silenceMs: 400 })

interface KeepOptions {
  signal?: AbortSignal
  onBytes?: (done: number, total: number) => void
  chunkBytes?: number
}

const keep = (id: string, options: KeepOptions = {}): Promise<FileSource | null> =>
  keepModel(
    { hub: open(id), file: null, files: ['config.json', 'model.safetensors'], chunkBytes: CHUNK, ...options },
    disk.root,
  )

const find = (id: string): Promise<FileSource | null> =>
  findKept({ id, revision: 'main', file: undefined }, { endpoint: hub.url }, disk.root)

async function hashOf(source: FileSource | null): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source!.stream(
    'model.safetensors',
    0,
    null,
  ) as unknown as AsyncIterable<Uint8Array>)
    hash.update(chunk)
  return hash.digest('hex')
}

/** Where the weights lie on the disk. */
const pathOf = (id: string): string =>
  join(disk.path, encodeURIComponent(`${hub.url}/${id}`), encodeURIComponent('model.safetensors'))

const isWeights = ({ cdn, path }: Asked): boolean => cdn && path.includes('model.safetensors')

describe('a kept model', () => {
  test('is the one of the hub, in several requests at once, and is opened without one', async () => {
    const sha256 = publishRepo('a/one', 3 * MIB + 17)
    const seen: number[] = []
    expect(await hashOf(await keep('a/one', { onBytes: (done) => seen.push(done) }))).toBe(sha256)
    expect(seen.at(-1)).toBe(3 * MIB + 17 + 7)
    expect(hub.asked.filter(isWeights).length).toBeGreaterThan(10)
    hub.asked.length = 0
    hub.fault = () => ({ status: 500 })
    const kept = await find('a/one')
    expect(await hashOf(kept)).toBe(sha256)
    expect(new TextDecoder().decode(await kept!.read('config.json', { maxBytes: 99 }))).toBe('{"a":1}')
    expect(hub.asked).toEqual([])
  })

  test('is listed, verified and removed; others stay', async () => {
    publishRepo('a/one', MIB)
    publishRepo('a/two', MIB)
    await keep('a/one')
    await keep('a/two')
    const stored = await listStored(disk.root)
    expect(stored.map(({ source, bytes, bytesDone }) => [source, bytes - bytesDone])).toEqual([
      ['a/two', 0],
      ['a/one', 0],
    ])
    expect(await verifyStored(stored[1]!.key, {}, disk.root)).toBe(0)
    await removeStored(stored[1]!.key, disk.root)
    expect(await find('a/one')).toBeNull()
    expect(await find('a/two')).not.toBeNull()
  })

  test.each(['verify', 'reading'])(
    'a flipped byte is found by %s and its block alone fetched again',
    async (how) => {
      const sha256 = publishRepo('a/one', 4 * MIB)
      await keep('a/one')
      flip(pathOf('a/one'), 2 * MIB + 5)
      hub.asked.length = 0
      const [stored] = await listStored(disk.root)
      if (how === 'verify') expect(await verifyStored(stored!.key, {}, disk.root)).toBe(1)
      expect(await hashOf(await find('a/one'))).toBe(sha256)
      expect(hub.asked.filter(isWeights).map(({ range }) => range)).toEqual([[2 * MIB, 3 * MIB]])
      expect(await verifyStored(stored!.key, { repair: false }, disk.root)).toBe(0)
    },
  )

  test('a flipped byte without the hub is a storage error, not other weights', async () => {
    publishRepo('a/one', 2 * MIB)
    await keep('a/one')
    flip(pathOf('a/one'), 10)
    hub.fault = () => ({ status: 404, code: 'RepoNotFound' })
    await expect(hashOf(await find('a/one'))).rejects.toMatchObject({ code: 'storage', details: { got: 0 } })
  })
})

function flip(path: string, at: number): void {
  const fd = openSync(path, 'r+')
  const byte = new Uint8Array(1)
  readSync(fd, byte, 0, 1, at)
  byte[0]! ^= 1
  writeSync(fd, byte, 0, 1, at)
  closeSync(fd)
}

/** Fails the request for weights that is the nth of its kind; `also` those that follow it. */
function onWeights(fault: (nth: number, asked: Asked) => Fault | undefined): void {
  let nth = 0
  hub.fault = (asked) => (isWeights(asked) ? fault((nth += 1), asked) : undefined)
}

describe('faults of the server', () => {
  const SIZE = 2 * MIB + 100
  test.each<{ what: string; fault: (nth: number, asked: Asked) => Fault | undefined }>([
    { what: 'a connection cut at once', fault: (nth) => (nth === 1 ? { cutAfter: 0 } : undefined) },
    { what: 'a connection cut at byte 7', fault: (nth) => (nth === 2 ? { cutAfter: 7 } : undefined) },
    { what: 'every connection cut', fault: (nth) => (nth % 2 ? { cutAfter: 50_000 } : undefined) },
    { what: 'a body one byte short', fault: (nth) => (nth === 3 ? { short: 1 } : undefined) },
    {
      what: '503 with Retry-After',
      fault: (nth) => (nth === 1 ? { status: 503, retryAfter: '0' } : undefined),
    },
    { what: '429', fault: (nth) => (nth < 3 ? { status: 429 } : undefined) },
    { what: 'ranges ignored', fault: () => ({ ignoreRange: true }) },
    { what: 'a slow trickle', fault: (nth) => (nth === 2 ? { trickle: 65_536, pauseMs: 20 } : undefined) },
    { what: 'silence', fault: (nth) => (nth === 1 ? { hang: true } : undefined) },
    { what: 'a byte other than it was', fault: (nth) => (nth === 2 ? { flip: 300_000 } : undefined) },
    { what: 'a 416 in place of a range', fault: (nth) => (nth === 2 ? { status: 416 } : undefined) },
  ])('$what: the model arrives whole', async ({ what, fault }) => {
    const sha256 = publishRepo('a/one', SIZE)
    onWeights(fault)
    const first = keep('a/one')
    // A range that is refused outright ends the download; asked for again it goes on.
    const kept = what.startsWith('a 416') ? await first.catch(() => keep('a/one')) : await first
    expect(await hashOf(kept)).toBe(sha256)
  })

  test.each<{ what: string; fault: Fault; code: string; details: object }>([
    {
      what: 'other bytes each time',
      fault: { flip: 300_000 },
      code: 'network',
      details: { field: 'sha256' },
    },
    { what: 'a file that is gone', fault: { status: 404 }, code: 'network', details: { got: 404 } },
    { what: 'a refusal', fault: { status: 403 }, code: 'network', details: { got: 403 } },
    { what: 'a login page', fault: { page: true }, code: 'bad-file', details: {} },
    { what: 'a server in trouble', fault: { status: 500 }, code: 'network', details: { got: 500 } },
    { what: 'a connection that is always cut', fault: { cutAfter: 0 }, code: 'network', details: {} },
  ])('$what: a typed error, and asked for again it succeeds', async ({ fault, code, details }) => {
    const sha256 = publishRepo('a/one', SIZE)
    onWeights(() => fault)
    await expect(keep('a/one')).rejects.toMatchObject({ code, details })
    expect(await find('a/one')).toBeNull()
    hub.fault = () => undefined
    expect(await hashOf(await keep('a/one'))).toBe(sha256)
  })
})

describe('what interrupts a download', () => {
  test('cancelling keeps the part: it goes on where it was', async () => {
    const sha256 = publishRepo('a/one', 4 * MIB)
    const controller = new AbortController()
    const onBytes = (done: number): void => (done > 2 * MIB ? controller.abort() : undefined)
    await expect(keep('a/one', { signal: controller.signal, onBytes })).rejects.toMatchObject({
      code: 'aborted',
    })
    const [part] = await listStored(disk.root)
    expect(part!.bytesDone).toBeGreaterThan(2 * MIB)
    expect(part).toMatchObject({ keptAt: null, source: 'a/one' })
    hub.asked.length = 0
    let first = 0
    expect(await hashOf(await keep('a/one', { onBytes: (done) => (first ||= done) }))).toBe(sha256)
    expect(first).toBe(part!.bytesDone)
    const asked = hub.asked.filter(isWeights).reduce((sum, { range }) => sum + range![1]! - range![0], 0)
    expect(asked).toBe(4 * MIB + 7 - part!.bytesDone)
  })

  test('a record cut off while it was written, and files that are gone, are fetched anew', async () => {
    const sha256 = publishRepo('a/one', MIB)
    await keep('a/one')
    const record = join(pathOf('a/one'), '..', 'record.json')
    const text = readFileSync(record, 'utf8')
    const fd = openSync(record, 'w')
    writeSync(fd, text.slice(0, 50))
    closeSync(fd)
    expect(await find('a/one')).toBeNull()
    expect(await hashOf(await keep('a/one'))).toBe(sha256)
  })

  test('a full disk removes the part, leaves earlier models as they are, and says so', async () => {
    const sha256 = publishRepo('a/one', MIB)
    publishRepo('a/two', 4 * MIB)
    await keep('a/one')
    disk.room = 2 * MIB
    await expect(keep('a/two')).rejects.toMatchObject({ code: 'storage', details: { full: true } })
    disk.room = Infinity
    expect((await listStored(disk.root)).map(({ source }) => source)).toEqual(['a/one'])
    expect(await hashOf(await find('a/one'))).toBe(sha256)
  })

  test('a new commit of the branch keeps what has not changed', async () => {
    publishRepo('a/one', 2 * MIB)
    onWeights((nth) => (nth > 4 ? { status: 404 } : undefined))
    await expect(keep('a/one')).rejects.toMatchObject({ code: 'network' })
    const done = (await listStored(disk.root))[0]!.bytesDone
    expect(done).toBeGreaterThan(0)
    const sha256 = sha256Of(2 * MIB, read)
    hub.repo('a/one', { 'config.json': '{"b":2}', 'model.safetensors': { size: 2 * MIB, sha256, read } })
    hub.fault = () => undefined
    hub.asked.length = 0
    const kept = await keep('a/one')
    expect(new TextDecoder().decode(await kept!.read('config.json', { maxBytes: 99 }))).toBe('{"b":2}')
    expect(hub.asked.filter(isWeights).length).toBeLessThan(8)
  })
})

/** In the long run what people download: half a gigabyte, in the chunks they get. */
const LARGE = ALL
  ? { size: 500 * 1000 * 1000, cuts: 20, chunkBytes: 8 * MIB }
  : { size: 6 * MIB + 1, cuts: 5, chunkBytes: CHUNK }

test(`${LARGE.size} bytes cut at ${LARGE.cuts} points arrive as they are, in little memory`, async () => {
  const { size, cuts, chunkBytes } = LARGE
  const sha256 = publishRepo('a/large', size)
  const before = process.memoryUsage().heapUsed
  let most = before
  let kept: FileSource | null = null
  for (let n = 1; n <= cuts; n++) {
    const controller = new AbortController()
    const onBytes = (done: number): void => {
      most = Math.max(most, process.memoryUsage().heapUsed)
      if (done >= (size * n) / (cuts + 1)) controller.abort()
    }
    await expect(keep('a/large', { signal: controller.signal, onBytes, chunkBytes })).rejects.toMatchObject({
      code: 'aborted',
    })
  }
  kept = await keep('a/large', { chunkBytes })
  expect(await hashOf(kept)).toBe(sha256)
  publish({ name: `heap growth while ${size} bytes are kept`, value: most - before, unit: 'bytes' })
  expect(most - before).toBeLessThanOrEqual(150 * MIB)
})
