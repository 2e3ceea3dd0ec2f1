import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { FORMAT_NAMES, ALL_FORMATS } from '../../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../../src/weights/formats/index.ts'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { WeightRelay } from '../../src/weights/relay.ts'
import { WeightStage, type StagedTensor } from '../../src/weights/stage.ts'
import { randomSource } from '../random.ts'
import { storedMatrix } from '../weights/matrices.ts'
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

/** Bytes of a stage here: tensors go through several. */
const SMALL = 4096

async function open() {
  const pipelines = await formatPipelines()
  invariant(pipelines, 'the plain variant runs everywhere')
  const { device } = pipelines
  return {
    pipelines,
    device,
    stage: new WeightStage(device, new BufferLedger(device), new WeightRelay(pipelines), SMALL),
  }
}

/** Hands over a tensor in chunks of random sizes, most of them no whole words. */
async function stream(
  stage: WeightStage,
  tensor: StagedTensor,
  bytes: Uint8Array,
  seed: number,
): Promise<void> {
  const random = randomSource(seed)
  stage.begin(tensor)
  for (let at = 0; at < bytes.length;) {
    const take = Math.min(bytes.length - at, random.integer(random.uniform() < 0.2 ? 9000 : 700))
    await stage.add(new Uint8Array(bytes.slice(at, at + take)))
    at += take
  }
  await stage.end()
}

/** A fused matrix comes as one tensor and goes to two shards of one matrix, to a matrix of its own, and at times to a copy. */
test.each(FORMAT_NAMES)('%s: chunks cut anywhere, rows to several matrices', async (format) => {
  const { pipelines, device, stage } = await open()
  const [first, second, third] = [9, 20, 11]
  for (const seed of [1, 2]) {
    // Rows of floats with padding, and rows that go without a stage.
    const cols = ALL_FORMATS[format].block === 1 ? 40 + 4 * seed + 4 : ALL_FORMATS[format].block * 3
    const matrix = storedMatrix(format, first + second + third, cols, randomSource(seed))
    const sizes = [first + 2, second, third, matrix.values.length / cols]
    const targets = sizes.map((rows) => emptyPlanes(device, format, rows, cols, 0))
    const [a, b, c, all] = targets
    invariant(a && b && c && all, 'four matrices')
    const copy = { target: all, row: 0, rows: first + second + third, from: 0 }
    const parts = [
      ...(seed === 2 ? [copy] : []),
      { target: a, row: 2, rows: first, from: 0 },
      { target: b, row: 0, rows: second, from: first },
      { target: c, row: 0, rows: third, from: first + second },
    ]
    // An odd tensor before it, so that it does not begin where the stage does.
    await stream(
      stage,
      {
        bytes: cols * 4,
        source: 'F32',
        parts: [{ target: emptyPlanes(device, 'f32', 1, cols), row: 0, rows: 1, from: 0 }],
      },
      new Uint8Array(cols * 4),
      seed,
    )
    await stream(stage, { bytes: matrix.blocks.length, source: 'blocks', parts }, matrix.blocks, seed)
    await stage.finish()
    for (const { target, row, rows, from } of parts) {
      const got = await unpackBits(pipelines, target, row, rows)
      const expected = bitsOf(matrix.values.subarray(from * cols, (from + rows) * cols))
      expect(firstDifference(got, expected)).toBe(-1)
    }
    for (const { buffer } of targets) buffer.destroy()
  }
  stage.dispose()
})

const PACKS = FORMAT_NAMES.filter((name) => ALL_FORMATS[name].pack)
const SOURCES = { F32: 'f32', F16: 'f16', BF16: 'bf16' } as const

test.each(PACKS)('floats of every type become %s, turned or not', async (format) => {
  const { pipelines, device, stage } = await open()
  const relay = new WeightRelay(pipelines)
  const [rows, cols] = [23, ALL_FORMATS[format].block === 1 ? 38 : 96]
  for (const source of ['F32', 'F16', 'BF16'] as const) {
    const { values, blocks } = storedMatrix(SOURCES[source], rows, cols, randomSource(rows))
    const size = blocks.length / (rows * cols)
    const turned = new Uint8Array(blocks.length)
    for (let i = 0; i < rows * cols; i++) {
      const at = (i % rows) * cols + Math.floor(i / rows)
      turned.set(blocks.subarray(at * size, (at + 1) * size), i * size)
    }
    const expected = emptyPlanes(device, format, rows, cols, 0)
    const staged = upload(device, new Uint8Array(values.slice().buffer))
    const plain = { buffer: staged, type: 'F32', first: 0, rowStep: cols, columnStep: 1 } as const
    await run(pipelines, relay, (pass) =>
      relay.pack(pass, plain, expected, { first: 0, count: rows * expected.layout.rowBlocks }),
    )
    const wantBits = new Uint32Array(await readBytes(device, expected.buffer))
    for (const way of [undefined, rows]) {
      const got = emptyPlanes(device, format, rows, cols, 0)
      const parts = [
        { target: got, row: 0, rows: 10, from: 0 },
        { target: got, row: 10, rows: rows - 10, from: 10 },
      ]
      const tensor = { bytes: blocks.length, source, turned: way, parts }
      await stream(stage, tensor, way === undefined ? blocks : turned, 7)
      await stage.finish()
      expect(firstDifference(new Uint32Array(await readBytes(device, got.buffer)), wantBits)).toBe(-1)
      got.buffer.destroy()
    }
    expected.buffer.destroy()
    staged.destroy()
  }
  stage.dispose()
})

