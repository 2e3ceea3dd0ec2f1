import { fileURLToPath } from 'node:url'
import { readdir } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from './accessible.ts'
import { openPage } from './harness.ts'
import { traced } from './stepsPage.ts'

const BERT = fileURLToPath(new URL('../fixtures/models/bert', import.meta.url))
const TEXT = `#prompt=${encodeURIComponent('Once upon a time there was a little fox who')}&seed=1&max-tokens=6`

const id = (name: string) => `[data-testid="${name}"]`
const node = (step: string) => `${id('map-node')}[data-step="${step}"]`

const ready = (page: Page) =>
  page.waitForSelector(`${id('model-status')}[data-state="ready"]`, { timeout: 60_000 })

/** Writes the text, opens the picture on it and waits until all of it has been read. */
async function openMap(page: Page): Promise<void> {
  await ready(page)
  await page.click(id('generate'))
  await page.waitForSelector(`${id('output')}[data-state="done"]`, { state: 'attached' })
  await page.click(id('view-map'))
  await mapDrawn(page)
}

const mapDrawn = (page: Page) => page.waitForSelector('.map-board[data-whole="true"]', { timeout: 60_000 })

const openedPage = async (): Promise<Page> => {
  const { page } = await openPage({ path: TEXT, reducedMotion: 'reduce' })
  await openMap(page)
  return page
}

test('a node for every step, whose values are those of model.trace; a chosen token is followed; accessible', async () => {
  const page = await openedPage()
  const facts = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    const all = await model!.steps({ rows: 1 })
    return {
      layers: model!.info.layers,
      heads: model!.info.heads,
      first: all.filter(({ layer }) => layer === 0).map(({ name }) => name),
    }
  })
  expect(await page.locator('.map-line[data-layer]').count()).toBe(facts.layers)
  expect(await page.locator('.map-line[data-layer="1"] .map-head').count()).toBe(facts.heads)
  for (const step of facts.first) await page.waitForSelector(`.map-opened ${node(step)}[data-value]`)
  const shown = await page.locator(`.map-opened ${id('map-node')}[data-value]`).evaluateAll((nodes) =>
    nodes.map((one) => {
      const { step = '', index, value = '' } = (one as HTMLElement).dataset
      return { step, index: Number(index), value }
    }),
  )
  expect(shown.map(({ step }) => step).toSorted()).toEqual(facts.first.toSorted())
  const values = await traced(page, shown)
  expect(shown.map(({ value }) => value)).toEqual(values)
  // Drawn from the GPU: each thumbnail is a canvas whose control the engine has.
  expect(await page.locator('.map-opened .map-thumb canvas').count()).toBeGreaterThanOrEqual(
    facts.first.length,
  )

  // A token chosen in the middle is followed to the one that came next.
  const tokens = page.locator(`.map-text ${id('row-token')}`)
  const count = await tokens.count()
  await tokens.nth(count - 3).click()
  await page.waitForSelector(`.map-board[data-whole="true"][data-row="${count - 3}"]`)
  const outcome = page.locator('.map-outcome-token')
  expect(await outcome.getAttribute('data-token-id')).toBe(
    await tokens.nth(count - 2).getAttribute('data-token-id'),
  )
  await expectAccessible(page, 'map')
})

test('keys walk through the parts and the steps; Enter opens a step, a head, a word', async () => {
  const page = await openedPage()
  const focused = () =>
    page.evaluate(() => {
      const { step, head } = (document.activeElement as HTMLElement).dataset
      return [step, head]
    })
  await page.focus('.map-line[data-layer="1"] .map-layer')
  await page.keyboard.press('ArrowRight')
  expect(await focused()).toEqual(['layers.1.attn.probs', '0'])
  await page.keyboard.press('ArrowDown')
  expect(await focused()).toEqual(['layers.2.attn.probs', '0'])
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${id('view-attention')}[aria-current]`)
  await page.click(id('view-map'))
  await mapDrawn(page)
  // The same keys as in Steps; the layer that is stepped into opens.
  await page.click('.map-line[data-layer="0"] .map-layer')
  await page.keyboard.press('F10')
  const current = `.map-opened ${id('map-node')}[aria-current="step"]`
  await page.waitForSelector(`${current}[data-step="layers.0.attn_norm"]`)
  await page.click(id('step-next'))
  await page.waitForSelector(`${current}[data-step="layers.0.attn.q"]`)
  await page.click(id('step-layer'))
  await page.waitForSelector(`${current}[data-step="layers.1.attn.q"]`)
  await page.focus(`.map-opened ${node('layers.1.attn.q')}`)
  await page.keyboard.press('Enter')
  await expect.poll(() => page.textContent(id('step-name'))).toBe('layers.1.attn.q')
  await page.click(id('view-map'))
  await mapDrawn(page)
  await page.click('.map-line[data-layer="3"] .map-word')
  await page.waitForSelector(`${id('view-lens')}[aria-current]`)
})

test('without a text the model is drawn as it is built, an encoder as well', async () => {
  const { page } = await openPage({ path: '#view=map&run=0', reducedMotion: 'reduce' })
  await ready(page)
  const names = (await readdir(BERT)).filter((name) => /config\.json|safetensors/.test(name))
  await page.setInputFiles(
    id('model-drop'),
    names.map((name) => `${BERT}/${name}`),
  )
  const encoder = () => page.evaluate(async () => (await window.tokenscope).model?.info)
  await expect.poll(async () => (await encoder())?.modelType).toBe('bert')
  await page.waitForSelector('.map-notice-state')
  const { layers = 0, heads = 0 } = (await encoder()) ?? {}
  const counts = () =>
    Promise.all(['.map-line[data-layer]', '.map-head'].map((part) => page.locator(part).count()))
  await expect.poll(counts).toEqual([layers, layers * heads])
})
