import { expect, test } from 'vitest'
import type { BatchRow } from '../../src/run/batch.ts'
import { ropeTable } from '../../src/run/ropeTable.ts'
import type { RopeAttrs, RopeTable, ScoresAttrs } from '../../src/program/attrs.ts'
import type { Step } from '../../src/program/step.ts'
import { casesOf } from '../all.ts'
import { randomSource, type RandomSource } from '../random.ts'
import {
  attention,
  attentionContext,
  attentionProbs,
  attentionScores,
  createPages,
  rope,
  writePages,
  type PagedValues,
  type Row,
} from '../reference.ts'
import {
  attended,
  CANARY,
  F32,
  features,
  kept,
  openHarness,
  opStep,
  runSteps,
  worstRow,
  type Harness,
} from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const HEAD_SIZES = [8, 12, 20, 32, 64, 80, 96, 128, 256]
/** One less, equal and one more than a page (32) and a split of decode attention (128). */
const LENGTHS = [1, 2, 31, 32, 33, 127, 128, 129, 160]

interface Shape {
  group: number
  kvHeads: number
  headDim: number
}

/** Sequences of some lengths whose last rows are new, in pages that lie shuffled in the pool. */
interface Scene {
  attrs: ScoresAttrs
  rows: Row[]
  batch: BatchRow[]
  lengths: number[]
  k: PagedValues
  v: PagedValues
  /** Keys and values of the new rows, [rows, kvHeads · headDim]. */
  newK: Float32Array
  newV: Float32Array
  q: Float32Array
  pool: number
}

function shuffledTables(
  lengths: readonly number[],
  random: RandomSource,
): { tables: number[][]; pool: number } {
  const pool = lengths.reduce((sum, length) => sum + Math.ceil(length / 32), 0) + 2
  const order = random.permutation(pool)
  return { tables: lengths.map((length) => order.splice(0, Math.ceil(length / 32))), pool }
}

function makeScene(
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
): Scene {
  const random = randomSource(seed)
  const { group, kvHeads, headDim } = shape
  const heads = group * kvHeads
  const lengths = sequences.map(({ length }) => length)
  const { tables, pool } = shuffledTables(lengths, random)
  const k = createPages(pool, shape, tables)
  const v = createPages(pool, shape, tables)
  k.values.fill(NaN)
  v.values.fill(NaN)
  const size = kvHeads * headDim
  for (const [sequence, { length, rows }] of sequences.entries()) {
    const held = Array.from({ length: length - rows }, (_, position) => ({ sequence, position }))
    writePages(k, shape, held, random.normal(held.length * size))
    writePages(v, shape, held, random.outliers(held.length * size + 1))
  }
  const rows = sequences.flatMap(({ length, rows: count }, sequence) =>
    Array.from({ length: count }, (_, i) => ({ sequence, position: length - count + i })),
  )
  const batch = rows.map(({ sequence, position }) => ({
    token: 0,
    position,
    pages: tables[sequence]!,
    slot: sequence,
  }))
  return {
    attrs: { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim), softcap: null, window: null },
    rows,
    batch,
    lengths,
    k,
    v,
    newK: random.normal(rows.length * size),
    newV: random.outliers(rows.length * size),
    q: random.normal(rows.length * heads * headDim, 2),
    pool,
  }
}

/** The pool as it lies on the GPU: NaN with the canary's bits where nothing is held. */
function poolWords({ values }: PagedValues): Float32Array {
  const words = Float32Array.from(values)
  const bits = new Uint32Array(words.buffer)
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = CANARY
  })
  return words
}

function expectSamePool(got: Float32Array, want: PagedValues): void {
  expect(
    Buffer.compare(
      Buffer.from(got.buffer, got.byteOffset, got.byteLength),
      Buffer.from(poolWords(want).buffer),
    ),
  ).toBe(0)
}

const bucketOf = (rows: number): number => [1, 2, 4, 8, 32, 128].find((size) => rows <= size) ?? 128

function cacheStep({ kvHeads, headDim, window }: ScoresAttrs, rows: number): Step {
  const attrs = { kvHeads, headDim, window }
  return opStep('cache', 'cache', { inputs: ['k', 'v'], axes: kept(rows, kvHeads * headDim), attrs })
}

/** Cache, then attention, as one program; both the pool and the result are compared. */
async function checkAttention(
  harness: Harness,
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
) {
  const scene = makeScene(shape, sequences, seed)
  const { attrs, rows, batch } = scene
  const bucket = bucketOf(rows.length)
  const width = attrs.heads * attrs.headDim
  const { tensors, k, v } = await runSteps(harness, {
    rows: bucket,
    positions: 512,
    batch,
    steps: [
      cacheStep(attrs, bucket),
      opStep('context', 'attention', { inputs: ['q', 'cache'], axes: features(bucket, width), attrs }),
    ],
    inputs: { q: scene.q, k: scene.newK, v: scene.newV },
    pages: { k: poolWords(scene.k), v: poolWords(scene.v) },
  })
  writePages(scene.k, shape, rows, scene.newK)
  writePages(scene.v, shape, rows, scene.newV)
  expectSamePool(k, scene.k)
  expectSamePool(v, scene.v)
  const written = tensors.get('cache')!
  expect(written.subarray(0, scene.newK.length)).toEqual(scene.newK)
  const half = written.length / 2
  expect(written.subarray(half, half + scene.newV.length)).toEqual(scene.newV)
  const want = attention(scene.q, scene.k, scene.v, rows, { ...shape, heads: attrs.heads })
  return worstRow(tensors.get('context')!, want, rows.length, width)
}

