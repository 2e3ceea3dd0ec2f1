import { expect, test } from 'vitest'
import { attentionContext, attentionProbs, attentionScores, writePages } from '../reference.ts'
import { cacheStep, CAUSAL, makeScene, poolWords, SIGHTS, type Shape, type Sight } from './attentionScene.ts'
import {
  attended,
  F32,
  features,
  openHarness,
  opStep,
  runSteps,
  worstRow,
  type Harness,
} from './opHarness.ts'
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
      if (harness) await checkChain(harness, c, c.sight, [c.before + c.rows, c.rows], seed)
    }),
  )
})

async function checkChain(
  harness: Harness,
  shape: Shape,
  sight: Sight,
  [length, count]: readonly [number, number],
  seed: number,
) {
  const scene = makeScene(shape, [{ length, rows: count }], seed, sight)
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
