import type { Page } from 'playwright-core'
import { unzipSync } from 'fflate'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { takeScreenshot } from '../harness.ts'
import { id, openTrain, read, RUN, state, STEPS, SWAPS, values } from '../trainPage.ts'

/** What the library says of the adapter on the page: its name and scale, and what it writes behind a prompt. */
const live = (page: Page) =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    return (await model!.listAdapters()).map(({ name, scale }) => ({ name, scale }))
  })

test('a data set, a run, its curve, an adapter that acts and is exported; accessible', async () => {
  const page = await openTrain()
  await page.click(id('train-set-swap'))
  await read(page)
  expect(await page.locator(id('train-example')).count()).toBe(SWAPS.length)
  expect(await page.locator(`${id('train-example')}[data-split="held"]`).count()).toBe(2)
  const targets = await page.$$eval(id('train-target'), (all) =>
    all.map((one) => (one as HTMLElement).dataset['counted'] === 'true'),
  )
  expect(targets.indexOf(true)).toBeGreaterThan(3)
  expect(targets.slice(targets.indexOf(true)).every(Boolean)).toBe(true)
  await page.fill(id('train-every'), '3')
  await page.click(id('train-start'))
  await state(page, 'done')
  const losses = await values(page, 'train-loss')
  expect(losses).toHaveLength(STEPS)
  expect(Math.min(...losses.slice(-2))).toBeLessThan(losses[0]!)
  const held = await values(page, 'train-held')
  expect(held.at(-1)).toBeLessThan(held[0]!)
  expect(await live(page)).toEqual([{ name: 'swap', scale: 1 }])
  // The newest checkpoint writes what the adapter on the page writes; the slider goes back to the base.
  const shown = () => page.locator(id('train-sample')).last().textContent()
  const prompt = await page.inputValue(id('train-prompt'))
  const written = await page.evaluate(async (prompt) => {
    const { model } = await window.tokenscope
    let text = ''
    for await (const token of model!.generate(prompt, { temperature: 0, maxTokens: 48 })) text += token.text
    return text
  }, prompt)
  expect(await shown()).toBe(written)
  await page.focus(id('train-scrubber'))
  await page.keyboard.press('Home')
  await page.waitForSelector(`${id('train-scrubber')}[data-steps="0"]`)
  await page.keyboard.press('End')
  await page.waitForSelector(`${id('train-scrubber')}[data-steps="${STEPS}"]`)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(id('train-export'))])
  const files = unzipSync(new Uint8Array(await readFile(await download.path())))
  expect(Object.keys(files).toSorted()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
  expect(await page.locator(id('train-heat-delta')).getAttribute('data-columns')).not.toBe('0')
  await expectAccessible(page, 'train')
  await page.selectOption(id('language'), 'ko')
  await page.waitForSelector('html[lang="ko"]')
  await takeScreenshot(page, 'train ko')
})

test('own data with bad lines; paused while the page writes; stopped, kept, and offered after a reload', async () => {
  const page = await openTrain()
  await page.fill(id('train-data'), `prompt,completion\n"a fox",ran\nonly one\n"a duck",swam\n"a hen",sat\n`)
  await page.waitForSelector(`${id('train-reading')}[data-state="ready"][data-format="csv"]`)
  const bad = page.locator(id('train-bad-line'))
  await expect.poll(() => bad.count()).toBe(1)
  expect(await bad.getAttribute('data-line')).toBe('3')
  expect(await page.locator(id('train-example')).count()).toBe(3)
  await page.fill(id('train-heldOut'), '1')
  await page.fill(id('train-steps'), '400')
  await page.click(id('train-start'))
  await expect.poll(() => page.locator(id('train-loss')).count(), { timeout: 120_000 }).toBeGreaterThan(0)
  await page.click(id('train-pause'))
  await state(page, 'paused')
  // The page writes with the adapter as it stands, in another view.
  await page.click(id('view-write'))
  await page.fill(id('sampling-max-tokens'), '4')
  await page.click(id('generate'))
  await expect.poll(() => page.locator('[data-token-index]').count()).toBe(4)
  await page.click(id('view-train'))
  await state(page, 'paused')
  await page.click(id('train-stop'))
  await state(page, 'stopped')
  const steps = await page.locator(id('train-loss')).count()
  const last = await page.getAttribute(id('train-scrubber'), 'data-steps')
  expect(Number(last)).toBe(steps)
  await page.reload()
  await page.evaluate(() => window.tokenscope.then(() => undefined))
  await page.click(id('view-train'))
  await page.click(id('train-earlier'))
  await expect.poll(() => page.locator(id('train-loss')).count()).toBe(steps)
  await page.waitForSelector(`${id('train-scrubber')}[data-steps="${steps}"]`)
  await page.click(id('train-load'))
  await expect.poll(async () => (await live(page)).length).toBe(1)
})

test('a mixture of experts is refused by name before anything is chosen', async () => {
  const page = await openTrain()
  const folder = fileURLToPath(new URL('../../fixtures/models/mixtral', import.meta.url))
  const files = ['config.json', 'model.safetensors'].map((file) => `${folder}/${file}`)
  await page.setInputFiles(id('model-drop'), files)
  const refused = page.locator(id('train-refused'))
  await refused.waitFor(RUN)
  expect(await refused.textContent()).toMatch(/layers\.\d+\.mlp\.experts: expert_sum has no backward rule/)
  expect(await page.locator(id('train-start')).count()).toBe(0)
  await expectAccessible(page, 'train refused')
  await page.selectOption(id('language'), 'ko')
  await page.waitForSelector('html[lang="ko"]')
  await takeScreenshot(page, 'train refused ko')
})
