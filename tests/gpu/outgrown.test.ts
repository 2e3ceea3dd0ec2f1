import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { GeneratedToken, NextTokens } from '../../src/index.ts'
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
      const full = [...text, ...tokens.map(({ id }) => id)]
      for (const { position, id, logprob } of tokens) {
        // Past the border dynamic scaling goes by how far the run may reach, so whole texts differ from it.
        if (name.includes('dynamic') && position > border) continue
        const { data } = await model.logits(full.slice(0, position))
        const row = data.subarray(-vocab)
        const peak = Math.max(...row)
        const sum = row.reduce((total, value) => total + Math.exp(value - peak), 0)
        expect(maxDifference([logprob], [row[id]! - peak - Math.log(sum)])).toBeLessThan(1e-4)
        expect(row[id]).toBeGreaterThan(peak - 1e-4)
      }
    })
  },
)

/** Children are the first tokens past the border where the text before them ends on it: all of it is read again, once. */
test.each([
  { name: 'phi3-longrope', length: 39, again: undefined },
  { name: 'phi3-longrope', length: 40, again: true },
  { name: 'phi3-longrope', length: 41, again: undefined },
  { name: 'llama-dynamic-rope', length: 48, again: true },
])('$name: children of $length tokens are read as whole texts', async ({ name, length, again }) => {
  const { ids: all } = readJson(join(TINY, name, 'expected.json')) as { ids: number[] }
  await withModel(join(TINY, name), {}, async (model) => {
    const ids = all.slice(0, length)
    const expectNext = async (text: readonly number[], { top }: NextTokens): Promise<void> => {
      const row = (await model.logits(text)).data.subarray(-model.info.vocab)
      const sum = row.reduce((total, value) => total + Math.exp(value), 0)
      const wanted = top.map(({ id }) => row[id]! - Math.log(sum))
      expect(
        maxDifference(
          Float32Array.from(top, ({ logprob }) => logprob),
          wanted,
        ),
      ).toBeLessThan(1e-4)
    }
    const children = await model.expand(ids, 3)
    expect(children.map(({ readAgain }) => readAgain)).toEqual([again, again, again])
    for (const { token, next } of children) await expectNext([...ids, token.id], next)
    const { ids: text, next, reused } = await model.fork(ids, length, children[1]!.token.id)
    await expectNext(text, next)
    expect(reused).toBe(length)
  })
})

/** Every way to look at a text turns by the length of all of it, as Transformers' one forward does, whichever rows are asked for. */
test.each([
  { name: 'phi3-longrope', length: 40 },
  { name: 'phi3-longrope', length: 41 },
  { name: 'llama-dynamic-rope', length: 49 },
])('$name at $length tokens: score, lens, attribution and logitsAt are of the whole text', async (one) => {
  const { ids: all } = readJson(join(TINY, one.name, 'expected.json')) as { ids: number[] }
  const ids = all.slice(0, one.length)
  await withModel(join(TINY, one.name), {}, async (model) => {
    const { vocab } = model.info
    const { data } = await model.logits(ids)
    const row = (at: number): Float32Array => data.subarray(at * vocab, (at + 1) * vocab)
    const logprob = (at: number, id: number): number => {
      const sum = row(at).reduce((total, value) => total + Math.exp(value), 0)
      return row(at)[id]! - Math.log(sum)
    }
    for await (const scored of model.score(ids))
      for (const { position, id, logprob: got } of scored)
        expect(maxDifference([got], [logprob(position - 1, id)]), `score ${position}`).toBeLessThan(1e-4)
    const { cells } = await model.lens(ids, { positions: [9], layers: [1], topK: 1 })
    const [best] = cells[0]!.top
    expect(maxDifference([Math.log(best!.probability)], [logprob(9, best!.id)]), 'lens').toBeLessThan(1e-4)
    const { logit, sum } = await model.attribution(ids, { position: 9, token: 5 })
    expect(maxDifference([logit, sum], [row(9)[5]!, row(9)[5]!]), 'attribution').toBeLessThan(1e-3)
    const last = await model.logitsAt(ids)
    expect(maxDifference(last.data, row(one.length - 1)), 'logitsAt').toBeLessThan(1e-4)
  })
})
