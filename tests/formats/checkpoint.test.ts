import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { MAX_CHUNK_BYTES } from '../../src/formats/tensorStream.ts'
import type { Checkpoint, FileSource } from '../../src/formats/tensors.ts'
import { folder, wellFormed } from './build.ts'

const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'))
const FIXTURES = join(import.meta.dirname, '../fixtures/models')

/** Bytes of every wanted tensor, joined from its chunks; checks that offsets are contiguous and elements whole. */
async function readAll(
  checkpoint: Checkpoint,
  wanted: (name: string) => boolean = () => true,
): Promise<Map<string, Uint8Array>> {
  const parts = new Map<string, number[]>()
  await checkpoint.read(wanted, (tensor, offset, chunk) => {
    const bytes = parts.get(tensor.name) ?? []
    expect(offset).toBe(bytes.length)
    const elements = tensor.shape.reduce((a, b) => a * b, 1)
    expect(chunk.length % ((tensor.end - tensor.begin) / elements)).toBe(0)
    expect(chunk.length).toBeLessThanOrEqual(MAX_CHUNK_BYTES)
    for (const byte of chunk) bytes.push(byte)
    parts.set(tensor.name, bytes)
  })
  return new Map([...parts].map(([name, bytes]) => [name, Uint8Array.from(bytes)]))
}

/** The same files, delivered in pieces of `step` bytes, counting what is asked and handed out. */
function inPieces(
  source: FileSource,
  step: number,
): FileSource & { asked: string[]; delivered: number; largest: number } {
  const counted = {
    ...source,
    asked: [] as string[],
    delivered: 0,
    largest: 0,
    stream(name: string, begin: number, end: number | null): ReadableStream<Uint8Array> {
      counted.asked.push(`${name} ${begin}-${end}`)
      let at = begin
      return new ReadableStream(
        {
          async pull(controller) {
            const size = (await source.size(name)) ?? 0
            const stop = Math.min(at + step, end ?? size)
            if (at >= stop) return controller.close()
            const bytes = (await source.read(name, { maxBytes: 1e9 })).slice(at, stop)
            at = stop
            counted.delivered += bytes.length
            counted.largest = Math.max(counted.largest, bytes.length)
            controller.enqueue(bytes)
          },
        },
        { highWaterMark: 0 },
      )
    },
  }
  return counted
}

const small = wellFormed({
  a: { dtype: 'F32', shape: [3], bytes: 12 },
  empty: { dtype: 'F32', shape: [0], bytes: 0 },
  b: { dtype: 'BF16', shape: [5], bytes: 10 },
  c: { dtype: 'F64', shape: [2], bytes: 16 },
})
const dataOf = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (from + i) % 251)

