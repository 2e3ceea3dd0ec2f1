import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Lens, Model } from '../../src/api/model.ts'
import { greedyIds } from './fixtureModel.ts'
import { TINY, withModel } from './modelFixtures.ts'

/** Longer than a page, which holds 32 positions: a branch copies the last one. */
const PROMPT = Array.from({ length: 37 }, (_, i) => 3 + ((i * 7) % 50))

interface Recorded {
  ids: number[]
  logprobs: number[]
  columns: { length: number; lens: Lens }[]
}

/** A run; between its tokens, the lens of the newest one when `follow`. */
async function run(model: Model, follow: boolean, temperature: number): Promise<Recorded> {
  const recorded: Recorded = { ids: [], logprobs: [], columns: [] }
  const options = { temperature, topK: 8, seed: 3, maxTokens: 8, stop: [] }
  for await (const { id, logprob } of model.generate(PROMPT, options)) {
    recorded.ids.push(id)
    recorded.logprobs.push(logprob)
    if (!follow) continue
    const ids = [...PROMPT, ...recorded.ids]
    const lens = await model.lens(ids, { positions: [ids.length - 1], topK: 3, cached: true })
    recorded.columns.push({ length: ids.length, lens })
  }
  return recorded
}

function expectSame(lens: Lens, full: Lens): void {
  for (const cell of lens.cells) {
    const same = full.cells.find(({ layer, position }) => layer === cell.layer && position === cell.position)!
    expect(cell.top.map(({ id }) => id)).toEqual(same.top.map(({ id }) => id))
    // Another number of rows sums in another order.
    cell.top.forEach(({ probability }, i) => expect(probability).toBeCloseTo(same.top[i]!.probability, 5))
    expect(cell.entropy).toBeCloseTo(same.entropy, 4)
  }
}

test.each([
  { name: 'llama', temperature: 0 },
  { name: 'llama', temperature: 0.9 },
  { name: 'gpt2', temperature: 0 },
])(
  '$name at $temperature: columns read between tokens change none, and are those of the finished text',
  async (one) => {
    await withModel(join(TINY, one.name), { weights: 'f32' }, async (model) => {
      const plain = await run(model, false, one.temperature)
      const followed = await run(model, true, one.temperature)
      expect(followed.ids).toEqual(plain.ids)
      expect(followed.columns.length).toBe(plain.ids.length)
      const full = await model.lens([...PROMPT, ...plain.ids], { topK: 3 })
      for (const { lens } of followed.columns) expectSame(lens, full)
    })
  },
)

test('over the cache one row is run; the cache and the memory stay as they are', async () => {
  await withModel(join(TINY, 'llama'), { weights: 'f32' }, async (model) => {
    const ids = [...PROMPT, ...(await greedyIds(model, PROMPT, { maxTokens: 4 }))]
    const [cache, memory, before] = [await model.cache(), await model.memory(), await model.counters()]
    const lens = await model.lens(ids, { positions: [ids.length - 1], topK: 3, cached: true })
    const after = await model.counters()
    // The row, and a row of the head for every layer and the embedding.
    expect(after.rows - before.rows).toBe(1 + lens.layers.length)
    expect(after.pagesAllocated - before.pagesAllocated).toBeLessThanOrEqual(1)
    const { sequences, ...pool } = await model.cache()
    expect({ ...pool, sequences }).toEqual(cache)
    expect(await model.memory()).toEqual(memory)
    expectSame(lens, await model.lens(ids, { topK: 3 }))
    // Two rows behind what the cache holds, and a text it has never seen.
    const two = await model.lens(ids, { positions: [ids.length - 2, ids.length - 1], topK: 3, cached: true })
    expectSame(two, await model.lens(ids, { topK: 3 }))
    const other = ids.toReversed()
    expectSame(
      await model.lens(other, { positions: [other.length - 1], topK: 3, cached: true }),
      await model.lens(other, { topK: 3 }),
    )
    expect(await model.memory()).toEqual(memory)
  })
})
