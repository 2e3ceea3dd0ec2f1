import { expect, it } from 'vitest'
import { loadModel } from '../../src/index.ts'
import { testDevice } from './device.ts'
import { worst } from './fixtureModel.ts'

const IDS = [3, 17, 42, 9, 5, 61]

it.each([
  ['llama', 'llama-plain'],
  ['qwen2', 'qwen2-dora-rslora'],
  ['gpt2-untied', 'gpt2-all-linear'],
  ['qwen3-moe', 'qwen3-moe-attention'],
  ['gpt-oss', 'gpt-oss-attention'],
  ['gpt-oss', 'gpt-oss-experts'],
  ['mixtral', 'mixtral-experts'],
])(
  '%s: the merged checkpoint loads by itself and answers like base and %s side by side',
  async (base, adapter) => {
    const { device } = await testDevice()
    const model = await loadModel(`tests/fixtures/models/${base}`, { device, weights: 'f32' })
    const { id } = await model.addAdapter(`./tests/fixtures/peft/${adapter}`)
    const scales = [{ id, scale: 0.75 }]
    const beside = (await model.logits(IDS, { adapters: scales })).data
    const plain = (await model.logits(IDS, { adapters: [] })).data
    const files = await model.exportAdapter(scales, { format: 'merged' })
    await model.dispose()
    expect([...files.keys()]).toEqual(expect.arrayContaining(['config.json', 'model.safetensors']))
    const merged = await loadModel(files, { device, weights: 'f32' })
    const folded = (await merged.logits(IDS)).data
    await merged.dispose()
    expect(worst(folded, beside)).toBeLessThanOrEqual(1e-3)
    expect(worst(folded, plain)).toBeGreaterThan(0.01)
  },
)
