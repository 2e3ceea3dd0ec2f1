import { expect } from 'vitest'
import { KV_F32, type KvFormat } from '../../src/ops/kvFormats.ts'
import type { BatchRow } from '../../src/run/batch.ts'
import { ropeTable } from '../../src/run/ropeTable.ts'
import type { RopeAttrs, RopeTable, ScoresAttrs } from '../../src/program/attrs.ts'
import type { Step } from '../../src/program/step.ts'
import { randomSource, type RandomSource } from '../random.ts'
import {
  attention,
  attentionContext,
  attentionProbs,
  attentionScores,
  createPages,
  rope,
  readPages,
  writePages,
  type PagedValues,
  type Row,
} from '../reference.ts'
import { decodePages, encodePages } from './kvPages.ts'
import { attended, F32, features, kept, opStep, runSteps, worstRow, type Harness } from './opHarness.ts'

export interface Shape {
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

/** How the cache is kept, and what a stored value may be off by, relative to the largest beside it. */
export interface Kept {
  readonly format: KvFormat
  readonly error: number
}

export const EXACT: Kept = { format: KV_F32, error: 0 }

/**
 * The pool as it was left holds what was written, each value within what its format rounds, and nothing else. From here on `want` is what
 * the GPU holds, so that attention over it is compared exactly.
 */
function expectPool(
  got: Float32Array,
  want: PagedValues,
  { format, error }: Kept,
  headDim: number,
  slack = 0,
): void {
  const values = decodePages(got, format.name, headDim)
  for (let begin = 0; begin < values.length; begin += headDim) {
    for (let i = begin; i < begin + headDim; i++) {
      const [value, wanted] = [values[i]!, want.values[i]!]
      const block = Math.floor((i - begin) / 32) * 32 + begin
      const beside = want.values.subarray(block, Math.min(block + 32, begin + headDim))
      const peak = beside.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
      const same = Number.isNaN(wanted)
        ? Number.isNaN(value)
        : Math.abs(value - wanted) <= error * peak + slack
      if (!same)
        throw new Error(`${format.name} row ${begin / headDim}, ${i - begin}: ${value}, want ${wanted}`)
    }
  }
  want.values.set(values)
}

/** The pools as they lie on the GPU. */
function poolWords({ k, v, attrs }: Scene, { format }: Kept): { k: Float32Array; v: Float32Array } {
  const words = ({ values }: PagedValues): Float32Array => encodePages(values, format.name, attrs.headDim)
  return { k: words(k), v: words(v) }
}

/** The step's tensor holds what the pages hold now of the new rows. */
function expectWritten(tensor: Float32Array, pages: PagedValues, { rows, attrs }: Scene): void {
  const size = attrs.kvHeads * attrs.headDim
  rows.forEach(({ sequence, position }, r) => {
    const held = readPages(pages, attrs, sequence, position + 1).subarray(-size)
    // Adding 0 makes +0 of −0.
    const got = tensor.subarray(r * size, (r + 1) * size).map((value) => value + 0)
    expect(got).toEqual(Float32Array.from(held, (value) => value + 0))
  })
}

const bucketOf = (rows: number): number => [1, 2, 4, 8, 32, 128].find((size) => rows <= size) ?? 128

function cacheStep({ kvHeads, headDim, window }: ScoresAttrs, rows: number): Step {
  const attrs = { kvHeads, headDim, window }
  return opStep('cache', 'cache', { inputs: ['k', 'v'], axes: kept(rows, kvHeads * headDim), attrs })
}

/** Cache, then attention, as one program; both the pool and the result are compared. */
export async function checkAttention(
  harness: Harness,
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
  cache = EXACT,
): Promise<number> {
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
    pages: poolWords(scene, cache),
    kv: cache.format,
  })
  writePages(scene.k, shape, rows, scene.newK)
  writePages(scene.v, shape, rows, scene.newV)
  expectPool(k, scene.k, cache, shape.headDim)
  expectPool(v, scene.v, cache, shape.headDim)
  const written = tensors.get('cache')!
  const half = written.length / 2
  expectWritten(written, scene.k, scene)
  expectWritten(written.subarray(half), scene.v, scene)
  const want = attention(scene.q, scene.k, scene.v, rows, { ...shape, heads: attrs.heads })
  return worstRow(tensors.get('context')!, want, rows.length, width)
}

export async function checkChain(
  harness: Harness,
  shape: Shape,
  { length, count, seed }: { length: number; count: number; seed: number },
  cache = EXACT,
): Promise<void> {
  const scene = makeScene(shape, [{ length, rows: count }], seed)
  const { attrs, rows, batch } = scene
  const bucket = count + 1
  const { heads, headDim } = attrs
  const square = attended(heads, bucket, length)
  const { tensors, k, v } = await runSteps(harness, {
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
    pages: poolWords(scene, cache),
    kv: cache.format,
  })
  writePages(scene.k, shape, rows, scene.newK)
  writePages(scene.v, shape, rows, scene.newV)
  expectPool(k, scene.k, cache, headDim)
  expectPool(v, scene.v, cache, headDim)
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

export async function checkFused(
  harness: Harness,
  shape: Shape,
  kind: 'half' | 'interleaved' | 'partial' | 'none',
  sequences: readonly { length: number; rows: number }[],
  seed: number,
  cache = EXACT,
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
    pages: poolWords(scene, cache),
    kv: cache.format,
    ropeTable: kind === 'none' ? new Float32Array(4) : table,
  })
  const positions = rows.map(({ position }) => position)
  const turn = (x: Float32Array, count: number) =>
    kind === 'none' ? x : rope(x, { heads: count, headDim, rotaryDim, layout }, positions, tables)
  const q = turn(scene.q, heads)
  expect(worstRow(tensors.get('rope_cache')!, q, rows.length, widths[0])).toBeLessThanOrEqual(F32)
  writePages(scene.k, shape, rows, turn(scene.newK, kvHeads))
  writePages(scene.v, shape, rows, scene.newV)
  expectPool(v, scene.v, cache, headDim)
  expectPool(k, scene.k, cache, headDim, 1e-5)
  const want = attention(q, scene.k, scene.v, rows, { ...shape, heads })
  expect(worstRow(tensors.get('context')!, want, rows.length, widths[0])).toBeLessThanOrEqual(F32)
}
