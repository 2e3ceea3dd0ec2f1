import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectNoViolation } from '../accessible.ts'
import { openPage } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`

/** Writes a few tokens under an edit that makes the outputs of a layer overflow what an f16 holds, beside the page. */
const overflow = (page: Page) =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    const edits = [{ kind: 'scale', step: 'layers.2.resid', factor: 1e6 }] as const
    for await (const { index } of model!.generate('Once', { maxTokens: 3, temperature: 0, edits })) void index
  })

test('odd values are counted while the model runs: none of a sound one, else the step that made the first is named', async () => {
  const { page } = await openPage({ path: '#prompt=Once upon a time&seed=1&max-tokens=4' })
  await page.waitForSelector(`${id('output')}[data-state="done"]`)
  await page.click(id('view-models'))
  await page.check(id('watch-switch'))
  await page.click(id('view-write'))
  await page.click(id('generate'))
  await page.click(id('view-models'))
  await expect.poll(() => page.getAttribute(id('watch'), 'data-steps').then(Number)).toBeGreaterThan(20)
  expect(await page.locator(id('watch-odd')).count()).toBe(0)
  await overflow(page)
  await page.waitForSelector(`${id('odd-values')}[data-step="layers.2.resid"]`)
  await expectNoViolation(page)
  const [first] = await page.locator(id('watch-odd')).allTextContents()
  expect(first).toMatch(/layers\.2\.resid.* of at least 65,504/)
  await page.locator(id('watch-odd')).getByRole('button').first().click()
  await page.waitForSelector(`${id('step-name')}:text-is("layers.2.resid")`)
  await page.click(id('view-models'))
  await page.uncheck(id('watch-switch'))
  await page.waitForSelector(id('odd-values'), { state: 'detached' })
  expect(await page.evaluate(async () => (await window.tokenscope).model!.watchedValues())).toEqual([])
})
