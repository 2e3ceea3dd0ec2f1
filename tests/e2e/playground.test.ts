import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openPage, type OpenOptions } from './harness.ts'

/** Greedy, short, and started by the link. */
const LINK = '#prompt=Once upon a time&temperature=0&top-k=0&top-p=1&seed=0&max-tokens=12'

const output = (page: Page) => page.getByTestId('output')
const inState = (page: Page, state: string) =>
  page.waitForSelector(`[data-testid=model-status][data-state=${state}]`, { timeout: 60_000 })

async function openReady(options: OpenOptions = {}) {
  const opened = await openPage(options)
  await inState(opened.page, 'ready')
  return opened
}

const shownIds = (page: Page) =>
  page
    .locator('[data-testid=output] [data-token-index]')
    .evaluateAll((chips) => chips.map((chip) => Number(chip.getAttribute('data-token-id'))))

test('a cold page shows a model at work, and names what runs it', async () => {
  const { page } = await openPage()
  await inState(page, 'ready')
  expect(await shownIds(page)).toHaveLength(48)
  expect((await output(page).textContent())!.length).toBeGreaterThan(80)
  await expect
    .poll(() => page.locator('.meters').textContent())
    .toMatch(/Prefill[\d.,]+ tok\/s.*Decode[\d.,]+ tok\/s.*GPU[\d.]+ MB/)
  expect(await page.getByTestId('model-status').textContent()).toMatch(/Ready.*parameters.*swiftshader/i)
})

test('the tokens, probabilities and text on the page are the model’s', async () => {
  const { page } = await openReady({ path: LINK })
  const expected = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    const prompt = await model!.encode('Once upon a time')
    const ids: number[] = []
    let text = ''
    for await (const token of model!.generate(prompt, { temperature: 0, maxTokens: 12 })) {
      ids.push(token.id)
      text += token.text
    }
    const { data } = await model!.logits([...prompt, ...ids.slice(0, 5)])
    const row = data.slice(-model!.info.vocab)
    const top = row.reduce((a, b) => Math.max(a, b))
    const sum = row.reduce((total, logit) => total + Math.exp(logit - top), 0)
    return { ids, text, probabilities: Array.from(row, (logit) => Math.exp(logit - top) / sum) }
  })
  expect(await shownIds(page)).toEqual(expected.ids)
  expect(await output(page).textContent()).toBe(expected.text)

  await page.locator('[data-token-index="5"]').click()
  await page.locator('.curve').waitFor()
  const rows = await page
    .getByTestId('logits-row')
    .evaluateAll((result) =>
      result.map(
        (row) =>
          [Number(row.getAttribute('data-token-id')), Number(row.getAttribute('data-probability'))] as const,
      ),
    )
  expect(rows[0]![0]).toBe(expected.ids[5])
  expect(rows.length).toBeGreaterThanOrEqual(10)
  for (const [id, probability] of rows) expect(probability).toBeCloseTo(expected.probabilities[id]!, 4)

  await page.getByLabel('After filters').check()
  expect(await page.locator('.candidate-excluded').count()).toBe(rows.length - 1)
})

test('generate, stop, continue and walk by keyboard; a reload keeps the text', async () => {
  const { page } = await openReady({ path: '#prompt=The fox&run=0&max-tokens=200' })
  expect(await output(page).getAttribute('data-state')).toBe('empty')
  await page.getByTestId('prompt').press('Control+Enter')
  await page.locator('[data-token-index="3"]').waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => output(page).getAttribute('data-state')).toBe('stopped')
  const before = await shownIds(page)
  expect(before.length).toBeLessThan(200)

  await page.getByTestId('sampling-max-tokens').fill('3')
  await page.getByTestId('continue').click()
  await expect.poll(() => output(page).getAttribute('data-state')).toBe('done')
  const after = await shownIds(page)
  expect(after.slice(0, before.length)).toEqual(before)
  expect(after).toHaveLength(before.length + 3)

  await page.locator('h1').click()
  await page.keyboard.press('k')
  await page.keyboard.press('k')
  await page.keyboard.press('j')
  expect(await page.locator('[aria-selected=true]').getAttribute('data-token-index')).toBe('0')

  await page.waitForURL(/max-tokens=3/)
  const text = await output(page).textContent()
  const chip = page.getByTestId('scales-chip')
  await expect.poll(() => chip.textContent()).toBe('written by base')
  await page.reload()
  await inState(page, 'ready')
  await expect.poll(() => chip.textContent()).toBe('written by base')
  expect(await output(page).textContent()).toBe(text)
  expect(await page.getByTestId('prompt').inputValue()).toBe('The fox')
})

