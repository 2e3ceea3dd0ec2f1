import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StepInfo } from '../../src/index.ts'
import { refusal } from './engine.support.ts'
import { TINY, withPlainModel } from './modelFixtures.ts'

const LLAMA = join(TINY, 'llama')
const IDS = [3, 17, 42, 9, 5, 61]
const MASK = IDS.map(() => 1 as const)
const ROWS = IDS.length - 1

const byName = (steps: readonly StepInfo[]): Map<string, StepInfo> =>
  new Map(steps.map((step) => [step.name, step]))

/** Every input is a step before, or lies outside the program. */
function expectOrdered(steps: readonly StepInfo[], given: readonly string[]): void {
  const known = new Set(given)
  for (const { name, inputs } of steps) {
    for (const input of inputs) expect(known.has(input), `${name} reads ${input}`).toBe(true)
    known.add(name)
  }
}

/** What a person is shown of a step is all there. */
function expectShown(steps: readonly StepInfo[]): void {
  expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length)
  for (const { name, formula, wgsl, bytes, flops, axes, output, coveredBy } of steps) {
    expect(formula.length, name).toBeGreaterThan(0)
    expect(wgsl, name).toContain('@compute')
    expect(bytes, name).toBeGreaterThan(0)
    expect(flops, name).toBeGreaterThanOrEqual(0)
    expect(output.shape).toEqual(axes.map(({ size }) => size))
    expect(coveredBy).toBe(null)
  }
}

test('a backward pass is listed step by step, by the names that its values are read by', async () => {
  await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
    await model.newAdapter({ name: 'x', rank: 3 })
    const steps = await model.steps({ rows: ROWS, backward: true })
    expectShown(steps)
    expectOrdered(steps, [])
    const forward = await model.steps({ rows: ROWS })
    const names = byName(steps)
    for (const { name, op } of forward) if (op !== 'cache') expect(names.has(name), name).toBe(true)
    const dx = names.get('layers.1.attn.q.dx')!
    expect(dx).toMatchObject({ op: 'linear_dx', layer: 1, formula: 'dx = Wᵀ·dy + Aᵀ·du' })
    expect(dx.params).toEqual(names.get('layers.1.attn.q')!.params)
    expect(dx.wgsl).toContain('// dx[r, i] = Σₒ w[o, i]·dy[r, o]')
    expect(names.get('layers.1.attn.q.dA')!.axes[0]).toEqual({ kind: 'ranks', size: 3 })
    expect(steps.findIndex(({ name }) => name === 'loss')).toBeLessThan(steps.indexOf(dx))
    // What is listed is what gradients give, in the same shape.
    const probes = steps.filter(({ name }) => /\.d[xyAB]$/.test(name)).map(({ name }) => name)
    const read = await model.gradients(IDS, MASK, { probes })
    for (const name of probes) {
      expect(read.get(name)!.shape, name).toEqual(names.get(name)!.output.shape)
      expect(read.get(name)!.axes, name).toEqual(names.get(name)!.axes)
    }
  })
})

test('of one adapter: only what trains it, and the optimiser behind', async () => {
  await withPlainModel(LLAMA, { weights: 'q8_0' }, async (model) => {
    const { id } = await model.newAdapter({ name: 'x', rank: 2, targets: ['layers.1.mlp.down'] })
    for (const optimizer of ['adamw', 'adafactor', 'sgd'] as const) {
      const steps = await model.steps({ rows: ROWS, backward: true, adapter: id, optimizer })
      expectShown(steps)
      expectOrdered(steps, ['gradients', 'gradients.sums', 'parameters', 'statistics'])
      const names = steps.map(({ name }) => name)
      expect(names.filter((name) => /\.d[AB]$/.test(name))).toEqual([
        'layers.1.mlp.down.dB',
        'layers.1.mlp.down.dA',
      ])
      // Nothing before the trained product has a gradient.
      expect(names.filter((name) => /^layers\.0\..*\.d[xy]$/.test(name))).toEqual([])
      expect(names.indexOf('optimizer.norm')).toBeGreaterThan(names.indexOf('layers.1.mlp.down.dA'))
      expect(names.slice(-2)).toEqual(['layers.1.mlp.down.A', 'layers.1.mlp.down.B'])
      expect(names.filter((name) => name.startsWith(`optimizer.${optimizer}`)).length).toBeGreaterThan(0)
    }
    const dpo = await model.steps({ rows: ROWS, backward: true, adapter: id, objective: 'dpo' })
    expectShown(dpo)
    expectOrdered(dpo, ['gradients', 'gradients.sums', 'parameters', 'statistics'])
    expect(byName(dpo).get('loss.weights')!.inputs).toEqual(['loss.pairs'])
    expect(byName(dpo).get('logits.dy')!.inputs).toEqual(['logits', 'loss.state', 'loss.weights'])
  })
})

test('what cannot be listed is refused by name', async () => {
  await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
    await refusal(model.steps({ rows: 0, backward: true }), 'bad-argument')
    await refusal(model.steps({ rows: 2.5, backward: true }), 'bad-argument')
    await refusal(model.steps({ rows: model.info.context + 1, backward: true }), 'bad-argument')
    await refusal(model.steps({ rows: 2, backward: true, adapter: 'adapter-9' }), 'bad-argument')
    // Without an adapter the base has gradients all the same.
    const steps = await model.steps({ rows: 2, backward: true })
    expect(steps.some(({ name }) => name === 'layers.0.attn.q.dx')).toBe(true)
    await model.addAdapter('./tests/fixtures/peft/llama-dora')
    expect((await refusal(model.steps({ rows: 2, backward: true }), 'unsupported')).message).toContain('DoRA')
  })
})
