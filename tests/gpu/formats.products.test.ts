import { expect, test } from 'vitest'
import { bindProduct, paramsBuffer, type Product } from '../../bench/formatProducts.ts'
import embedWgsl from '../../shaders/ops/embed.wgsl?raw'
import { invariant } from '../../src/errors.ts'
import type { PipelineCache } from '../../src/gpu/pipelines.ts'
import { kernel } from '../../src/gpu/providers.ts'
import { raggedConst, storeProviders } from '../../src/ops/ragged.ts'
import { packBatch } from '../../src/run/batch.ts'
import { FORMAT_NAMES, ALL_FORMATS } from '../../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../../src/weights/formats/index.ts'
import type { Planes } from '../../src/weights/relay.ts'
import { ALL } from '../all.ts'
import { randomSource } from '../random.ts'
import { matmul } from '../reference.ts'
import { storedMatrix, type StoredMatrix } from '../weights/matrices.ts'
import {
  bitsOf,
  emptyPlanes,
  firstDifference,
  formatPipelines,
  readBytes,
  relayPieces,
  upload,
} from './formatHarness.ts'
import { CANARY, F32, plainRows, worstRow } from './opHarness.ts'

const VARIANTS = [
  'wg64',
  'wg32',
  'f16-wg64',
  'subgroups-wg64',
  'subgroups-wg128',
  'perthread-wg32',
  'f16-perthread-wg64',
  'subgroups-perthread-wg32',
  'f16-subgroups-perthread-wg32',
] as const

/** [outputs, first row of the matrix, rows of x, blocks a row]: views inside a matrix, odd counts, every matvec size. */
const SHAPES = [
  [5, 0, 1, 1],
  [33, 3, 2, 3],
  [7, 1, 3, 2],
  [66, 0, 5, 1],
  [4, 2, 8, 2],
] as const

const TILED = [
  [33, 1, 19, 2],
  [65, 0, 33, 1],
] as const

const OUT_ROWS = 40

/** Widths of plain formats run through padded rows. */
const colsOf = (format: FormatName, blocks: number): number =>
  ALL_FORMATS[format].block === 1 ? [0, 100, 33, 260][blocks]! : ALL_FORMATS[format].block * blocks

/** A matrix on the GPU with rows of others around it. */
async function placed(pipelines: PipelineCache, matrix: StoredMatrix): Promise<Planes> {
  const { format, rows, cols, blocks } = matrix
  const planes = emptyPlanes(pipelines.device, format, rows, cols, 0)
  const count = rows * planes.layout.rowBlocks
  await relayPieces(pipelines, planes, blocks, { first: 0, count }, [])
  return planes
}

const canaries = (words: number): Uint8Array => new Uint8Array(new Uint32Array(words).fill(CANARY).buffer)

async function productError(
  pipelines: PipelineCache,
  format: FormatName,
  [n, first, rows, blocks]: readonly [number, number, number, number],
  kind: Product['kind'],
): Promise<number> {
  const { device, variant } = pipelines
  const random = randomSource(n * 100 + rows)
  const cols = colsOf(format, blocks)
  const matrix = storedMatrix(format, first + n + 3, cols, random)
  const w = await placed(pipelines, matrix)
  const x = rows % 2 === 0 ? random.outliers(rows * cols) : random.normal(rows * cols)
  const buffers = {
    batch: upload(device, new Uint8Array(packBatch(plainRows(rows), variant.workgroup).buffer)),
    // As activations are kept: room for rows of whole vec4, so that the last one is not read past its end.
    x: upload(device, new Uint8Array(x.buffer), rows * Math.ceil(cols / 4) * 16),
    y: upload(device, canaries(OUT_ROWS * n)),
  }
  const bound = await bindProduct(pipelines, { w, first, n, rows, kind }, buffers)
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  bound.encode(pass)
  pass.end()
  device.queue.submit([encoder.finish()])
  const y = new Float32Array(await readBytes(device, buffers.y))
  bound.dispose()
  for (const buffer of [w.buffer, ...Object.values(buffers)]) buffer.destroy()
  const expected = matmul(x, matrix.values.subarray(first * cols, (first + n) * cols), cols)
  return worstRow(y, expected, rows, n)
}

