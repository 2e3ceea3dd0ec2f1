import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { maxDifference } from '../nmse.ts'
import { readJson, ROOT, withConfig, withModel } from './modelFixtures.ts'

/** Checkpoints of tools/reference/packed_fixtures.py. */
const PACKED = join(ROOT, 'tests/fixtures/packed')

const FORMATS: Record<string, string> = {
  'f8-tensor': 'f8_e4m3',
  'f8-channel': 'f8_e4m3',
  'f8-block': 'f8_e4m3',
  'f8-e5m2': 'f8_e5m2',
  'f8-plain': 'f8_e5m2',
  mxfp4: 'fp4',
  nf4: 'nf4',
  'nf4-single': 'nf4',
}

describe('logits of packed checkpoints are those of their dequantised weights', () => {
  test.each(readdirSync(PACKED))('%s', async (name) => {
    const { ids, logits } = readJson(join(PACKED, name, 'expected.json')) as {
      ids: number[]
      logits: number[][]
    }
    await withModel(withConfig(join(PACKED, name), 'config.json'), {}, async (model) => {
      expect(model.info.weights).toBe(FORMATS[name] ?? 'int4')
      const { shape, data } = await model.logits(ids)
      const last = data.subarray((ids.length - logits.length) * (shape[1] ?? 0))
      expect(maxDifference(last, Float32Array.from(logits.flat()))).toBeLessThanOrEqual(1e-3)
    })
  })
})
