import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadModel, type Model } from '../../src/index.ts'
import { testDevice } from './device.ts'

/** Adapters made by hand (tools/reference/random_adapters.py) over checkpoints made by hand, instead of the fixtures. */
const OTHERS = process.env['TOKENSCOPE_ADAPTERS']
const CASES = OTHERS ?? './tests/fixtures/peft'
const MODELS = (OTHERS && process.env['TOKENSCOPE_CHECKPOINTS']) ?? 'tests/fixtures/models'

interface Expected {
  base: string
  ids: number[]
  logits: number[][]
}

/** Largest difference between the last rows of logits and PEFT's, in f64 over the stored weights. */
async function worstDifference(
  model: Model,
  { ids, logits }: Expected,
  adapters?: { id: string; scale: number }[],
) {
  const { data } = await model.logits(ids, adapters ? { adapters } : {})
  const rows = data.slice(-logits.length * model.info.vocab)
  return logits
    .flat()
    .reduce((worst, expected, i) => Math.max(worst, Math.abs(expected - (rows[i] ?? NaN))), 0)
}

describe('adapters as PEFT applies them', () => {
  for (const name of readdirSync(CASES).filter((entry) => !entry.includes('.'))) {
    it(name, async () => {
      const { device } = await testDevice()
      const expected = JSON.parse(readFileSync(`${CASES}/${name}/expected.json`, 'utf8')) as Expected
      const model = await loadModel(`${MODELS}/${expected.base}`, { device, weights: 'f32' })
      try {
        const base = await model.logits(expected.ids)
        const { id, report } = await model.addAdapter(`${CASES}/${name}`)
        expect(report.effect?.maxDeltaLogit).toBeGreaterThan(0)
        // f32 sums against f64: the bar for logits everywhere in the project.
        expect(await worstDifference(model, expected)).toBeLessThan(1e-3)
        const off = await model.logits(expected.ids, { adapters: [{ id, scale: 0 }] })
        const drift = off.data.reduce(
          (worst, value, i) => Math.max(worst, Math.abs(value - (base.data[i] ?? NaN))),
          0,
        )
        // Plain low-rank updates add exact zeros; DoRA, biases and replaced modules go through a blend.
        const blended = report.features.some((feature) =>
          ['dora', 'bias', 'modules_to_save'].includes(feature),
        )
        expect(drift).toBeLessThanOrEqual(blended ? 1e-5 : 0)
      } finally {
        await model.dispose()
      }
    })
  }
})
