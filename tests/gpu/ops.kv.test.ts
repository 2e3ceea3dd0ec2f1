import { beforeAll, describe, expect, test } from 'vitest'
import type { KvFormatName } from '../../src/api/load.ts'
import { kvFormat } from '../../src/ops/kvFormats.ts'
import { casesOf } from '../all.ts'
import { checkAttention, checkChain, checkFused, type Kept } from './attentionChecks.ts'
import { F32, openHarness, type Harness } from './opHarness.ts'
import { refusal } from './engine.support.ts'

/**
 * What a stored value may be off by, relative to the largest of its block of 32: f16 half a step of 2^-11, twice that where a device does
 * not round to nearest; q8_0 half of 1/127, and as much as its f16 scale is off.
 */
const ERROR: Readonly<Record<KvFormatName, number>> = { f32: 0, f16: 2 ** -10, q8_0: 1 / 254 + 2 ** -10 }
const FORMATS = ['f32', 'f16', 'q8_0'] as const

/** Head sizes of less than a block, of one and a half, of whole pairs, and of pairs and a half. */
const KERNELS = casesOf({
  main: [
    { headDim: 64, group: 3, kvHeads: 3, variant: 'perthread-wg64' },
    { headDim: 20, group: 1, kvHeads: 2, variant: 'wg32' },
  ],
  more: [
    { headDim: 80, group: 2, kvHeads: 1, variant: 'subgroups-wg64' },
    { headDim: 160, group: 4, kvHeads: 1, variant: 'f16-subgroups-wg128' },
    { headDim: 256, group: 1, kvHeads: 1, variant: 'perthread-wg32' },
  ],
})

describe.each(FORMATS)('keys and values in %s', (name) => {
  let cache: Kept
  beforeAll(async () => {
    cache = { format: await kvFormat(name), error: ERROR[name] }
  })

  describe.each(KERNELS)('heads of $headDim, $variant', ({ variant, ...shape }) => {
    const withHarness = async (run: (harness: Harness) => Promise<void>): Promise<void> => {
      const harness = await openHarness(variant)
      if (harness) await run(harness)
    }

    test('written and read by decode and prefill attention', () =>
      withHarness(async (harness) => {
        for (const [seed, sequences] of [
          [
            { length: 129, rows: 1 },
            { length: 7, rows: 1 },
          ],
          [
            { length: 40, rows: 33 },
            { length: 1, rows: 1 },
          ],
        ].entries())
          expect(await checkAttention(harness, shape, sequences, seed, { cache })).toBeLessThanOrEqual(F32)
      }))

    test('by scores and context, step by step', () =>
      withHarness((harness) => checkChain(harness, shape, { length: 45, count: 5, seed: 3 }, { cache })))

    test('by the kernel that turns queries and keys', () =>
      withHarness(async (harness) => {
        await checkFused(harness, shape, 'half', [{ length: 99, rows: 3 }], 4, { cache })
        await checkFused(harness, shape, 'interleaved', [{ length: 20, rows: 20 }], 5, { cache })
      }))
  })
})

test('another name is refused', async () => {
  await refusal(kvFormat('q4_0' as KvFormatName), 'bad-argument')
})
