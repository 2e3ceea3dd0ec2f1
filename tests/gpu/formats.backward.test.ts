import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { trainDispatchesOf } from '../../src/ops/backward/index.ts'
import { NO_BIAS, type AdapterStack, type MatrixView } from '../../src/ops/operands.ts'
import { ALL_FORMATS, FORMAT_NAMES } from '../../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../../src/weights/formats/index.ts'
import { planeLayout } from '../../src/weights/formats/layout.ts'
import { randomSource } from '../random.ts'
import type { Numbers } from '../reference.ts'
import { maxRelative, vjp } from '../vjp.ts'
import { storedMatrix } from '../weights/matrices.ts'
import { emptyPlanes, formatPipelines, relayPieces, upload } from './formatHarness.ts'
import { features, opStep, plainRows, runSteps } from './opHarness.ts'

/** Rules against f64 loops over the weights as they are stored, beside the largest value. */
const RULE = 1e-4

const VARIANTS = ['wg64', 'perthread-wg32', 'f16-subgroups-perthread-wg32'] as const

/** [outputs, first row of the matrix, rows of dy, blocks a row] */
const SHAPES = [
  [5, 0, 1, 1],
  [33, 3, 9, 2],
  [7, 1, 19, 1],
] as const

/** Widths of plain formats are odd. */
const colsOf = (format: FormatName, blocks: number): number =>
  ALL_FORMATS[format].block === 1 ? [0, 33, 100][blocks]! : ALL_FORMATS[format].block * blocks

test.each(VARIANTS.map((name, v) => [name, v] as const))(
  'the gradient of the input of a product, weights of every format in %s',
  async (name, v) => {
    const pipelines = await formatPipelines(name)
    if (!pipelines) return
    const { device, variant } = pipelines
    // Pipelines are what takes time: one variant takes all formats, the others every other one.
    for (const [f, format] of FORMAT_NAMES.entries()) {
      if (v > 0 && (f + v) % 2 === 1) continue
      const [n, first, rows, blocks] = SHAPES[f % SHAPES.length]!
      const random = randomSource(f)
      const cols = colsOf(format, blocks)
      const matrix = storedMatrix(format, first + n + 3, cols, random)
      const planes = emptyPlanes(device, format, matrix.rows, cols, 0)
      const count = matrix.rows * planes.layout.rowBlocks
      await relayPieces(pipelines, planes, matrix.blocks, { first: 0, count }, [])
      const buffer = { gpu: planes.buffer, label: format, bytes: 0 }
      const shard = { buffer, begin: 0, end: matrix.rows, layout: planes.layout, biasWord: NO_BIAS }
      const full = { name: 'w', format: ALL_FORMATS[format], rows: matrix.rows, cols, shards: [shard] }
      const view: MatrixView = { matrix: full, begin: first, end: first + n, output: 0 }
      const [dy, base] = [random.normal(rows * n), random.normal(rows * cols)]
      const step = opStep('dx', 'linear_dx', {
        inputs: ['dy', 'base'],
        attrs: { matrix: 'w', onto: true },
        axes: features(rows, cols),
      })
      const { tensors } = await runSteps(
        { variant, pipelines },
        {
          rows,
          batch: plainRows(rows),
          steps: [step],
          inputs: { dy, base },
          views: { w: view },
          dispatchesOf: trainDispatchesOf,
        },
      )
      const expected = Float64Array.from(base)
      for (let r = 0; r < rows; r++)
        for (let o = 0; o < n; o++)
          for (let i = 0; i < cols; i++)
            expected[r * cols + i]! += dy[r * n + o]! * matrix.values[(first + o) * cols + i]!
      expect(maxRelative(tensors.get('dx')!.subarray(0, rows * cols), expected), format).toBeLessThan(RULE)
      planes.buffer.destroy()
    }
  },
)

/** Adapter 1 has the ranks 2 to 4 of a stack of 5; its scale differs by row. */
const LORA = { stack: 'stack', first: 2, of: 5, ranks: 3, b: 24 } as const
const SCALINGS = [0.5, -2, 1.5]

interface Factors {
  a: Float32Array
  b: Float32Array
}

function stackOf(device: GPUDevice, { a, b }: Factors, cols: number): AdapterStack {
  const plain = planeLayout(ALL_FORMATS.f32, LORA.of, cols)
  const table = plain.bytes / 4
  const words = new Uint32Array(table + 2 * LORA.of)
  const floats = new Float32Array(words.buffer)
  for (let r = 0; r < LORA.ranks; r++) {
    floats.set(a.subarray(r * cols, (r + 1) * cols), (LORA.first + r) * plain.stride * 4)
    words[table + 2 * (LORA.first + r)] = 1
    floats[table + 2 * (LORA.first + r) + 1] = SCALINGS[r]!
  }
  const planes = new Float32Array(LORA.b + b.length)
  planes.set(b, LORA.b)
  const layout = { ...plain, words: { ...plain.words, scales: table } }
  const buffer = { gpu: upload(device, new Uint8Array(words.buffer)), label: 'a', bytes: 0 }
  const shard = { buffer, begin: 0, end: LORA.of, layout, biasWord: NO_BIAS }
  const matrix = { name: 'a', format: ALL_FORMATS.f32, rows: LORA.of, cols, shards: [shard] }
  const view = { matrix, begin: 0, end: LORA.of, output: 0 }
  return { parts: [], a: view, ranks: LORA.of, lora: upload(device, new Uint8Array(planes.buffer)) }
}

