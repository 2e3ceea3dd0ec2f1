import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openTrace } from '../../src/index.ts'
import { elements, localName } from '../../src/program/step.ts'

/** Written before steps told their layer, axes and parameters, and under other names. */
const FILE = readFileSync(join(import.meta.dirname, '../fixtures/traces/version1.tokenscope'))
const trace = await openTrace(FILE)

/** Steps of layer 1 and of those outside the layers, as they are named today. */
const LAYER = [
  'attn_norm',
  'attn.q',
  'attn.k',
  'attn.v',
  'attn.q_rope',
  'attn.k_rope',
  'attn.cache',
  'attn.scores',
  'attn.probs',
  'attn.context',
  'attn.o',
  'resid_attn',
  'mlp_norm',
  'mlp.gate',
  'mlp.up',
  'mlp.act',
  'mlp.down',
  'resid',
]

describe('a trace file of version 1', () => {
  test('opens, and says which version it is', () => {
    expect(trace).toMatchObject({
      version: 1,
      bytes: FILE.length,
      model: { layers: 6, heads: 6, kvHeads: 3 },
    })
    expect(trace.predictions.length).toBe(trace.ids.length)
  })

  test('tells its steps under today’s names, with their layers', () => {
    const inLayer = trace.steps.filter(({ layer }) => layer === 1).map(localName)
    expect(inLayer).toEqual(LAYER)
    const outside = trace.steps.filter(({ layer }) => layer === null).map(({ name }) => name)
    expect(outside).toEqual(['embed', 'final_norm', 'logits'])
    expect(trace.steps.length).toBe(outside.length + trace.model.layers * LAYER.length)
  })

  test('inputs and covering kernels are among the steps or the kernels of the run', () => {
    const names = new Set(trace.steps.map(({ name }) => name))
    for (const { name, inputs } of trace.steps)
      expect(
        inputs.filter((input) => !names.has(input)),
        name,
      ).toEqual([])
    expect(trace.steps.map(({ op }) => op)).not.toContain('mix')
    const covering = trace.steps.filter(({ layer }) => layer === 1).map(({ coveredBy }) => coveredBy)
    expect(covering.join(' ')).not.toMatch(/attn\.(mix|out)|input_norm|post_norm|resid_mid/)
  })

  test.each([
    ['embed', 'rows features'],
    ['layers.0.attn.cache', 'kv rows features'],
    ['layers.0.attn.scores', 'heads rows positions'],
    ['layers.0.attn.probs', 'heads rows positions'],
    ['layers.0.attn.context', 'rows features'],
    ['logits', 'rows vocabulary'],
  ])('%s has axes %s', (name, kinds) => {
    const step = trace.steps.find((each) => each.name === name)
    expect(step?.axes.map(({ kind }) => kind).join(' ')).toBe(kinds)
    expect(step?.axes.map(({ size }) => size)).toEqual(step?.output.shape)
  })

  test('its tensors are found under the new names', async () => {
    const kept = trace.steps.filter(({ stats }) => stats !== null)
    expect(kept.length).toBeGreaterThan(0)
    for (const { name, output } of kept) {
      const { shape, data } = await trace.tensor(name)
      expect([shape, data.length], name).toEqual([output.shape, elements(output.shape)])
    }
  })
})
