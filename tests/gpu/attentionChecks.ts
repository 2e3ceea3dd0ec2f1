import { expect } from 'vitest'
import { KV_F32, type KvFormat } from '../../src/ops/kvFormats.ts'
import type { RopeAttrs, RopeTable } from '../../src/program/attrs.ts'
import { ropeTable } from '../../src/run/ropeTable.ts'
import {
  attention,
  attentionContext,
  attentionProbs,
  attentionScores,
  readPages,
  rope,
  writePages,
  type PagedValues,
} from '../reference.ts'
import { cacheStep, CAUSAL, makeScene, type Scene, type Shape, type Sight } from './attentionScene.ts'
import { decodePages, encodePages } from './kvPages.ts'
import { attended, F32, features, opStep, runSteps, worstRow, type Harness } from './opHarness.ts'

/** How the cache is kept, and what a stored value may be off by, relative to the largest beside it. */
export interface Kept {
  readonly format: KvFormat
  readonly error: number
}

const EXACT: Kept = { format: KV_F32, error: 0 }

/** What an attention is checked under; default: causal over a cache in f32. */
interface How {
  cache?: Kept
  sight?: Sight | undefined
}

/**
 * The pool as it was left holds what was written, each value within what its format rounds, and nothing else. From here on `want` is what
 * the GPU holds, so that attention over it is compared exactly.
 */
function expectPool(
  got: Float32Array,
  expected: PagedValues,
  { format, error }: Kept,
  headDim: number,
  slack = 0,
): void {
  const values = decodePages(got, format.name, headDim)
  for (let begin = 0; begin < values.length; begin += headDim) {
    for (let i = begin; i < begin + headDim; i++) {
      const [value, wanted] = [values[i]!, expected.values[i]!]
      const block = Math.floor((i - begin) / 32) * 32 + begin
      const beside = expected.values.subarray(block, Math.min(block + 32, begin + headDim))
      const peak = beside.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
      const same = Number.isNaN(wanted)
        ? Number.isNaN(value)
        : Math.abs(value - wanted) <= error * peak + slack
      if (!same)
        throw new Error(`${format.name} row ${begin / headDim}, ${i - begin}: ${value}, want ${wanted}`)
    }
  }
  expected.values.set(values)
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

/** Cache, then attention, as one program; both the pool and the result are compared. */
export async function checkAttention(
  harness: Harness,
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
  { cache = EXACT, sight = CAUSAL }: How = {},
): Promise<number> {
  const scene = makeScene(shape, sequences, seed, sight)
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
  const expected = attention(scene.q, scene.k, scene.v, rows, { ...shape, heads: attrs.heads })
  return worstRow(tensors.get('context')!, expected, rows.length, width)
}

export async function checkChain(
  harness: Harness,
  shape: Shape,
  { length, count, seed }: { length: number; count: number; seed: number },
  { cache = EXACT, sight = CAUSAL }: How = {},
): Promise<void> {
  const scene = makeScene(shape, [{ length, rows: count }], seed, sight)
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
  for (const [name, expected] of [
    ['scores', scores],
    ['probs', probs],
  ] as const) {
    for (let h = 0; h < heads; h++) {
      // Each head has its own rows, and one past the count.
      const got = tensors.get(name)!.subarray(h * bucket * length, (h + 1) * bucket * length)
      const own = expected.subarray(h * count * length, (h + 1) * count * length)
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
  { cache = EXACT }: How = {},
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
  const expected = attention(q, scene.k, scene.v, rows, { ...shape, heads })
  expect(worstRow(tensors.get('context')!, expected, rows.length, widths[0])).toBeLessThanOrEqual(F32)
}
