import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const LIMIT = { timeout: 60_000 }
const IDS = Array.from({ length: 16 }, (_, i) => 3 + ((i * 17) % 90))

async function openMixture(page: Page): Promise<void> {
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
  const folder = fileURLToPath(new URL('../../fixtures/models/olmoe', import.meta.url))
  await page.setInputFiles(
    id('model-drop'),
    ['config.json', 'model.safetensors'].map((file) => `${folder}/${file}`),
  )
  const architecture = () => page.evaluate(async () => (await window.tokenscope).model!.info.architecture)
  await expect.poll(architecture, LIMIT).toContain('Olmoe')
  await page.fill(id('prompt'), IDS.join(' '))
  await page.click(id('generate'))
  await page.waitForSelector(`${id('output')}[data-state="done"]`, LIMIT)
}

/** What the routers chose for a position, as the engine says. */
const chosenAt = (page: Page, ids: readonly number[], position: number) =>
  page.evaluate(
    async ([ids, position]) => {
      const { model } = await window.tokenscope
      const traced = await model!.trace(ids, { probes: ['layers.*.mlp.chosen', 'layers.*.mlp.weights'] })
      return [0, 1].flatMap((layer) => {
        const [chosen, weights] = ['chosen', 'weights'].map((part) =>
          traced.get(`layers.${layer}.mlp.${part}`)!,
        )
        const count = chosen!.shape[1]!
        return Array.from({ length: count }, (_, i) => [
          layer,
          chosen!.data[position * count + i]!,
          weights!.data[position * count + i]!,
        ])
      })
    },
    [ids, position] as const,
  )

const shown = (page: Page) =>
  page.$$eval(id('expert-choice'), (all) =>
    all.map((one) =>
      ['layer', 'expert', 'weight'].map((field) => Number((one as HTMLElement).dataset[field])),
    ),
  )

test('experts: load, tokens and weights are those of the routers; a model without them says so', async () => {
  const { page } = await openPage({ path: '#prompt=Once%20upon%20a%20time&seed=1&max-tokens=4' })
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), LIMIT).toBeGreaterThan(0)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
  await page.click(id('view-experts'))
  await expect.poll(() => page.textContent(id('experts-view')), LIMIT).toContain('no experts')
  await page.click(id('view-write'))
  await openMixture(page)
  await page.click(id('view-experts'))
  await page.waitForSelector(`${id('experts-view')} ${id('tensor-cell')}`, LIMIT)
  const position = Number(await page.getAttribute(id('experts-panel'), 'data-position'))
  // The text is the prompt and what was written: the prompt's last token is looked at through the map.
  await page.locator(id('tensor-view')).last().focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.getAttribute(id('experts-panel'), 'data-position')).not.toBe(String(position))
  const row = Number(await page.getAttribute(id('experts-panel'), 'data-position'))
  expect(await shown(page)).toEqual(await chosenAt(page, IDS, row))
  // A load of a layer adds up to all of it, whichever way it is counted.
  await page.getByRole('radio', { name: 'weight' }).check()
  const share = Number(await page.getAttribute(id('experts-load'), 'data-value'))
  expect(share).toBeGreaterThanOrEqual(0)
  expect(share).toBeLessThanOrEqual(1)
  const entropy = Number(await page.getAttribute(id('experts-entropy'), 'data-value'))
  expect(entropy).toBeGreaterThan(0)
  expect(entropy).toBeLessThanOrEqual(Math.log2(6))
  await takeScreenshot(page, 'experts')
  await expectAccessible(page, 'experts')
})
