import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { GeneratedToken } from '../../src/index.ts'
import { maxDifference } from '../nmse.ts'
import { readJson, TINY, withModel } from './modelFixtures.ts'

/** A model whose positions turn by the length of the text, the prompt, and where that length changes sides. */
const cases = [
  { name: 'phi3-longrope', border: 40, prompt: 34 },
  { name: 'phi3-longrope', border: 40, prompt: 40 },
  { name: 'phi3-longrope', border: 40, prompt: 44 },
  { name: 'llama-dynamic-rope', border: 48, prompt: 44 },
]

test.each(cases)(
  '$name from $prompt tokens past $border: read again once',
  async ({ name, border, prompt }) => {
    const { ids } = readJson(join(TINY, name, 'expected.json')) as { ids: number[] }
    await withModel(join(TINY, name), {}, async (model) => {
      const text = ids.slice(0, prompt)
      const tokens: GeneratedToken[] = []
      for await (const token of model.generate(text, { temperature: 0, maxTokens: 12, stop: [] }))
        tokens.push(token)
      const again = tokens.filter(({ readAgain }) => readAgain)
      // The row of token n of the text makes it n + 1 long, and predicts the token at position n + 1.
      expect(again.map(({ position }) => position)).toEqual(prompt > border ? [] : [border + 1])
      const { vocab } = model.info
      const whole = [...text, ...tokens.map(({ id }) => id)]
      for (const { position, id, logprob } of tokens) {
        // Past the border dynamic scaling goes by how far the run may reach, so whole texts differ from it.
        if (name.includes('dynamic') && position > border) continue
        const { data } = await model.logits(whole.slice(0, position))
        const row = data.subarray(-vocab)
        const peak = Math.max(...row)
        const sum = row.reduce((total, value) => total + Math.exp(value - peak), 0)
        expect(maxDifference([logprob], [row[id]! - peak - Math.log(sum)])).toBeLessThan(1e-4)
        expect(row[id]).toBeGreaterThan(peak - 1e-4)
      }
    })
  },
)
