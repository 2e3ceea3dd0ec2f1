import { expect, test } from 'vitest'
import { ropeTable } from '../../src/run/ropeTable.ts'
import type { RopeAttrs, RopeTable } from '../../src/program/attrs.ts'
import { casesOf } from '../all.ts'
import { attention, rope, writePages } from '../reference.ts'
import {
  cacheStep,
  expectSamePool,
  makeScene,
  poolWords,
  SIGHTS,
  type Shape,
  type Sight,
} from './attentionScene.ts'
import { F32, features, openHarness, opStep, runSteps, worstRow, type Harness } from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const HEAD_SIZES = [8, 12, 20, 32, 64, 80, 96, 128, 256]
/** One less, equal and one more than a page (32) and a split of decode attention (128). */
const LENGTHS = [1, 2, 31, 32, 33, 127, 128, 129, 160]

const bucketOf = (rows: number): number => [1, 2, 4, 8, 32, 128].find((size) => rows <= size) ?? 128

/** Cache, then attention, as one program; both the pool and the result are compared. */
async function checkAttention(
  harness: Harness,
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
  sight?: Sight,
) {
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
  sight?: Sight
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
        await checkAttention(
          harness,
          { ...c.kernel, kvHeads: c.kvHeads },
          sequencesOf(c, seed),
          seed,
          c.sight,
        ),
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

test('masks and windows, in either kernel', async () => {
  const cases = pairwise({ ...SHAPES, sight: SIGHTS, rows: [1, 8, 33], before: [0, 31, 100] })
  await runAll(cases, ({ rows, before }) => [
    { length: before + rows, rows },
    { length: 3, rows: 0 },
  ])
})

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
