import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import type { FoldedNorm } from '../../src/program/attrs.ts'
import type { Step } from '../../src/program/step.ts'
import type { LoadFormat } from '../../src/api/model.ts'
import { nmse } from '../nmse.ts'
import { ALL } from '../all.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { add, geluErf, geluTanh, layerNorm, matmul, rmsNorm, silu, type Numbers } from '../reference.ts'
import {
  F32,
  features,
  openHarness,
  opStep,
  param,
  plainRows,
  rowNorm,
  runSteps,
  stored,
  untouched,
  worstRow,
} from './opHarness.ts'
import { pairwise } from './pairwise.ts'

/** Rounding weights to 11 bits: (2⁻¹² / √3)² relative, about 2e-8. */
const F16_ROUNDING = 1e-5

const EPS = 1e-5
const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']
const FEATURES = [
  '',
  'f16-',
  'subgroups-',
  'f16-subgroups-',
  'perthread-',
  'f16-perthread-',
  'subgroups-perthread-',
  'f16-subgroups-perthread-',
] as const
const WORKGROUPS = [32, 64, 128, 256] as const
const ACTIVATIONS = { silu, gelu: geluErf, gelu_tanh: geluTanh } as const

interface LinearCase {
  op: (typeof ALL_OPS)[number]
  features: (typeof FEATURES)[number]
  workgroup: (typeof WORKGROUPS)[number]
  format: LoadFormat
  rows: number
  /** Rows the program is recorded for. */
  bucket: number
  k: number
  n: number
  norm: FoldedNorm['kind']
  activation: keyof typeof ACTIVATIONS
  bias: boolean
  outliers: boolean
  seed: number
}

interface Data {
  x: Float32Array
  weights: Float32Array
  bias: Float32Array | undefined
  gain: Float32Array
  shift: Float32Array
  residual: Float32Array
}

const bucketOf = (rows: number): number => [1, 2, 4, 8, 32, 128].find((size) => rows <= size) ?? 128

function drawData(c: LinearCase, random: RandomSource): Data {
  const outputs = c.op === 'norm_gated' ? 2 * c.n : c.n
  return {
    x: c.outliers ? random.outliers(c.rows * c.k) : random.normal(c.rows * c.k),
    weights: random.normal(outputs * c.k, 0.5),
    bias: c.bias ? random.normal(outputs) : undefined,
    gain: random.normal(c.k),
    shift: random.normal(c.k),
    residual: random.normal(c.rows * c.n),
  }
}

/** The op in f64, as its formula says. [rows, n] */
function oracle(c: LinearCase, { x, weights, bias, gain, shift, residual }: Data): Numbers {
  const normed = !c.op.startsWith('norm_')
    ? x
    : c.norm === 'rms_norm'
      ? rmsNorm(x, gain, EPS)
      : layerNorm(x, gain, shift, EPS)
  const product = matmul(normed, weights, c.k, bias)
  const activate = ACTIVATIONS[c.activation]
  if (c.op === 'linear_add') return add(product, residual)
  if (c.op === 'linear_activation' || c.op === 'norm_linear_activation') return activate(product)
  if (c.op !== 'norm_gated') return product
  const half = (first: number): Float64Array =>
    Float64Array.from({ length: c.rows * c.n }, (_, i) => {
      return product[Math.floor(i / c.n) * 2 * c.n + first + (i % c.n)]!
    })
  const up = half(c.n)
  return activate(half(0)).map((value, i) => value * up[i]!)
}

function stepOf(c: LinearCase): Step {
  const { op, activation } = c
  const product = { matrix: 'w' }
  const norm = rowNorm(c.norm, c.k, EPS)
  const plain = { inputs: ['x'], axes: features(c.bucket, c.n), params: [param('w', 'matrix')] }
  const normed = { ...plain, params: [param('norm'), ...plain.params] }
  switch (op) {
    case 'linear':
      return opStep('y', op, { ...plain, attrs: { ...product, scale: 1, softcap: null } })
    case 'linear_add':
      return opStep('y', op, { ...plain, inputs: ['x', 'residual'], attrs: { ...product, scale: 1 } })
    case 'linear_activation':
      return opStep('y', op, { ...plain, attrs: { ...product, activation } })
    case 'norm_linear':
      return opStep('y', op, { ...normed, attrs: { ...product, norm, scale: 1, softcap: null } })
    case 'norm_linear_activation':
    case 'norm_gated':
      return opStep('y', op, { ...normed, attrs: { ...product, norm, activation } })
  }
}

/** Runs a case; null when the adapter lacks a feature of the variant. */
async function runCase(c: LinearCase, data: Data, maxBytes?: number) {
  const harness = await openHarness(`${c.features}wg${c.workgroup}`)
  if (!harness) return null
  const padded = Math.ceil(c.k / 4) * 4 - c.k
  const padding = new Float32Array(padded)
  const withPadding = (part: Float32Array): Float32Array => Float32Array.from([...part, ...padding])
  const result = await runSteps(harness, {
    rows: c.bucket,
    batch: plainRows(c.rows),
    steps: [stepOf(c)],
    inputs: { x: data.x, residual: data.residual },
    matrices: {
      w: {
        format: c.format,
        cols: c.k,
        parts: [{ name: 'w', data: data.weights, bias: data.bias }],
        maxBytes,
      },
    },
    vectors: { norm: [withPadding(data.gain), withPadding(data.shift)] },
  })
  const y = result.tensors.get('y')
  invariant(y, 'the run made y')
  return { y: y.subarray(0, c.bucket * c.n), dispatches: result.dispatches }
}