/** What nibble i of a word is: of GPTQ's input i, of AWQ's output AWQ_ORDER[i] (tools/reference/packed_fixtures.py). */
const AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]

test.each(['gptq', 'awq'] as const)(
  'integers along the inputs as %s packs them, through several stages',
  async (source) => {
    const { pipelines, device, stage } = await open()
    const [outs, inner] = [24, 192]
    const { values, blocks } = storedMatrix('int4', outs, inner, randomSource(2))
    const code = (out: number, k: number): number => {
      const byte = blocks[(out * inner + k - (k % 32)) / 2 + (k % 16)] ?? 0
      return k % 32 < 16 ? byte & 15 : byte >> 4
    }
    const words = Uint32Array.from({ length: (outs * inner) / 8 }, (_, at) => {
      const width = source === 'gptq' ? outs : outs / 8
      const [row, column] = [Math.floor(at / width), at % width]
      return AWQ_ORDER.reduce((word, order, i) => {
        const [out, k] = source === 'gptq' ? [column, row * 8 + i] : [column * 8 + order, row]
        return (word | (code(out, k) << (4 * i))) >>> 0
      }, 0)
    })
    const targets = [13, outs - 11].map((rows) => emptyPlanes(device, 'int4', rows, inner, 0))
    const [a, b] = targets
    invariant(a && b, 'two matrices')
    const parts = [
      { target: a, row: 2, rows: 11, from: 0 },
      { target: b, row: 0, rows: outs - 11, from: 11 },
    ]
    const tensor = { bytes: words.byteLength, source, outs, parts }
    await stream(stage, tensor, new Uint8Array(words.buffer), 3)
    await stage.finish()
    for (const { target, row, rows, from } of parts) {
      const expected = bitsOf(values.subarray(from * inner, (from + rows) * inner))
      expect(firstDifference(await unpackBits(pipelines, target, row, rows), expected)).toBe(-1)
    }
    for (const { buffer } of targets) buffer.destroy()
    stage.dispose()
  },
)

test('f64 becomes f32 rounded to nearest even', async () => {
  const { pipelines, device, stage } = await open()
  const random = randomSource(4)
  const cols = 64
  const values = Float64Array.from({ length: 20 * cols }, (_, i) => {
    const kinds = [0, -0, Infinity, -Infinity, NaN, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 3.4e38, 3.5e38, 1e-30]
    return kinds[i] ?? (random.uniform() - 0.5) * 2 ** (random.integer(200) - 100)
  })
  const got = emptyPlanes(device, 'f32', 20, cols)
  const tensor = {
    bytes: values.byteLength,
    source: 'F64',
    parts: [{ target: got, row: 0, rows: 20, from: 0 }],
  } as const
  await stream(stage, tensor, new Uint8Array(values.buffer), 5)
  await stage.finish()
  const bits = await unpackBits(pipelines, got, 0, 20)
  expect(firstDifference(bits, bitsOf(Float32Array.from(values)))).toBe(-1)
  got.buffer.destroy()
  stage.dispose()
})

test('heads that a file interleaves, through several stages', async () => {
  const { pipelines, device, stage } = await open()
  for (const format of ['q8_0', 'q6_k', 'bf16'] as FormatName[]) {
    const [headRows, rows, cols] = [8, 32, ALL_FORMATS[format].block === 1 ? 72 : 256]
    const matrix = storedMatrix(format, rows, cols, randomSource(6))
    const [got, expected] = [0, 1].map(() => emptyPlanes(device, format, rows, cols, 0))
    invariant(got && expected, 'two matrices')
    const tensor = {
      bytes: matrix.blocks.length,
      source: 'blocks',
      parts: [{ target: got, row: 0, rows, from: 0, headRows }],
    } as const
    await stream(stage, tensor, matrix.blocks, 8)
    await stage.finish()
    const full = { first: 0, count: rows * expected.layout.rowBlocks }
    await relayPieces(pipelines, expected, matrix.blocks, full, [], { begin: 0, rows: headRows })
    const bits = await readBytes(device, got.buffer)
    expect(new Uint32Array(bits)).toEqual(new Uint32Array(await readBytes(device, expected.buffer)))
    got.buffer.destroy()
    expected.buffer.destroy()
  }
  stage.dispose()
})
