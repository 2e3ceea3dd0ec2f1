import { join } from 'node:path'
import { expect, test } from 'vitest'
import { casesOf } from '../all.ts'
import { greedyDifference, GREEDY_CASES } from '../greedy.ts'
import { maxDifference } from '../nmse.ts'
import { testDevice } from './device.ts'
import { collect } from './engine.support.ts'
import { readJson, TALES, TINY, withModel } from './modelFixtures.ts'

/**
 * Whole models in forced kernel variants: what the variant changes, the numbers must not. Single kernels meet every pair of feature,
 * workgroup and format in ops.linear.test.ts, and all other tests run the variant of the adapter. The main two are what GPUs without and
 * with features take; `npm run test:all` runs every one there is, which compiles for minutes on a software adapter.
 */
const MAIN = ['wg64', 'f16-subgroups-wg32']
const EVERY = ['', 'f16-', 'subgroups-', 'f16-subgroups-']
  .flatMap((name) => [name, `${name}perthread-`])
  .flatMap((features) => [32, 64, 128, 256].map((size) => `${features}wg${size}`))
const VARIANTS = casesOf({ main: MAIN, more: EVERY.filter((name) => !MAIN.includes(name)) })
/** The bar of the model tests: logits against an independent forward. */
const LOGITS = 1e-3
const TOKENS = 8

/** Why the adapter cannot run a variant, or null. */
async function lacking(name: string): Promise<string | null> {
  const { device, description } = await testDevice({ limits: 'adapter', features: 'all' })
  const needs = { f16: 'shader-f16', subgroups: 'subgroups' } as const
  const missing = Object.entries(needs).find(
    ([part, feature]) => name.includes(part) && !device.features.has(feature),
  )
  return missing ? `skipped: ${description} has no ${missing[1]}` : null
}

test.for(VARIANTS)('%s: greedy ids of the bundled model, logits of GPT-2', async (variant, { skip }) => {
  const reason = await lacking(variant)
  skip(reason !== null, reason ?? '')
  await withModel(TALES, { variant, weights: 'f16' }, async (model) => {
    expect(model.info).toMatchObject({ variant: { name: variant }, warnings: [] })
    const { prompt, ids, greedy, margins } = GREEDY_CASES[0]!
    const expected = { greedy: greedy.slice(0, TOKENS), margins }
    const got = await collect(model, ids, { temperature: 0, maxTokens: TOKENS, stop: [] })
    expect(greedyDifference(expected, got.ids), prompt).toBe(null)
  })
  const { ids, logits } = readJson(join(TINY, 'gpt2', 'expected.json')) as {
    ids: number[]
    logits: number[][]
  }
  await withModel(join(TINY, 'gpt2'), { variant }, async (model) => {
    expect(maxDifference((await model.logits(ids)).data, logits.flat())).toBeLessThanOrEqual(LOGITS)
  })
})