async function check(c: LinearCase): Promise<number | null> {
  const data = drawData(c, randomSource(c.seed))
  const run = await runCase(c, data)
  if (!run) return null
  const expected = oracle(c, { ...data, weights: stored(c.format, c.k, data.weights) })
  const error = worstRow(run.y, expected, c.rows, c.n)
  expect(error, JSON.stringify(c)).toBeLessThanOrEqual(F32)
  return error
}

/** Widths in thirds: those that blocks divide into, and odd ones for plain formats. */
const PLAIN_K = [4, 6, 33, 100, 132, 260]
const BLOCK_K = [32, 64, 96, 160, 256, 288]
const OUTPUTS = [1, 3, 4, 5, 31, 33, 65]

const ALL_OPS = [
  'linear',
  'linear_add',
  'linear_activation',
  'norm_linear',
  'norm_linear_activation',
  'norm_gated',
] as const

const BUCKETS = [1, 2, 4, 8] as const
const NORMS = ['rms_norm', 'layer_norm'] as const
const ACTIVATION_NAMES = ['silu', 'gelu', 'gelu_tanh'] as const

/** Every op in every format; the rest takes turns, so that each of its values comes several times. */
const MAIN_PIPELINES = ALL_OPS.flatMap((op, o) =>
  FORMATS.map((format, f) => ({
    op,
    format,
    features: FEATURES[(3 * f + o) % 8]!,
    workgroup: WORKGROUPS[(f + o) % 4]!,
    bucket: BUCKETS[(f + 2 * o + (o >> 1)) % 4]!,
    norm: NORMS[(f + o) % 2]!,
    activation: ACTIVATION_NAMES[(f + o) % 3]!,
  })),
)

/** What a pipeline is compiled for. */
const PIPELINES = ALL
  ? pairwise({
      op: ALL_OPS,
      features: FEATURES,
      workgroup: WORKGROUPS,
      format: FORMATS,
      bucket: BUCKETS,
      norm: NORMS,
      activation: ACTIVATION_NAMES,
    })
  : MAIN_PIPELINES

/** The tiled kernel's workgroup is its own, and it sums without subgroups. */
const TILED = pairwise({
  op: ALL_OPS.slice(0, 3),
  features: ['', 'f16-'] as const,
  format: FORMATS,
  activation: ['silu', 'gelu', 'gelu_tanh'] as const,
}).map((pipeline) => ({ ...pipeline, workgroup: 64 as const, norm: 'rms_norm' as const }))

/** Shapes are cheap beside pipelines: each pipeline takes every third, so that all pairs of shapes meet each op. */
function shapes<P extends { format: LoadFormat }>(
  pipelines: readonly P[],
  rowsOf: (p: P) => readonly number[],
) {
  const list = pairwise({
    rows: [0, 1, 2, 3],
    width: [0, 1, 2, 3, 4, 5],
    n: OUTPUTS,
    bias: [false, true],
    outliers: [false, true],
  })
  return pipelines.flatMap((pipeline, p) =>
    list
      .filter((_, i) => i % 3 === p % 3)
      .map(({ rows: row, width, ...rest }, i) => {
        const blocks = pipeline.format === 'q8_0' || pipeline.format === 'q4_0'
        const choices = rowsOf(pipeline)
        const rows = choices[row % choices.length]!
        const k = (blocks ? BLOCK_K : PLAIN_K)[width]!
        return { ...pipeline, ...rest, rows, k, bucket: bucketOf(rows), seed: p * 100 + i }
      }),
  )
}

async function checkAll(list: readonly LinearCase[]): Promise<void> {
  const errors = await Promise.all(list.map(check))
  const ran = errors.filter((error) => error !== null)
  expect(ran.length).toBeGreaterThan(0)
}

test('products of 1 to 8 rows (matvec), every op, variant, format and shape', async () => {
  const rows = { 1: [1], 2: [2], 4: [3, 4], 8: [5, 8] } as const
  await checkAll(shapes(PIPELINES, ({ bucket }) => rows[bucket]))
})

test('products of more rows (tiled matmul), every pair of op, variant, format and shape', async () => {
  await checkAll(shapes(TILED, () => [19, 20, 21, 33]))
})

const PLAIN: LinearCase = {
  op: 'linear',
  features: '',
  workgroup: 64,
  format: 'f32',
  rows: 2,
  bucket: 2,
  k: 8,
  n: 4,
  norm: 'rms_norm',
  activation: 'silu',
  bias: true,
  outliers: false,
  seed: 77,
}

test('more than 65,535 workgroups go into two dimensions', async () => {
  await check({ ...PLAIN, workgroup: 32, n: 4 * 65_535 + 5, k: 4 })
})