/**
 * All formats run in these, every other one in the rest, each variant in another shape: pipelines are what takes time, so the rest
 * is left to `npm run test:all`.
 */
const WHOLE: readonly string[] = ['wg64', 'f16-subgroups-perthread-wg32']

test.each(VARIANTS.map((name, v) => [name, v] as const).filter(([name]) => ALL || WHOLE.includes(name)))(
  'products of every format in %s',
  async (name, v) => {
    const pipelines = await formatPipelines(name)
    if (!pipelines) return
    for (const [f, format] of FORMAT_NAMES.entries()) {
      if (!WHOLE.includes(name) && (v + f) % 2 === 1) continue
      const shape = SHAPES[(v + 2 * f) % SHAPES.length]
      invariant(shape, 'a shape')
      const error = await productError(pipelines, format, shape, 'matvec')
      expect(error, `${format} ${shape.join()}`).toBeLessThanOrEqual(F32)
    }
  },
)

test.each(ALL ? ['wg64', 'f16-wg64'] : ['wg64'])('tiled products of every format in %s', async (name) => {
  const pipelines = await formatPipelines(name)
  if (!pipelines) return
  for (const format of FORMAT_NAMES) {
    for (const shape of TILED) {
      const error = await productError(pipelines, format, shape, 'matmul')
      expect(error, `${format} ${shape.join()}`).toBeLessThanOrEqual(F32)
    }
  }
})

test.each(FORMAT_NAMES)('embedding rows of %s, from one of two shards', async (format) => {
  const pipelines = await formatPipelines()
  invariant(pipelines, 'the plain variant runs everywhere')
  const { device, variant } = pipelines
  const cols = ALL_FORMATS[format].block === 1 ? 36 : ALL_FORMATS[format].block
  const matrix = storedMatrix(format, 9, cols, randomSource(3))
  const w = await placed(pipelines, matrix)
  const tokens = [12, 3, 0, 17, 11]
  const first = 3 // the shard's first token
  const rows = plainRows(tokens.length).map((row, i) => ({ ...row, token: tokens[i] ?? 0 }))
  const batch = upload(device, new Uint8Array(packBatch(rows, variant.workgroup).buffer))
  const drawn = upload(device, new Uint8Array(16))
  const y = upload(device, canaries(tokens.length * cols))
  const { stride, words } = w.layout
  const k4 = cols / 4
  const providers = [
    ...ALL_FORMATS[format].providers(variant),
    'positions_none',
    ...storeProviders(cols),
  ] as const
  const shader = kernel({ name: 'embed', text: embedWgsl }, providers, raggedConst(cols))
  const grid = [Math.ceil(k4 / variant.workgroup), tokens.length, 1] as const
  const values = {
    k: cols,
    k4,
    w_first: first,
    w_count: 9,
    w_stride: stride,
    w_scales: words.scales,
    w_high: words.high,
    w_super: words.super,
    scale: 1,
    p_first: 0,
  }
  const params = paramsBuffer(device, { shader, bindings: [], params: values, grid })
  const key = [
    [0, 'read'],
    [1, 'uniform'],
    [2, 'read'],
    [3, 'read'],
    [4, 'write'],
  ] as const
  const { pipeline, layout } = await pipelines.get(shader, key)
  const entries = [batch, params, drawn, w.buffer, y].map((buffer, binding) => ({
    binding,
    resource: { buffer },
  }))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }))
  pass.dispatchWorkgroups(...grid)
  pass.end()
  device.queue.submit([encoder.finish()])
  const got = new Uint32Array(await readBytes(device, y))
  const expected = new Uint32Array(tokens.length * cols).fill(CANARY)
  tokens.forEach((token, row) => {
    const at = (token - first) * cols
    const own = matrix.values.slice(Math.max(at, 0), Math.max(at, 0) + cols)
    if (token >= first && token < first + 9) expected.set(bitsOf(own), row * cols)
  })
  // The absent position is added or not, so that −0 may become 0.
  const plain = (bits: number): number => (bits === 0x8000_0000 ? 0 : bits)
  expect(firstDifference(got.map(plain), expected.map(plain))).toBe(-1)
  for (const buffer of [batch, drawn, y, params, w.buffer]) buffer.destroy()
})
