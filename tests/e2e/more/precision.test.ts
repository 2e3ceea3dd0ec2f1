import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { PrecisionOptions } from '../../../src/api/model.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const TEXT = `#prompt=${encodeURIComponent('Once upon a time there was a little fox.')}&seed=1&max-tokens=6`

const id = (name: string) => `[data-testid="${name}"]`

const value = async (page: Page, name: string): Promise<number> =>
  Number(await page.getAttribute(id(name), 'data-value'))

/** What the library says of the text on the page. */
const expected = (page: Page, ids: readonly number[], other: Pick<PrecisionOptions, 'weights' | 'kvCache'>) =>
  page.evaluate(
    async ({ ids, other }) => {
      const { model } = await window.tokenscope
      const chunks = []
      for await (const chunk of model!.precision(ids, other)) chunks.push(chunk)
      return { tokens: chunks.flatMap(({ tokens }) => tokens), last: chunks.at(-1)! }
    },
    { ids, other },
  )

/** The numbers of the heat, by step. */
const cells = async (page: Page): Promise<Map<string, number>> =>
  new Map(
    await page.$$eval(id('precision-cell'), (all) =>
      all.map((one) => [one.dataset['step'] ?? '', Number(one.dataset['value'])] as const),
    ),
  )

test('what other weights cost: per token and by layer and part, as model.precision says', async () => {
  const { page } = await openPage({ path: TEXT })
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, { timeout: 60_000 })
  const ids = await page.evaluate(async (prompt) => {
    const { model } = await window.tokenscope
    const written = [...document.querySelectorAll<HTMLElement>('[data-token-index]')]
    return [...(await model!.encode(prompt)), ...written.map(({ dataset }) => Number(dataset['tokenId']))]
  }, 'Once upon a time there was a little fox.')
  await page.click(id('view-precision'))
  await page.selectOption(id('precision-other'), 'q4_0')
  await page.click(id('precision-run'))
  await page.waitForSelector(`${id('precision-status')}[data-state="done"]`, { timeout: 60_000 })
  const { tokens, last } = await expected(page, ids, { weights: 'q4_0' })
  expect(last.reference).toBe('model')
  const shown = await page.$$eval(id('precision-token'), (all) =>
    all.map((one) => ({ row: Number(one.dataset['row']), kl: Number(one.dataset['kl']) })),
  )
  expect(shown).toEqual(tokens.map(({ position, kl }) => ({ row: position, kl })))
  const mean = tokens.reduce((sum, { kl }) => sum + kl, 0) / tokens.length
  expect(await value(page, 'precision-mean')).toBeCloseTo(mean, 12)
  expect(await value(page, 'precision-parted')).toBe(
    tokens.filter(({ model, other }) => model.id !== other.id).length,
  )
  const products = last.steps.filter(({ own }) => own !== null)
  expect(await cells(page)).toEqual(new Map(products.map(({ name, own }) => [name, own])))
  // The other weights are gone again.
  const memory = await page.evaluate(async () => (await window.tokenscope).model!.memory())
  expect(memory.byLabel['other']).toBeUndefined()
  await page.focus(id('precision-tokens'))
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  expect(await page.getAttribute(id('precision-readout'), 'data-row')).toBe('1')
  await takeScreenshot(page, 'precision')
  await page.getByLabel('as they add up').check({ force: true })
  expect(await cells(page)).toEqual(new Map(last.steps.map(({ name, error }) => [name, error])))
  await expectAccessible(page, 'precision')
  // The same weights, and keys and values in fewer bits.
  await page.selectOption(`select${id('precision-other')}`, 'same')
  expect(await page.isDisabled(id('precision-run'))).toBe(true)
  await page.selectOption(id('precision-kv'), 'q8_0')
  await page.click(id('precision-run'))
  await page.waitForSelector(`${id('precision-model')}:has-text("K, V f32")`, { timeout: 60_000 })
  await page.waitForSelector(`${id('precision-status')}[data-state="done"]`, { timeout: 60_000 })
  const kept = await expected(page, ids, { kvCache: 'q8_0' })
  const lost = kept.tokens.reduce((sum, { kl }) => sum + kl, 0) / kept.tokens.length
  expect(lost).toBeGreaterThan(0)
  expect(await value(page, 'precision-mean')).toBeCloseTo(lost, 12)
})
