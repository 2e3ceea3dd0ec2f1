import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { f16ToF32 } from '../../src/formats/floats.ts'
import { BLOCK_CASES, FLOATS, PACKED } from '../weights/blocks.ts'
import {
  bitsOf,
  emptyPlanes,
  firstDifference,
  formatPipelines,
  readBytes,
  relayPieces,
  run,
  unpackBits,
  upload,
} from './formatHarness.ts'
import { ALL_FORMATS, FORMAT_NAMES } from '../../src/weights/formats/fileFormats.ts'
import { readRowOnHost } from '../../src/weights/hostRow.ts'
import { WeightRelay } from '../../src/weights/relay.ts'
import type { StoredView } from '../../src/weights/store.ts'
import { randomSource } from '../random.ts'
import { storedMatrix } from '../weights/matrices.ts'

/** Rows of other matrices in the same buffer, before and behind. */
const [BEFORE, BEHIND] = [3, 2]

/** Says where values differ, in hexadecimal. */
function expectBits(got: Uint32Array, expected: Uint32Array, what: string): void {
  const at = firstDifference(got, expected)
  const hex = (bits: number | undefined): string => (bits ?? 0).toString(16)
  expect(at === -1 ? 'equal' : `${what}: ${at} is ${hex(got[at])}, not ${hex(expected[at])}`).toBe('equal')
}

async function pipelinesOf(name = 'wg64') {
  const pipelines = await formatPipelines(name)
  invariant(pipelines, 'the plain variant runs everywhere')
  return pipelines
}

test.each(BLOCK_CASES)('$format: every weight as gguf reads it, bit for bit', async (c) => {
  const pipelines = await pipelinesOf()
  const { format, rows, cols, blocks, values } = c
  const planes = emptyPlanes(pipelines.device, format, BEFORE + rows + BEHIND, cols)
  const { rowBlocks } = planes.layout
  const count = rows * rowBlocks
  for (const cuts of [[], [1, 2, 5, count - 1], [Math.floor(count / 2)]]) {
    await relayPieces(pipelines, planes, blocks, { first: BEFORE * rowBlocks, count }, cuts)
    expectBits(await unpackBits(pipelines, planes, BEFORE, rows), bitsOf(values), `${format} ${cuts.join()}`)
  }
  planes.buffer.destroy()
})

test.each(FORMAT_NAMES)('%s: a row as the host reads it, without shaders', async (format) => {
  const pipelines = await pipelinesOf()
  const { device } = pipelines
  const { block, grouped } = ALL_FORMATS[format]
  const [rows, cols] = [5, block === 1 ? 44 : Math.max(block, 64)]
  const matrix = storedMatrix(format, rows, cols, randomSource(11))
  const planes = emptyPlanes(device, format, rows, cols, 0)
  await relayPieces(pipelines, planes, matrix.blocks, { first: 0, count: rows * planes.layout.rowBlocks }, [])
  const bytes = await readBytes(device, planes.buffer)
  const shard = { buffer: { gpu: planes.buffer }, begin: 0, end: rows, layout: planes.layout, biasWord: 0 }
  const view = { matrix: { name: format, shards: [shard] }, begin: 0, end: rows, output: 0 }
  const read = (_: GPUBuffer, offset: number, count: number) =>
    Promise.resolve(bytes.slice(offset, offset + count))
  for (let row = 0; row < rows; row++) {
    const got = await readRowOnHost(read, view as unknown as StoredView, row)
    expect(grouped ? [...got].map(Math.fround) : [...got]).toEqual([
      ...matrix.values.subarray(row * cols, (row + 1) * cols),
    ])
  }
  planes.buffer.destroy()
})

test.each(FORMAT_NAMES)('%s: a matrix that holds NaN or infinity is found', async (format) => {
  const pipelines = await pipelinesOf()
  const { device } = pipelines
  const { block, blockBytes, grouped } = ALL_FORMATS[format]
  const [rows, cols] = [5, block === 1 ? 44 : Math.max(block, 64)]
  const { blocks } = storedMatrix(format, rows, cols, randomSource(11))
  const planes = emptyPlanes(device, format, rows, cols, 0)
  const full = { first: 0, count: rows * planes.layout.rowBlocks }
  const relay = new WeightRelay(pipelines)
  const find = async (): Promise<number[]> => {
    const result = upload(device, new Uint8Array(12))
    await run(pipelines, relay, async (pass) => {
      await relay.findNonFinite(pass, planes, 0, rows, { buffer: result, at: 1 })
      await relay.findOnes(pass, planes, 0, rows, { buffer: result, at: 2 })
    })
    return [...new Uint32Array(await readBytes(device, result))].slice(0, 3)
  }
  await relayPieces(pipelines, planes, blocks, full, [])
  expect(await find()).toEqual([0, 0, 0])
  const last = planes.layout.words.scales * 4 + (rows * planes.layout.rowGroups - 1) * 4
  if (grouped) device.queue.writeBuffer(planes.buffer, last, Uint32Array.of(0x7f800000))
  blocks.fill(0xff, blocks.length - blockBytes)
  await relayPieces(pipelines, planes, blocks, full, [])
  expect(await find()).toEqual([0, 1, 1])
  planes.buffer.destroy()
})