interface AttentionCase {
  kernel: (typeof KERNELS)[number]
  kvHeads: number
}

async function runAll<C extends AttentionCase>(
  cases: readonly C[],
  sequencesOf: (c: C, seed: number) => { length: number; rows: number }[],
): Promise<void> {
  await Promise.all(
    cases.map(async (c, seed) => {
      const { features, workgroup } = c.kernel
      const harness = await openHarness(`${features}wg${workgroup}`)
      if (!harness) return
      expect(
        await checkAttention(harness, { ...c.kernel, kvHeads: c.kvHeads }, sequencesOf(c, seed), seed),
        JSON.stringify(c),
      ).toBeLessThanOrEqual(F32)
    }),
  )
}

/** What kernels are compiled for: every head size, ratio of heads and workgroup, but not all of their pairs. */
const EVERY_KERNEL = HEAD_SIZES.map((headDim, i) => ({
  headDim,
  group: [1, 2, 3, 8][i % 4]!,
  features: ['f16-subgroups-', '', 'perthread-'][i % 3]!,
  workgroup: [32, 64, 128, 256][(i + (i >> 2)) % 4]!,
}))
/** The main ones: the usual head sizes and one that is no power of two, every workgroup and every set of features once. */
const isMain = ({ headDim }: { headDim: number }): boolean => [20, 32, 64, 128].includes(headDim)
const KERNELS = casesOf({
  main: EVERY_KERNEL.filter(isMain),
  more: EVERY_KERNEL.filter((kernel) => !isMain(kernel)),
})
const SHAPES = { kernel: KERNELS, kvHeads: [1, 3] }

test('decode attention (split and join): one row of a sequence, and of several', async () => {
  const cases = pairwise({ ...SHAPES, length: LENGTHS, count: [1, 3, 5, 8] })
  await runAll(cases, ({ length, count }, seed) =>
    Array.from({ length: count }, (_, i) => ({
      length: i === 0 ? length : LENGTHS[(seed + 2 * i) % 9]!,
      rows: 1,
    })),
  )
})

test('decode attention over several rows of one sequence, as when a draft is checked', async () => {
  const cases = pairwise({
    ...SHAPES,
    length: [8, 33, 130],
  })
  await runAll(cases, ({ length }) => [
    { length, rows: 5 },
    { length: 3, rows: 3 },
  ])
})

test('prefill attention: tiles of one sequence and ragged rows of several', async () => {
  const cases = pairwise({
    ...SHAPES,
    rows: [19, 20, 21, 33],
    ragged: [false, true],
    before: [0, 1, 31, 32, 96, 127],
  })
  await runAll(cases, ({ rows, ragged, before }) =>
    ragged
      ? [
          { length: before + 7, rows: 7 },
          { length: 1, rows: 1 },
          { length: rows - 8, rows: rows - 8 },
        ]
      : [{ length: before + rows, rows }],
  )
})

test('scores, softmax and context, step by step', async () => {
  const cases = pairwise({
    group: [1, 2, 3, 8],
    kvHeads: [1, 3],
    headDim: [8, 12, 20, 64, 256],
    features: ['', 'subgroups-'] as const,
    workgroup: [32, 64, 128, 256],
    rows: [1, 3, 5, 20],
    before: [0, 1, 12, 31, 120],
  })
  await Promise.all(
    cases.map(async (c, seed) => {
      const harness = await openHarness(`${c.features}wg${c.workgroup}`)
      if (harness) await checkChain(harness, c, c.before + c.rows, c.rows, seed)
    }),
  )
})

async function checkChain(harness: Harness, shape: Shape, length: number, count: number, seed: number) {
  const scene = makeScene(shape, [{ length, rows: count }], seed)
  const { attrs, rows, batch } = scene
  const bucket = count + 1
  const { heads, headDim } = attrs
  const square = attended(heads, bucket, length)
  const { tensors } = await runSteps(harness, {
    rows: bucket,
    positions: length,
    batch,
    steps: [
      cacheStep(attrs, bucket),
      opStep('scores', 'scores', { inputs: ['q', 'cache'], axes: square, attrs }),
      opStep('probs', 'softmax', { inputs: ['scores'], axes: square, attrs }),
      opStep('context', 'context', {
        inputs: ['probs', 'cache'],
        axes: features(bucket, heads * headDim),
        attrs,
      }),
    ],
    inputs: { q: scene.q, k: scene.newK, v: scene.newV },
    pages: { k: poolWords(scene.k), v: poolWords(scene.v) },
  })
  writePages(scene.k, shape, rows, scene.newK)
  writePages(scene.v, shape, rows, scene.newV)
  const scores = attentionScores(scene.q, scene.k, rows, { ...shape, heads }, length)
  const probs = attentionProbs(scores, rows, heads)
  const context = attentionContext(probs, scene.v, rows, { ...shape, heads })
  for (const [name, want] of [
    ['scores', scores],
    ['probs', probs],
  ] as const) {
    for (let h = 0; h < heads; h++) {
      // Each head has its own rows, and one past the count.
      const got = tensors.get(name)!.subarray(h * bucket * length, (h + 1) * bucket * length)
      const own = want.subarray(h * count * length, (h + 1) * count * length)
      expect(worstRow(got, own, count, length), `${name} ${JSON.stringify(shape)}`).toBeLessThanOrEqual(F32)
    }
  }
  expect(
    worstRow(tensors.get('context')!, context, count, heads * headDim),
    `context ${JSON.stringify(shape)}`,
  ).toBeLessThanOrEqual(F32)
}

