import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/index.ts'
import { traceSteps } from '../../src/inspect/trace.ts'
import { isEditable } from '../../src/program/changes.ts'
import { BASE_CONDITIONS } from '../../src/run/conditions.ts'
import { readJson, TINY, withModel, withRunner } from './modelFixtures.ts'
import { greedyIds, worst } from './fixtureModel.ts'

const MIXTURES = ['gpt-oss', 'granitemoe', 'mixtral', 'olmoe', 'qwen2-moe', 'qwen3-moe']

const idsOf = (name: string): number[] =>
  (readJson(join(TINY, name, 'expected.json')) as { ids: number[] }).ids.slice(0, 20)

/** Scores of experts are features of a row, the numbers of those it takes are none. */
async function expectEditable(model: Model): Promise<void> {
  const steps = (await model.steps({ rows: 4 })).filter(isEditable)
  expect(steps.map(({ name }) => name)).toContain('layers.1.mlp.router')
  expect(steps.map(({ name }) => name)).not.toContain('layers.1.mlp.chosen')
}

/** An expert whose score is pushed far down is taken by no row, and the logits change. */
async function expectExpertOff(model: Model, ids: number[]): Promise<void> {
  const [router, chosen] = ['layers.1.mlp.router', 'layers.1.mlp.chosen']
  const before = await model.trace(ids, { probes: [chosen, 'logits'] })
  const off = before.get(chosen)!.data[0]!
  const experts = (await model.trace(ids, { probes: [router] })).get(router)!.shape[1]!
  const vector = Float32Array.from({ length: experts }, (_, e) => (e === off ? -1e9 : 0))
  const edits = [{ kind: 'add', step: router, vector, factor: 1 } as const]
  const after = await model.trace(ids, { probes: [chosen, 'logits'], edits })
  expect(after.get(chosen)!.data).not.toContain(off)
  expect(worst(after.get('logits')!.data, before.get('logits')!.data)).toBeGreaterThan(0)
}

/** Weights of the experts that a row takes are a softmax over their scores or over all, and the best come first. */
async function expectRouting(model: Model, ids: number[]): Promise<void> {
  const at = (step: string): string => `layers.1.mlp.${step}`
  const probes = ['router', 'chosen', 'weights'].map(at)
  const [router, chosen, weights] = [...(await model.trace(ids, { probes })).values()].map(({ data }) => data)
  const step = (await model.steps({ rows: 1 })).find(({ name }) => name === at('weights'))!
  const { over, chosen: count, experts } = step.attrs as { over: string; chosen: number; experts: number }
  for (let row = 0; row < ids.length; row++) {
    const scores = [...router!.subarray(row * experts, (row + 1) * experts)]
    const order = scores.map((score, e) => [score, e] as const).sort(([a], [b]) => b - a)
    const best = order.slice(0, count)
    expect([...chosen!.subarray(row * count, (row + 1) * count)]).toEqual(best.map(([, e]) => e))
    const total = (over === 'all' ? order : best).reduce((sum, [score]) => sum + Math.exp(score), 0)
    const expected = Float32Array.from(best, ([score]) => Math.exp(score) / total)
    expect(worst(weights!.subarray(row * count, (row + 1) * count), expected)).toBeLessThan(1e-6)
  }
}

describe('a mixture of experts is a model like any other', () => {
  test.each(MIXTURES)('%s: routing, edits, attribution and decoding', async (name) => {
    const ids = idsOf(name)
    await withModel(join(TINY, name), { weights: 'f32' }, async (model) => {
      await expectRouting(model, ids)
      await expectEditable(model)
      await expectExpertOff(model, ids)
      const { logit, sum } = await model.attribution(ids, { position: 19, token: 7 })
      expect(Math.abs(logit - sum)).toBeLessThan(1e-3)
      await greedyIds(model, ids, { maxTokens: 2, stop: [] })
      const before = await model.counters()
      await greedyIds(model, ids, { maxTokens: 6, stop: [] })
      const after = await model.counters()
      const forwards = after.forwards - before.forwards
      expect(after.submits - before.submits).toBe(forwards)
      expect(after.passes - before.passes).toBe(forwards)
      expect((after.dispatches - before.dispatches) / forwards).toBeLessThanOrEqual(2 * 12 + 6)
    })
  })
})

/** One matrix of an expert is 28 × 32 floats, 3,584 bytes; its gate and up lie in one buffer where they fit. */
describe.each(['gpt-oss', 'olmoe'])('%s on a device of small buffers', (name) => {
  test('gate and up that do not fit together are kept apart', () =>
    withRunner(join(TINY, name), { maxBytes: 5000 }, async (runner) => {
      expect(runner.weights.has('layers.0.mlp.gate_up')).toBe(false)
      const { ids, logits } = readJson(join(TINY, name, 'expected.json')) as {
        ids: number[]
        logits: number[][]
      }
      const { data } = (await traceSteps(runner, ids, ['logits'], BASE_CONDITIONS)).get('logits')!
      expect(worst(data, Float32Array.from(logits.flat()))).toBeLessThan(1e-3)
    }))

  test('an expert that fits in none is refused before anything is read', async () => {
    const loaded = withRunner(join(TINY, name), { maxBytes: 3500 }, () => Promise.resolve())
    await expect(loaded).rejects.toMatchObject({
      code: 'limit',
      message: expect.stringMatching(
        / for an expert of layers\.0\.mlp\.gate; this device allows 3500\./,
      ) as string,
      details: { maxBufferSize: 3500 },
    })
  })
})