test.each([
  ['wg64', 7, 13],
  ['perthread-wg32', 22, 36],
  ['subgroups-perthread-wg32', 5, 9],
] as const)('the factors of an adapter, and the input behind them, in %s', async (name, n, cols) => {
  const pipelines = await formatPipelines(name)
  if (!pipelines) return
  const { device, variant } = pipelines
  const random = randomSource(n)
  const rows = 6
  const [w, x, dy] = [random.normal(n * cols), random.normal(rows * cols), random.normal(rows * n)]
  const factors = { a: random.normal(LORA.ranks * cols), b: random.normal(n * LORA.ranks) }
  const scales = Array.from({ length: rows }, (_, r) => 0.25 * (r - 2))
  const ax = (values: Numbers, a: Numbers): Float64Array => {
    const y = new Float64Array(rows * LORA.ranks)
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < LORA.ranks; j++)
        for (let i = 0; i < cols; i++)
          y[r * LORA.ranks + j]! += scales[r]! * SCALINGS[j]! * a[j * cols + i]! * values[r * cols + i]!
    return y
  }
  const forward = (values: Numbers, { a, b }: { a: Numbers; b: Numbers }): Float64Array => {
    const low = ax(values, a)
    const y = new Float64Array(rows * n)
    for (let r = 0; r < rows; r++)
      for (let o = 0; o < n; o++) {
        for (let i = 0; i < cols; i++) y[r * n + o]! += w[o * cols + i]! * values[r * cols + i]!
        for (let j = 0; j < LORA.ranks; j++)
          y[r * n + o]! += b[o * LORA.ranks + j]! * low[r * LORA.ranks + j]!
      }
    return y
  }
  const wide = new Float32Array(rows * LORA.of)
  ax(x, factors.a).forEach((value, i) => {
    wide[Math.floor(i / LORA.ranks) * LORA.of + LORA.first + (i % LORA.ranks)] = value
  })
  const flat = { at: 0, begin: 0, run: n, stride: 0 }
  const [rankAxis, inner, outer] = [
    { kind: 'ranks', size: LORA.ranks },
    { kind: 'features', size: cols },
    { kind: 'features', size: n },
  ] as const
  const steps = [
    opStep('du', 'lora_du', {
      inputs: ['dy'],
      attrs: { ...LORA, outputs: n, output: 0, onto: false },
      axes: [{ kind: 'rows', size: rows }, rankAxis],
    }),
    opStep('dx', 'linear_dx', {
      inputs: ['dy', 'du'],
      attrs: { matrix: 'w', onto: false, lora: LORA },
      axes: features(rows, cols),
    }),
    opStep('dA', 'lora_da', {
      inputs: ['du', 'x'],
      attrs: { ...flat, run: 3, rank: 0, part: 3 },
      axes: [rankAxis, inner],
    }),
    opStep('dB', 'lora_db', {
      inputs: ['dy', 'ax'],
      attrs: { ...flat, outputs: n, rank: LORA.first, of: LORA.of },
      axes: [outer, rankAxis],
    }),
  ]
  const batch = plainRows(rows).map((row, r) => ({ ...row, scales: Float32Array.of(9, scales[r]!) }))
  const stack = stackOf(device, factors, cols)
  const { tensors } = await runSteps(
    { variant, pipelines },
    {
      rows,
      batch,
      steps,
      inputs: { dy, x, ax: wide },
      matrices: {
        w: { format: 'f32', cols, parts: [{ name: 'w.all', data: w }], maxBytes: 64 + 3 * (cols + 3) * 4 },
      },
      adapters: 2,
      adapterStacks: { stack },
      dispatchesOf: trainDispatchesOf,
      zeroed: ['dA', 'dB'],
    },
  )
  const got = (step: string, count: number): Float32Array => {
    const tensor = tensors.get(step)
    invariant(tensor, `${step} was read`)
    return tensor.subarray(0, count)
  }
  const { a, b } = factors
  expect(
    maxRelative(
      got('dx', rows * cols),
      vjp((v) => forward(v, factors), x, dy),
    ),
  ).toBeLessThan(RULE)
  expect(
    maxRelative(
      got('dA', a.length),
      vjp((v) => forward(x, { a: v, b }), a, dy),
    ),
  ).toBeLessThan(RULE)
  expect(
    maxRelative(
      got('dB', b.length),
      vjp((v) => forward(x, { a, b: v }), b, dy),
    ),
  ).toBeLessThan(RULE)
})