test('rope and cache in one dispatch, then attention over it', async () => {
  const cases = pairwise({
    ...SHAPES,
    kind: ['half', 'interleaved', 'partial', 'none'] as const,
    rows: [1, 3, 8, 20],
    before: [0, 31, 96],
  })
  await Promise.all(
    cases.map(async (c, seed) => {
      const { features, workgroup } = c.kernel
      const harness = await openHarness(`${features}wg${workgroup}`)
      const shape = { ...c.kernel, kvHeads: c.kvHeads }
      if (harness)
        await checkFused(harness, shape, c.kind, [{ length: c.before + c.rows, rows: c.rows }], seed)
    }),
  )
})

async function checkFused(
  harness: Harness,
  shape: Shape,
  kind: 'half' | 'interleaved' | 'partial' | 'none',
  sequences: readonly { length: number; rows: number }[],
  seed: number,
): Promise<void> {
  const scene = makeScene(shape, sequences, seed)
  const { rows, batch } = scene
  const { headDim, kvHeads } = shape
  const heads = shape.group * kvHeads
  const layout = kind === 'interleaved' ? 'interleaved' : 'half'
  const rotaryDim = kind === 'partial' ? headDim / 2 : headDim
  const rotated: RopeTable = { theta: 1e4, scaling: { kind: 'none' }, rotary: rotaryDim }
  const turned: RopeAttrs | null = kind === 'none' ? null : { headDim, layout, table: rotated }
  const tables = ropeTable(rotated, 256)
  const half = rotaryDim / 2
  const table = new Float32Array(256 * rotaryDim)
  for (let p = 0; p < 256; p++) {
    table.set(tables.cos.subarray(p * half, (p + 1) * half), p * rotaryDim)
    table.set(tables.sin.subarray(p * half, (p + 1) * half), p * rotaryDim + half)
  }
  const widths = [heads * headDim, kvHeads * headDim, kvHeads * headDim] as const
  const width = widths[0] + 2 * widths[1]
  const qkv = new Float32Array(rows.length * width)
  rows.forEach((_, r) => {
    qkv.set(scene.q.subarray(r * widths[0], (r + 1) * widths[0]), r * width)
    qkv.set(scene.newK.subarray(r * widths[1], (r + 1) * widths[1]), r * width + widths[0])
    qkv.set(scene.newV.subarray(r * widths[1], (r + 1) * widths[1]), r * width + widths[0] + widths[1])
  })
  const bucket = bucketOf(rows.length)
  const { tensors, k, v } = await runSteps(harness, {
    rows: bucket,
    positions: 256,
    batch,
    steps: [
      opStep('rope_cache', 'rope_cache', {
        inputs: ['qkv'],
        axes: features(bucket, widths[0]),
        attrs: { heads, kvHeads, headDim, rope: turned, norm: null },
      }),
      opStep('context', 'attention', {
        inputs: ['rope_cache', 'rope_cache'],
        axes: features(bucket, widths[0]),
        attrs: scene.attrs,
      }),
    ],
    inputs: { qkv },
    pages: { k: poolWords(scene.k), v: poolWords(scene.v) },
    ropeTable: kind === 'none' ? new Float32Array(4) : table,
  })
  const positions = rows.map(({ position }) => position)
  const turn = (x: Float32Array, count: number) =>
    kind === 'none' ? x : rope(x, { heads: count, headDim, rotaryDim, layout }, positions, tables)
  const q = turn(scene.q, heads)
  expect(worstRow(tensors.get('rope_cache')!, q, rows.length, widths[0])).toBeLessThanOrEqual(F32)
  writePages(scene.k, shape, rows, turn(scene.newK, kvHeads))
  writePages(scene.v, shape, rows, scene.newV)
  expectSamePool(v, scene.v)
  k.forEach((value, i) => {
    const want = scene.k.values[i]!
    if (Number.isNaN(want) !== Number.isNaN(value) || Math.abs(value - want) > 1e-5)
      throw new Error(`k page word ${i}: got ${value}, want ${want}`)
  })
  const want = attention(q, scene.k, scene.v, rows, { ...shape, heads })
  expect(worstRow(tensors.get('context')!, want, rows.length, widths[0])).toBeLessThanOrEqual(F32)
}
