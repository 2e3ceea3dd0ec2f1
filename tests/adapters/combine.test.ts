import { describe, expect, it } from 'vitest'
import { CONFIG_FILE } from '../../src/adapters/config.ts'
import { denseDelta } from '../../src/adapters/dense.ts'
import { loadAdapter, WEIGHTS_FILE } from '../../src/adapters/load.ts'
import { combineAdapters, type ScaledAdapter } from '../../src/adapters/combine.ts'
import type { ParsedAdapter } from '../../src/adapters/types.ts'
import { safetensorsHeader, writeSafetensors } from '../../src/adapters/writeSafetensors.ts'
import { openSafetensors } from '../../src/formats/checkpoint.ts'
import { mapSource } from '../../src/sources/dropped.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { decodeFloats } from '../../src/formats/floats.ts'
import { loadCase, readBase } from './fixture.ts'

async function reload(parts: readonly ScaledAdapter[], model: ModelDescription): Promise<ParsedAdapter> {
  const files = combineAdapters(parts, { baseModel: 'tiny/base' })
  return loadAdapter(mapSource(files), model)
}

/** Σ scale · ΔW of each step. */
function deltas(parts: readonly ScaledAdapter[]): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>()
  for (const { adapter, scale } of parts) {
    for (const module of adapter.modules) {
      const delta = denseDelta(module)
      const sum = sums.get(module.step) ?? new Float64Array(delta.length)
      sums.set(
        module.step,
        sum.map((value, n) => value + scale * (delta[n] ?? 0)),
      )
    }
  }
  return sums
}

function expectSame(got: Map<string, Float64Array>, expected: Map<string, Float64Array>): void {
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [step, delta] of expected) {
    const error = delta.map((value, n) => Math.abs(value - (got.get(step)?.[n] ?? NaN)))
    // B is rounded to f32 once: 2^-24 of values around 1, summed over ranks.
    expect(Math.max(...error), step).toBeLessThan(1e-6)
  }
}

describe('scaled adapters combined and read again', () => {
  it.each([
    ['llama', [['llama-plain', 1]]],
    [
      'llama',
      [
        ['llama-plain', 0.5],
        ['llama-patterns', -1.25],
        ['llama-regex', 2],
      ],
    ],
    [
      'qwen2',
      [
        ['qwen2-plain-bf16', 1],
        ['qwen2-rslora', 0.3],
      ],
    ],
    [
      'gpt2',
      [
        ['gpt2-fan-in-fan-out', 1],
        ['gpt2-fan-spelled-false', -0.7],
      ],
    ],
    [
      'gpt2-untied',
      [
        ['gpt2-embeddings', 2],
        ['gpt2-all-linear', 1],
      ],
    ],
  ] as const)('%s: %j', async (base, scales) => {
    const { model } = await readBase(base)
    const parts: ScaledAdapter[] = []
    for (const [name, scale] of scales) parts.push({ adapter: await loadCase(name, model), scale })
    const combined = await reload(parts, model)
    expectSame(deltas([{ adapter: combined, scale: 1 }]), deltas(parts))
    const [only] = parts
    for (const module of combined.modules) {
      // One adapter at scale 1 is written as it is; of several the scalings are folded into B.
      const held = only?.adapter.modules.find(({ step }) => step === module.step)
      expect(module.scaling).toBe(parts.length === 1 && only?.scale === 1 ? held?.scaling : 1)
      const ranks = parts.map(
        ({ adapter }) => adapter.modules.find(({ step }) => step === module.step)?.rank ?? 0,
      )
      expect(module.rank).toBe(ranks.reduce((sum, rank) => sum + rank, 0))
    }
  })

  it('leaves muted adapters out and keeps the base’s name', async () => {
    const { model } = await readBase('llama')
    const [plain, regex] = [await loadCase('llama-plain', model), await loadCase('llama-regex', model)]
    const combined = await reload(
      [
        { adapter: plain, scale: 1 },
        { adapter: regex, scale: 0 },
      ],
      model,
    )
    expect(combined.report.baseModel.named).toBe('tiny/base')
    expect(combined.modules.map(({ rank }) => rank)).toEqual(plain.modules.map(({ rank }) => rank))
  })

  it('rounds to f16 on request', async () => {
    const { model } = await readBase('llama')
    const adapter = await loadCase('llama-all-linear-f16', model)
    const files = combineAdapters([{ adapter, scale: 1 }], { baseModel: null, dtype: 'F16' })
    const f32 = combineAdapters([{ adapter, scale: 1 }], { baseModel: null })
    expect(files.get(WEIGHTS_FILE)!.byteLength).toBeLessThan(0.6 * f32.get(WEIGHTS_FILE)!.byteLength + 1000)
    const combined = await loadAdapter(mapSource(files), model)
    // A was f16 already; B times its scaling of 3 is rounded again.
    expect(combined.modules[0]?.a).toEqual(adapter.modules[0]?.a)
  })

  it.each([
    ['llama', 'llama-dora', /uses DoRA at layers\.0\.attn\.q/],
    ['llama', 'llama-save-head', /replaces logits/],
    ['qwen2', 'qwen2-bias-lora-only', /replaces layers\.0\.attn\.q\.bias/],
  ])('%s: refuses %s by name', async (base, name, says) => {
    const { model } = await readBase(base)
    const adapter = await loadCase(name, model)
    expect(() => combineAdapters([{ adapter, scale: 1 }], { baseModel: null })).toThrow(says)
  })

  it('refuses adapters that are all at scale 0', () => {
    expect(() => combineAdapters([], { baseModel: null })).toThrow(/Nothing to combine/)
  })

  it('writes a config that names what PEFT needs', async () => {
    const { model } = await readBase('llama')
    const files = combineAdapters([{ adapter: await loadCase('llama-patterns', model), scale: 1 }], {
      baseModel: 'tiny/base',
    })
    const config = JSON.parse(new TextDecoder().decode(files.get(CONFIG_FILE))) as Record<string, unknown>
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 4,
      lora_alpha: 6,
      base_model_name_or_path: 'tiny/base',
    })
    const last = 'model.layers.1.mlp.down_proj'
    expect(config['rank_pattern']).toHaveProperty([last], 2)
  })
})

describe('safetensors writer', () => {
  it('writes files that read back bit for bit', async () => {
    const values = Float32Array.of(0, -0, 1.5, -65504, 2 ** -24, 3.25)
    const tensors = [
      { name: 'half', dtype: 'F16' as const, shape: [3, 2], values },
      { name: 'naïve "name"', dtype: 'F32' as const, shape: [6], values },
      { name: 'empty', dtype: 'F32' as const, shape: [0, 4], values: [] },
    ]
    const bytes = writeSafetensors(tensors, { made_by: 'test' })
    const checkpoint = await openSafetensors(mapSource(new Map([['x.safetensors', bytes]])), 'x.safetensors')
    expect([...checkpoint.tensors.keys()]).toEqual(['half', 'naïve "name"', 'empty'])
    const read = new Map<string, Float32Array>()
    await checkpoint.read(
      () => true,
      ({ name, dtype }, _, chunk) => void read.set(name, decodeFloats(dtype, chunk)),
    )
    expect(read.get('half')).toEqual(values)
    expect(read.get('naïve "name"')).toEqual(values)
  })

  it('aligns the data', () => {
    for (const name of ['a', 'ab', 'abc', 'abcd']) {
      expect(safetensorsHeader([{ name, dtype: 'F32', shape: [1] }]).byteLength % 8).toBe(0)
    }
  })
})
