import { test } from 'vitest'
import { checkChain } from './attentionChecks.ts'
import { CAUSAL, SIGHTS } from './attentionScene.ts'
import { openHarness } from './opHarness.ts'
import { pairwise } from './pairwise.ts'

test('scores, softmax and context, step by step', async () => {
  const cases = pairwise({
    group: [1, 2, 3, 8],
    kvHeads: [1, 3],
    headDim: [8, 12, 20, 64, 256],
    features: ['', 'subgroups-'] as const,
    workgroup: [32, 64, 128, 256],
    rows: [1, 3, 5, 20],
    before: [0, 1, 12, 31, 120],
    sight: [CAUSAL, ...SIGHTS],
  })
  await Promise.all(
    cases.map(async (c, seed) => {
      const harness = await openHarness(`${c.features}wg${c.workgroup}`)
      if (harness)
        await checkChain(harness, c, { length: c.before + c.rows, count: c.rows, seed }, { sight: c.sight })
    }),
  )
})
