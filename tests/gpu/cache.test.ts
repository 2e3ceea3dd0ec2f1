import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CacheReport, Model } from '../../src/api/model.ts'
import { greedyIds } from './fixtureModel.ts'
import { TINY, withModel } from './modelFixtures.ts'

const PAGE = 32
const prompt = (count: number, last = 1): number[] =>
  Array.from({ length: count }, (_, i) => (i === count - 1 ? last : 3 + (i % 7)))

const written = ({ sequences }: CacheReport): number[] => sequences.map(({ tokens }) => tokens.length)

/** Every page is free or held by as many sequences as it says. */
function expectCounted({ pages, freePages, sequences }: CacheReport): void {
  const holders = new Map<number, number>()
  for (const { page } of sequences.flatMap((one) => one.pages))
    holders.set(page, (holders.get(page) ?? 0) + 1)
  for (const { page, refCount } of sequences.flatMap((one) => one.pages))
    expect(refCount).toBe(holders.get(page))
  expect(freePages).toBe(pages - holders.size)
}

async function expectBytes(
  model: Model,
  { pages, layers, bytesPerPageAndLayer }: CacheReport,
): Promise<void> {
  // One more page of one layer's K is kept for copying.
  const scratchPage = bytesPerPageAndLayer / 2
  const { byLabel } = await model.memory()
  expect(byLabel['kv-cache']).toBe(pages * layers * bytesPerPageAndLayer + scratchPage)
}

describe('the report on the cache', () => {
  test.each(['llama', 'gpt2'])(
    '%s: runs, the pages they share, and bytes as memory() counts them',
    async (name) => {
      await withModel(join(TINY, name), { weights: 'f32' }, async (model) => {
        const empty = await model.cache()
        expect([empty.pageSize, empty.sequences, empty.freePages]).toEqual([PAGE, [], empty.pages])
        expect(empty.layers).toBe(model.info.layers)
        await expectBytes(model, empty)

        const first = await greedyIds(model, prompt(40), { maxTokens: 3 })
        const one = await model.cache()
        // The last token was drawn, but never fed: it has no keys and values yet.
        expect(written(one)).toEqual([42])
        expect(one.sequences[0]).toMatchObject({ key: '', busy: false })
        expect(one.sequences[0]?.tokens).toEqual([...prompt(40), ...first.slice(0, 2)])
        expect(one.sequences[0]?.pages.map(({ refCount }) => refCount)).toEqual([1, 1])

        await greedyIds(model, prompt(40, 2), { maxTokens: 1 })
        const two = await model.cache()
        expect(written(two)).toEqual([42, 40])
        const [a, b] = two.sequences.map(({ pages }) => pages)
        // The full page is shared; of the page where the texts part each has its own.
        expect(b?.[0]).toEqual({ page: a?.[0]?.page, refCount: 2 })
        expect(b?.[1]?.refCount).toBe(1)
        expect(b?.[1]?.page).not.toBe(a?.[1]?.page)
        for (const report of [one, two]) {
          expectCounted(report)
          await expectBytes(model, report)
        }
      })
    },
  )

  test('looking into a text leaves the cache alone; a running sequence is marked', async () => {
    await withModel(join(TINY, 'llama'), { weights: 'f32' }, async (model) => {
      await greedyIds(model, prompt(10), { maxTokens: 4 })
      const before = await model.cache()
      const ids = prompt(12)
      await model.trace(ids, { probes: ['layers.*.attn.cache'] })
      await model.lens(ids, { positions: [11] })
      expect(await model.cache()).toEqual(before)
      for await (const token of model.generate(prompt(9), { temperature: 0, maxTokens: 4 })) {
        const { sequences } = await model.cache()
        expect(sequences.filter(({ busy }) => busy).length, String(token.index)).toBe(1)
      }
    })
  })
})