describe('streaming', () => {
  test.each([1, 2, 3, 5, 7, 11, 16, 1000])(
    'pieces of %i bytes give the same tensors in whole elements',
    async (step) => {
      const read = await readAll(await openCheckpoint(inPieces(folder({ 'model.safetensors': small }), step)))
      expect([...(read.get('a') ?? [])]).toEqual(dataOf(0, 12))
      expect([...(read.get('b') ?? [])]).toEqual(dataOf(12, 10))
      expect([...(read.get('c') ?? [])]).toEqual(dataOf(22, 16))
      expect([...read.keys()]).toEqual(['a', 'b', 'c'])
    },
  )

  test.each([1, 4, 1000])('unwanted tensors are passed over (pieces of %i bytes)', async (step) => {
    const checkpoint = await openCheckpoint(inPieces(folder({ 'model.safetensors': small }), step))
    const read = await readAll(checkpoint, (name) => name !== 'b')
    expect([...(read.get('c') ?? [])]).toEqual(dataOf(22, 16))
    expect([...read.keys()]).toEqual(['a', 'c'])
  })

  test('a big tensor comes in chunks of at most 4 MiB; opening reads the header only; a far gap is not read', async () => {
    const MiB = 1024 * 1024
    const file = wellFormed({
      first: { dtype: 'F32', shape: [MiB], bytes: 4 * MiB },
      gap: { dtype: 'F32', shape: [MiB], bytes: 4 * MiB },
      big: { dtype: 'F16', shape: [5 * MiB + 1], bytes: 10 * MiB + 2 },
    })
    const source = inPieces(folder({ 'model.safetensors': file }), 9 * MiB + 1)
    const checkpoint = await openCheckpoint(source)
    expect(source.delivered).toBeLessThan(1000)
    expect(checkpoint.totalBytes).toBe(18 * MiB + 2)
    const sizes: number[] = []
    const progress: number[] = []
    await checkpoint.read(
      (name) => name !== 'gap',
      (_, __, chunk) => void sizes.push(chunk.length),
      { onBytes: (done, total) => void progress.push(done / total) },
    )
    expect(Math.max(...sizes)).toBe(4 * MiB)
    expect(sizes.every((size) => size % 2 === 0)).toBe(true)
    expect(sizes.reduce((a, b) => a + b)).toBe(14 * MiB + 2)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBe(1)
    // Header length, header, and one request for each of the two ranges.
    expect(source.asked.length).toBe(4)
    expect(source.delivered).toBeLessThan(14.1 * MiB)
  })

  test('an abort between chunks stops the reading at once, typed', async () => {
    const source = inPieces(folder({ 'model.safetensors': small }), 4)
    const checkpoint = await openCheckpoint(source)
    const controller = new AbortController()
    let chunks = 0
    const reading = checkpoint.read(
      () => true,
      () => {
        if (++chunks === 2) controller.abort()
      },
      { signal: controller.signal },
    )
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
    expect(chunks).toBe(2)
  })

  test('a sink that throws ends the reading with its error', async () => {
    const checkpoint = await openCheckpoint(folder({ 'model.safetensors': small }))
    const failing = checkpoint.read(
      () => true,
      () => {
        throw new TokenscopeError('out-of-memory', 'full')
      },
    )
    await expect(failing).rejects.toMatchObject({ code: 'out-of-memory' })
  })

  test.each([
    { what: 'short', change: (file: Uint8Array) => file.subarray(0, file.length - 3) },
    { what: 'long', change: (file: Uint8Array) => Uint8Array.from([...file, 0]) },
  ])('a file of unknown size that proves too $what is refused while it is read', async ({ change }) => {
    const source = { ...folder({ 'model.safetensors': change(small) }), size: async () => null }
    const checkpoint = await openCheckpoint(source)
    await expect(
      checkpoint.read(
        () => true,
        () => undefined,
      ),
    ).rejects.toMatchObject({
      code: 'bad-file',
      details: { file: 'model.safetensors', field: 'size' },
    })
  })
})

test('a checkpoint in shards is read in file order, each tensor from its shard', async () => {
  const at = join(FIXTURES, 'llama-sharded')
  const checkpoint = await openCheckpoint(nodeFolderSource(at))
  const index = JSON.parse(readFileSync(join(at, 'model.safetensors.index.json'), 'utf8')) as {
    metadata: { total_size: number }
    weight_map: Record<string, string>
  }
  expect(Object.fromEntries([...checkpoint.tensors].map(([name, { file }]) => [name, file]))).toEqual(
    index.weight_map,
  )
  expect(checkpoint.totalBytes).toBe(index.metadata.total_size)
  const read = await readAll(checkpoint)
  expect(read.size).toBe(checkpoint.tensors.size)
})

describe.each([
  {
    model: 'stories260K',
    tensors: 47,
    bytes: 1_040_128,
    first: 'model.embed_tokens.weight',
    dtype: 'F32',
    shape: [512, 64],
  },
  {
    model: 'gpt-nano-sort',
    tensors: 41,
    bytes: 342_912,
    first: 'lm_head.weight',
    dtype: 'F32',
    shape: [3, 48],
  },
  {
    model: 'tales-stand-in',
    tensors: 56,
    bytes: 6_443_904,
    first: 'model.embed_tokens.weight',
    dtype: 'F16',
    shape: [4096, 192],
  },
])('$model', ({ model, tensors, bytes, first, dtype, shape }) => {
  const at = join(SHARED, 'models', model)
  const missing = existsSync(at) ? '' : 'skipped: needs shared data'

  test('opens with its tensors and streams exactly the bytes of the file', async (context) => {
    if (missing) return context.skip(missing)
    const checkpoint = await openCheckpoint(nodeFolderSource(at))
    expect(checkpoint.tensors.size).toBe(tensors)
    expect(checkpoint.totalBytes).toBe(bytes)
    expect(checkpoint.tensors.get(first)).toMatchObject({ dtype, shape, file: 'model.safetensors' })
    const file = readFileSync(join(at, 'model.safetensors'))
    const read = await readAll(checkpoint)
    for (const [name, { begin, end }] of checkpoint.tensors) {
      expect(Buffer.compare(read.get(name) ?? new Uint8Array(0), file.subarray(begin, end)), name).toBe(0)
    }
  })
})
