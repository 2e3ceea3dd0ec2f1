import { expect, test } from 'vitest'
import { expectAccessible } from './accessible.ts'
import { openPage } from './harness.ts'
import { CELLS, expectTraced, id, openSteps, PROMPT, sampleSteps, shown, STEPS, TEXT } from './stepsPage.ts'

test('every value on screen is that of model.trace', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const samples = await sampleSteps(page, STEPS, CELLS, Math.floor(100 / STEPS))
  expect(new Set(samples.map(({ step }) => step)).size).toBe(STEPS)
  await expectTraced(page, samples)
})

test('a position is named with what it predicts, from the first token on', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const ids = await page
    .locator(id('row-token'))
    .evaluateAll((tokens) => tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])))
  const encoded = await page.evaluate(
    async (prompt) => (await window.tokenscope).model!.encode(prompt),
    PROMPT,
  )
  expect(ids.slice(0, encoded.length)).toEqual(encoded)
  for (const row of [0, 1, encoded.length - 1, encoded.length]) {
    await page.locator(id('row-token')).nth(row).click()
    const label = page.locator(id('step-position'))
    expect(await label.getAttribute('data-position')).toBe(String(row))
    expect(await label.getAttribute('data-token-id')).toBe(String(ids[row]))
    expect(await label.getAttribute('data-predicts-id')).toBe(String(ids[row + 1]))
  }
  // The token the last prompt position predicts is the first generated one, and it is the selection of every view.
  await page.locator(id('row-token')).nth(encoded.length).click()
  await page.click(id('view-write'))
  expect(await page.locator('[data-token-index="0"]').getAttribute('data-token-id')).toBe(
    String(ids[encoded.length]),
  )
  expect(await page.locator('[aria-pressed="true"][data-token-index]').count()).toBeLessThanOrEqual(1)
})

test('keys step, break, run, play and show themselves', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const name = () => page.textContent(id('step-name'))
  await page.locator('.token-bar-label').click()
  await page.keyboard.press('ArrowRight')
  expect(await name()).toBe('layers.0.attn_norm')
  await page.keyboard.press('l')
  expect(await name()).toBe('layers.1.attn_norm')
  await page.keyboard.press('b')
  expect(await page.locator('.gutter-set').count()).toBe(1)
  await page.keyboard.press('F10')
  const position = () => page.locator(id('step-position')).getAttribute('data-position')
  const last = Number(await position())
  // The last token has none behind it; behind this place of the token two before it, the next breakpoint is in the next one.
  for (const key of ['k', 'j', 'j', 'r']) await page.keyboard.press(key)
  expect(await name()).toBe('layers.1.attn_norm')
  expect(Number(await position())).toBe(last - 1)
  await page.keyboard.press('?')
  await page.locator('dialog[open]').waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)
  await page.selectOption(id('step-pace'), '16')
  await page.locator('.token-bar-label').click()
  await page.keyboard.press('j')
  await page.keyboard.press('Space')
  await expect.poll(name).toMatch(/layers\.1\.(attn|resid|post|mlp)/)
  await page.keyboard.press('Space')
  await page.keyboard.press('/')
  await page.keyboard.type('layers.*.attn.probs')
  expect(await page.locator(id('tree-node')).count()).toBe(6)
  await page.locator(id('tree-node')).last().click()
  expect(await name()).toBe('layers.5.attn.probs')
  expect(await page.textContent(id('step-shape'))).toMatch(/^6 × \d+ × \d+$/)
  expect(await page.textContent(id('step-wgsl'))).toContain('@compute')
  await page.locator('.step-link').click()
  expect(await name()).toBe('layers.5.attn.scores')
})

test('accessible by day and by night, wide and narrow', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  await page.keyboard.press('F10')
  await shown(page)
  await expectAccessible(page, 'steps')
})