test.each(FORMATS)('a matrix in shards of rows: %s', async (format) => {
  for (const op of ['linear', 'linear_add', 'norm_linear'] as const) {
    for (const rows of op === 'norm_linear' ? [3] : [3, 33]) {
      const c = { ...PLAIN, op, format, rows, bucket: bucketOf(rows), k: 64, n: 65 }
      const data = drawData(c, randomSource(5))
      const run = await runCase(c, data, 1200)
      const expected = oracle(c, { ...data, weights: stored(format, c.k, data.weights) })
      invariant(run, 'the plain variant runs everywhere')
      expect(run.dispatches).toBeGreaterThan(1)
      expect(worstRow(run.y, expected, rows, c.n), `${op}, ${rows} rows`).toBeLessThanOrEqual(F32)
    }
  }
})

test('a part of a stacked matrix, with its bias', async () => {
  const random = randomSource(9)
  const [k, parts] = [32, { q: 10, k: 6, v: 7 }]
  for (const format of FORMATS) {
    const harness = await openHarness('wg32')
    invariant(harness, 'the plain variant runs everywhere')
    const x = random.normal(3 * k)
    const even = format === 'q8_0' || format === 'q4_0'
    const list = Object.entries(parts).map(([name, rows]) => ({
      name,
      data: random.normal((even ? rows + (rows % 2) : rows) * k),
      bias: random.normal(even ? rows + (rows % 2) : rows),
    }))
    for (const { name, data, bias } of list) {
      const { tensors } = await runSteps(harness, {
        rows: 4,
        batch: plainRows(3),
        steps: [
          opStep('y', 'linear', {
            inputs: ['x'],
            axes: features(4, bias.length),
            params: [param(name, 'matrix')],
            attrs: { matrix: name, scale: 1, softcap: null },
          }),
        ],
        inputs: { x },
        matrices: { qkv: { format, cols: k, parts: list } },
      })
      const expected = matmul(x, stored(format, k, data), k, bias)
      const got = tensors.get('y')!.subarray(0, 4 * bias.length)
      expect(worstRow(got, expected, 3, bias.length), `${format} ${name}`).toBeLessThanOrEqual(F32)
    }
  }
})

test('f16 storage stays near f32', async () => {
  const c = { ...PLAIN, format: 'f16', k: 260, n: 33, rows: 8, bucket: 8 } as const
  const data = drawData(c, randomSource(3))
  const run = await runCase(c, data)
  invariant(run, 'the plain variant runs everywhere')
  expect(worstRow(run.y, oracle(c, data), 8, 33)).toBeLessThanOrEqual(F16_ROUNDING)
})

test('only rows that need logits run, into their rows of the ring', async () => {
  const random = randomSource(21)
  const [k, n, ring] = [40, 37, 7]
  for (const [logitRows, wanted] of [
    [2, [3, 1]],
    [1, [4]],
    [20, [0, 1, 2, 3, 4]],
  ] as const) {
    const harness = await openHarness('wg32')
    invariant(harness, 'the plain variant runs everywhere')
    const [x, gain, weights] = [random.normal(5 * k), random.normal(k), random.normal(n * k)]
    const ringRowOf = (row: number): number => (row * 2 + 1) % ring
    const batch = plainRows(5).map((row, i) => ({
      ...row,
      logits: (wanted as readonly number[]).includes(i)
        ? {
            ringRow: ringRowOf(i),
            candidates: 1,
            inverseTemperature: 0,
            topK: 0,
            topP: 1,
            minP: 0,
            seed: [0, 0] as const,
            counter: 0,
          }
        : undefined,
    }))
    const fused = logitRows <= 8
    const matrix = param('w', 'matrix')
    const attrs = { matrix: 'w', scale: 1, softcap: null }
    const head = {
      inputs: ['x'],
      axes: features(ring, n),
      params: fused ? [param('norm'), matrix] : [matrix],
      rows: 'logits',
    } as const
    const { tensors } = await runSteps(harness, {
      rows: 8,
      logitRows,
      batch,
      steps: [
        fused
          ? opStep('logits', 'norm_linear', {
              ...head,
              attrs: { ...attrs, norm: rowNorm('rms_norm', k, EPS) },
            })
          : opStep('logits', 'linear', { ...head, attrs }),
      ],
      inputs: { x },
      matrices: { w: { format: 'f32', cols: k, parts: [{ name: 'w', data: weights }] } },
      vectors: { norm: [gain] },
    })
    const expected = matmul(fused ? rmsNorm(x, gain, EPS) : x, weights, k)
    const got = tensors.get('logits')!
    for (const row of wanted) {
      const at = ringRowOf(row) * n
      expect(nmse(got.subarray(at, at + n), expected.subarray(row * n, (row + 1) * n))).toBeLessThanOrEqual(
        F32,
      )
    }
    const free = Array.from({ length: ring }, (_, r) => r).filter(
      (r) => !wanted.some((row) => ringRowOf(row) === r),
    )
    for (const r of free) expect(untouched(got.subarray(r * n, (r + 1) * n))).toBe(true)
  }
})
