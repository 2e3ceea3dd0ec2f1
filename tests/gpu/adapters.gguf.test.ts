import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readGgufHeader } from '../../src/formats/gguf/read.ts'
import { identify } from '../../src/engine/identify.ts'
import { mapSource } from '../../src/sources/dropped.ts'
import { casesOf } from '../all.ts'
import { FIXTURES } from '../adapters/fixture.ts'
import { maxDifference } from '../nmse.ts'
import { readJson, TINY, withModel } from './modelFixtures.ts'

interface Expected {
  base: string
  ids: number[]
  logits: number[][]
}

/** Adapters that PEFT saved, with logits under them: rows in another order, an embedding, a head; elsewhere other name tables. */
const CASES = casesOf({
  main: ['llama-embedding-head', 'gpt2-all-linear'],
  more: ['llama-patterns', 'qwen2-rslora', 'phi3-all-linear', 'gemma3-all-linear'],
})

describe('an adapter of PEFT goes through a GGUF file', () => {
  test.each(CASES)('%s', async (name) => {
    const folder = join(FIXTURES, 'peft', name)
    const { base, ids, logits } = readJson(join(folder, 'expected.json')) as Expected
    await withModel(join(TINY, base), {}, async (model) => {
      const { id } = await model.addAdapter(folder)
      const files = await model.exportAdapter([{ id, scale: 1 }], { format: 'gguf' })
      const half = await model.exportAdapter([{ id, scale: 0.5 }], { format: 'gguf', dtype: 'F16' })
      await model.removeAdapter(id)
      expect([...files.keys()]).toEqual(['adapter.gguf'])
      const last = async (): Promise<Float32Array> => {
        const { shape, data } = await model.logits(ids)
        return data.subarray((ids.length - logits.length) * (shape[1] ?? 0))
      }
      const expected = Float32Array.from(logits.flat())
      const added = await model.addAdapter(files)
      expect(maxDifference(await last(), expected)).toBeLessThanOrEqual(1e-3)
      await model.removeAdapter(added.id)
      // Half of it twice over, rounded to f16.
      await model.addAdapter(half, { scale: 2 })
      const spread = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(maxDifference(await last(), expected)).toBeLessThanOrEqual(4e-3 * Math.max(1, spread))
    })
  })
})

test('alpha and factors stay as they were at scale 1; a dropped file is known for what it is', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    const { id, report } = await model.addAdapter(join(FIXTURES, 'peft/llama-plain'))
    const files = await model.exportAdapter([{ id, scale: 1 }], { format: 'gguf' })
    const [bytes] = files.values()
    const { fields, tensors } = await readGgufHeader(mapSource(files), 'adapter.gguf')
    expect(fields.get('adapter.lora.alpha')?.value).toBe(report.matched[0]?.alpha)
    expect(tensors.map((tensor) => tensor.name)).toContain('blk.0.attn_q.weight.lora_a')
    expect(await identify([new File([bytes as Uint8Array<ArrayBuffer>], 'mine.gguf')])).toBe('adapter')
  })
})

test('an adapter of another architecture is refused by both names', async () => {
  await withModel(join(TINY, 'qwen2'), {}, async (qwen) => {
    const { id } = await qwen.addAdapter(join(FIXTURES, 'peft/qwen2-rslora'))
    const files = await qwen.exportAdapter([{ id, scale: 1 }], { format: 'gguf' })
    await withModel(join(TINY, 'llama'), {}, async (llama) => {
      await expect(llama.addAdapter(files)).rejects.toMatchObject({
        code: 'unsupported',
        details: { field: 'general.architecture', got: 'qwen2', expected: 'llama' },
      })
    })
  })
})