test('after files that are no model, the model before them still answers', async () => {
  const { page } = await openReady({ path: '#prompt=A&run=0&max-tokens=2' })
  await page
    .getByTestId('model-drop')
    .setInputFiles([
      { name: 'config.json', mimeType: 'application/json', buffer: Buffer.from('{"model_type":"llama"') },
    ])
  const error = page.getByTestId('error')
  await error.waitFor()
  expect(await error.getAttribute('role')).toBe('alert')
  expect(await error.textContent()).toMatch(/^The model was not loaded.*config\.json.*still answers/)
  await inState(page, 'ready')
  const picture = { name: 'fox.png', mimeType: 'image/png', buffer: Buffer.from('\x89PNG\r\n', 'latin1') }
  await page.getByTestId('model-drop').setInputFiles([picture])
  await expect.poll(() => error.textContent()).toMatch(/fox\.png is a PNG picture/)
  await page.getByTestId('generate').click()
  await page.locator('[data-token-index="1"]').waitFor()
  expect(await error.count()).toBe(0)

  // Dropped files do not outlive a reload: that is said, and no other model takes their place.
  const folder = fileURLToPath(new URL('../../public/models/tales-3m/', import.meta.url))
  const names = ['config.json', 'model.safetensors', 'tokenizer.json']
  await page.getByTestId('model-drop').setInputFiles(names.map((name) => folder + name))
  await page.waitForURL((url) => !url.hash.includes('model='))
  await page.getByTestId('generate').click()
  await expect.poll(() => output(page).getAttribute('data-state')).toBe('done')
  const text = await output(page).textContent()
  await page.reload()
  await expect.poll(() => error.textContent()).toMatch(/^The model of before is not here.*Drop its files/)
  await inState(page, 'empty')
  expect(await output(page).textContent()).toBe(text)
})

test('a lost device is said, the text is kept, and the model loads again', async () => {
  const { page } = await openPage({ path: '#prompt=Once upon a time&max-tokens=400' })
  await page.locator('[data-token-index="2"]').waitFor({ timeout: 60_000 })
  const engine = page.workers().find((worker) => worker.url().includes('engine'))
  // The message of the fault tests, put into the worker without going through the page.
  await engine!.evaluate(() =>
    dispatchEvent(new MessageEvent('message', { data: { type: 'lose-device', run: 0 } })),
  )
  await inState(page, 'lost')
  const kept = await shownIds(page)
  expect(kept.length).toBeGreaterThan(2)
  await page.getByTestId('reload').click()
  await inState(page, 'ready')
  expect(await shownIds(page)).toEqual(kept)
  await page.getByTestId('sampling-max-tokens').fill('2')
  await page.getByTestId('continue').click()
  await expect.poll(async () => (await shownIds(page)).length).toBe(kept.length + 2)
})

test('without WebGPU the page says where it is to be had', async () => {
  const { page } = await openPage({
    initScript: () => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }),
  })
  await page.getByTestId('no-webgpu').waitFor()
  expect(await page.getByTestId('error').getAttribute('role')).toBe('alert')
})

test('Korean, dark and narrow: everything is named, reachable and accessible', async () => {
  const { page } = await openReady({ path: LINK, viewport: { width: 390, height: 844 }, colorScheme: 'dark' })
  await page.getByTestId('language').selectOption('ko')
  await expect.poll(() => page.getByTestId('generate').textContent()).toBe('생성')
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('ko')
  for (const tab of [1, 2, 3]) {
    await page.locator(`.bottom-tab:nth-child(${tab})`).click()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([])
  }
  await page.getByTestId('sampling-temperature').fill('0.5')
  await page.waitForURL(/temperature=0\.5/)
})

test('wide and light: no accessibility violation with a token pinned', async () => {
  const { page } = await openReady({ path: LINK })
  await page.locator('[data-token-index="4"]').click()
  await page.locator('.curve').waitFor()
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([])
})
