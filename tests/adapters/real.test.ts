import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { deltaNorm, deltaSpectrum } from '../../src/adapters/analysis.ts'
import { adaptedWeight } from '../../src/adapters/dense.ts'
import { loadAdapter } from '../../src/adapters/load.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { randomSource } from '../random.ts'
import { SHARED, syntheticLlama, syntheticModel, WITHOUT_SHARED } from './fixture.ts'

function gpt2(): ModelDescription {
  const h = 768
  const shapes: Record<string, number[]> = {
    'transformer.wte.weight': [50_257, h],
    'transformer.wpe.weight': [1024, h],
    'transformer.ln_f.weight': [h],
    'transformer.ln_f.bias': [h],
  }
  for (let n = 0; n < 12; n++) {
    const add = (name: string, shape: number[], bias: number): void => {
      shapes[`transformer.h.${n}.${name}.weight`] = shape
      shapes[`transformer.h.${n}.${name}.bias`] = [bias]
    }
    add('ln_1', [h], h)
    add('attn.c_attn', [h, 3 * h], 3 * h)
    add('attn.c_proj', [h, h], h)
    add('ln_2', [h], h)
    add('mlp.c_fc', [h, 4 * h], 4 * h)
    add('mlp.c_proj', [4 * h, h], h)
  }
  return syntheticModel({ model_type: 'gpt2' }, shapes)
}

const qwen = (): ModelDescription =>
  syntheticLlama('qwen2', {
    layers: 24,
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    intermediate: 4864,
    vocab: 151_936,
  })
const smollm = (): ModelDescription =>
  syntheticLlama('llama', {
    layers: 30,
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    intermediate: 1536,
    vocab: 49_152,
  })

const load = (folder: string, model: ModelDescription) =>
  loadAdapter(nodeFolderSource(join(SHARED, folder)), model)

describe.skipIf(WITHOUT_SHARED !== '')(`real adapters${WITHOUT_SHARED}`, () => {
  it.each([
    ['gpt2-customersupport', gpt2, 36, 8, 2, 24],
    ['gpt2-tigrinya', gpt2, 60, 8, 4, 72],
    ['qwen2.5-0.5b', qwen, 48, 8, 2, 96],
    ['smollm-135m-instruct', smollm, 60, 16, 2, 120],
  ] as const)('%s loads and equals Wx + sB(Ax)', async (folder, base, modules, rank, scaling, keys) => {
    const model = base()
    const adapter = await load(folder, model)
    expect(adapter.modules).toHaveLength(modules)
    expect(adapter.report).toMatchObject({
      matchedKeys: keys,
      warnings: [],
      replaced: [],
      unmatchedEntries: [],
    })
    for (const module of adapter.modules) expect([module.rank, module.scaling]).toEqual([rank, scaling])

    const module = adapter.modules.at(-1)!
    const random = randomSource(7)
    const weight = random.normal(module.out * module.in, 0.05)
    const x = random.normal(module.in)
    const merged = adaptedWeight(adapter, module.step, weight)!
    const low = Array.from({ length: rank }, (_, k) =>
      x.reduce((sum, value, i) => sum + value * module.a[k * module.in + i]!, 0),
    )
    for (let o = 0; o < module.out; o += 37) {
      const row = o * module.in
      const expected =
        x.reduce((sum, value, i) => sum + value * weight[row + i]!, 0) +
        scaling * low.reduce((sum, value, k) => sum + value * module.b[o * rank + k]!, 0)
      const got = x.reduce((sum, value, i) => sum + value * merged[row + i]!, 0)
      expect(Math.abs(got - expected)).toBeLessThan(1e-12)
    }
    expect(deltaSpectrum(module).norm).toBeCloseTo(deltaNorm(module), 10)
  })

  it.each([
    ['opt-125m-dpo', qwen, /model\.decoder\.layers\.0.*it has no model\.decoder/],
    ['opt-125m-dpo', gpt2, /target_modules is "[qv]_proj", which matches nothing/],
    ['gemma3-270m-svg', smollm, /layers\.0\.self_attn\.q_proj\.lora_A\.weight: the shape is \[4, 640\]/],
    ['gemma3-270m-svg', gpt2, /target_modules is "o_proj", which matches nothing/],
    ['gpt2-tigrinya', qwen, /target_modules is "c_attn", which matches nothing/],
    ['qwen2.5-0.5b', smollm, /the shape is \[8, 896\], expected \[8, 576\]/],
  ] as const)('%s on another model is refused', async (folder, base, says) => {
    await expect(load(folder, base())).rejects.toThrow(says)
  })

  it.each([['mamba'], ['t5']])('the base of type %s is refused by name', (type) => {
    expect(() => describeModel({ model_type: type }, new Map())).toThrow(
      new RegExp(`model_type is "${type}"`),
    )
  })

  it('names the base in the report', async () => {
    const { report } = await load('smollm-135m-instruct', smollm())
    const config = JSON.parse(
      readFileSync(join(SHARED, 'smollm-135m-instruct/adapter_config.json'), 'utf8'),
    ) as Record<string, unknown>
    expect(report.baseModel.named).toBe(config['base_model_name_or_path'])
  })
})