test.each(BLOCK_CASES)('$format: the relay writes no other block', async ({ format, rows, cols, blocks }) => {
  const pipelines = await pipelinesOf()
  const planes = emptyPlanes(pipelines.device, format, rows + BEFORE, cols)
  const { rowBlocks } = planes.layout
  const full = { first: 0, count: rows * rowBlocks }
  await relayPieces(pipelines, planes, blocks, full, [])
  const before = await readBytes(pipelines.device, planes.buffer)
  // The same blocks again over themselves, singly.
  for (const n of [0, 1, rowBlocks, full.count - 1]) {
    const { blockBytes } = planes.layout.format
    const one = blocks.subarray(n * blockBytes, (n + 1) * blockBytes)
    await relayPieces(pipelines, planes, one, { first: n, count: 1 }, [])
  }
  const after = await readBytes(pipelines.device, planes.buffer)
  expect(new Uint32Array(after)).toEqual(new Uint32Array(before))
  planes.buffer.destroy()
})

test.each(['q8_0', 'q4_k', 'q3_k', 'f16'] as const)(
  '%s: heads whose halves a file interleaves',
  async (format) => {
    const pipelines = await pipelinesOf()
    const [head, heads, begin] = [6, 3, 2]
    const rows = head * heads
    const c = BLOCK_CASES.find((each) => each.format === format)
    const cols = c?.cols ?? 10
    const planes = emptyPlanes(pipelines.device, format, begin + rows, cols)
    const { rowBlocks, format: record } = planes.layout
    const rowBytes = rowBlocks * record.blockBytes
    const random = Uint8Array.from({ length: 9 * rowBytes }, (_, i) => (i * 37 + (i >> 5) * 11) % 60)
    const source = c?.blocks.subarray(0, 9 * rowBytes) ?? random
    const stored = new Uint8Array(rows * rowBytes)
    for (let row = 0; row < rows; row++)
      stored.set(source.subarray((row % 9) * rowBytes, ((row % 9) + 1) * rowBytes), row * rowBytes)
    const range = { first: begin * rowBlocks, count: rows * rowBlocks }
    await relayPieces(pipelines, planes, stored, range, [1, rowBlocks * 4 + 1], { begin, rows: head })
    const got = await unpackBits(pipelines, planes, begin, rows)
    await relayPieces(pipelines, planes, stored, range, [])
    const plain = await unpackBits(pipelines, planes, begin, rows)
    const expected = Uint32Array.from({ length: rows * cols }, (_, i) => {
      const row = Math.floor(i / cols)
      const inner = row % head
      const from = row - inner + (inner % (head / 2)) * 2 + Math.floor(inner / (head / 2))
      return plain[from * cols + (i % cols)] ?? 0
    })
    expectBits(got, expected, format)
    planes.buffer.destroy()
  },
)

test('f16 and bf16: all bit patterns', async () => {
  for (const variant of ['wg64', 'f16-wg64']) {
    const pipelines = await formatPipelines(variant)
    if (!pipelines) continue
    for (const format of ['f16', 'bf16'] as const) {
      const halves = Uint16Array.from({ length: 1 << 16 }, (_, i) => i)
      const cols = 2048 / 3 + 1 / 3 // 683: rows are padded
      const rows = Math.floor(halves.length / cols)
      const planes = emptyPlanes(pipelines.device, format, rows, cols)
      const range = { first: 0, count: rows * cols }
      const bytes = new Uint8Array(halves.buffer, 0, rows * cols * 2)
      await relayPieces(pipelines, planes, bytes, range, [1, 684])
      const got = await unpackBits(pipelines, planes, 0, rows)
      const expected =
        format === 'bf16'
          ? Uint32Array.from(halves.subarray(0, rows * cols), (bits) => bits << 16)
          : bitsOf(Float32Array.from(halves.subarray(0, rows * cols), f16ToF32))
      expectBits(got, expected, `${format} ${variant}`)
      planes.buffer.destroy()
    }
  }
})

test.each(PACKED)('$format: floats are packed as gguf packs them', async ({ format, blocks }) => {
  const pipelines = await pipelinesOf()
  const { device } = pipelines
  const { rows, cols, data } = FLOATS
  const relay = new WeightRelay(pipelines)
  const expected = emptyPlanes(device, format, rows, cols)
  const count = rows * expected.layout.rowBlocks
  await relayPieces(pipelines, expected, blocks, { first: 0, count }, [])
  const wantBits = await readBytes(device, expected.buffer)
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * cols + Math.floor(i / rows)] ?? 0)
  for (const way of ['as it is', 'turned'] as const) {
    const got = emptyPlanes(device, format, rows, cols)
    const from = way === 'turned' ? turned : data
    const staged = upload(device, new Uint8Array(from.buffer))
    const steps = way === 'turned' ? { rowStep: 1, columnStep: rows } : { rowStep: cols, columnStep: 1 }
    await run(pipelines, relay, async (pass) => {
      const source = { buffer: staged, type: 'F32', first: 0, ...steps } as const
      const half = Math.floor(count / 2) | 1
      await relay.pack(pass, source, got, { first: 0, count: half })
      await relay.pack(pass, source, got, { first: half, count: count - half })
    })
    expect(
      firstDifference(new Uint32Array(await readBytes(device, got.buffer)), new Uint32Array(wantBits)),
    ).toBe(-1)
    got.buffer.destroy()
    staged.destroy()
  }
  expected.buffer.destroy()
})
