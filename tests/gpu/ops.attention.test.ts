import { expect, test } from 'vitest'
import { casesOf } from '../all.ts'
import { checkAttention, checkFused } from './attentionChecks.ts'
import { SIGHTS, type Sight } from './attentionScene.ts'
import { F32, openHarness } from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const HEAD_SIZES = [8, 12, 20, 32, 64, 80, 96, 128, 256]
/** One less, equal and one more than a page (32) and a split of decode attention (128). */
const LENGTHS = [1, 2, 31, 32, 33, 127, 128, 129, 160]

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
        await checkAttention(harness, { ...c.kernel, kvHeads: c.kvHeads }, sequencesOf(c, seed), seed, {
          sight: c.sight,
        }),
        JSON.stringify(c),
      ).toBeLessThanOrEqual(F32)
    }),
  )
}

/** What kernels are compiled for: every head size, ratio of heads and workgroup, but not all of their pairs. */
const EVERY_KERNEL = HEAD_SIZES.map((headDim, i) => ({
  headDim,
  group: [1, 2, 3, 8, 17][i % 5]!,
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
