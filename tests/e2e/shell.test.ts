import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openPage, type OpenOptions } from './harness.ts'

const LINK = '#prompt=Once upon a time&temperature=0&seed=0&max-tokens=8'

const id = (name: string) => `[data-testid="${name}"]`

async function openDone(options: OpenOptions = {}): Promise<Page> {
  const { page } = await openPage({ path: LINK, ...options })
  await written(page)
  return page
}

/** Waits for the text a link has asked for. */
async function written(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, { timeout: 60_000 })
}

const viewNames = (page: Page) =>
  page.locator('.view-button').evaluateAll((result) => result.map((one) => one.dataset['testid'] ?? ''))

const openView = (page: Page) => page.locator('.view-button[aria-current]').getAttribute('data-testid')

async function expectClean(page: Page, ...parts: string[]): Promise<void> {
  const axe = parts.reduce((builder, part) => builder.include(part), new AxeBuilder({ page }))
  const { violations } = await axe.analyze()
  expect(violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([])
}

test('every view opens by click and by keyboard, none is wider than the page, and the list is accessible', async () => {
  const page = await openDone()
  const names = await viewNames(page)
  expect(names.length).toBeGreaterThanOrEqual(6)
  const wide: string[] = []
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 844 })
    await page.waitForSelector(width === 390 ? '.narrow-head' : '.stage')
    for (const [at, name] of names.entries()) {
      // Every other one by keyboard; on the narrow page those that were clicked on the wide one.
      if (at % 2 === (width === 390 ? 0 : 1)) await openByKeyboard(page, at)
      else await page.click(id(name))
      expect(await openView(page)).toBe(name)
      await page.waitForFunction(() => document.querySelector('main')?.childElementCount !== 0)
      for (const size of width === 390 ? [700, 390] : [2560, 1000, 1440]) {
        await page.setViewportSize({ width: size, height: 844 })
        for (const part of await page.evaluate(cutParts)) wide.push(`${name} at ${size}: ${part}`)
      }
    }
  }
  expect(wide).toEqual([])
  await page.click('.view-button[aria-expanded=false]')
  expect(await page.locator('.view-button').evaluateAll(allInSight)).toBe(true)
  await expectClean(page, '.header', '.narrow-head', id('lens-strip'))
})

/** From the list's beginning down to a view, and in. */
async function openByKeyboard(page: Page, at: number): Promise<void> {
  await page.focus('.view-button[aria-current]')
  await page.keyboard.press('Home')
  for (let move = 0; move < at; move++) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
}

/** Parts of the frame whose content is wider than they are; the frame itself never scrolls sideways. */
function cutParts(): string[] {
  const parts = ['html', '.frame', '.header', '.narrow-head', '.stage', '.shell', 'main', '.region-body']
  return parts.filter((part) =>
    [...document.querySelectorAll(part)].some((one) => one.scrollWidth > one.clientWidth + 1),
  )
}

/** True when all these can be seen at once, names in full. */
function allInSight(result: Element[]): boolean {
  return result.every((one) => {
    const { top, bottom } = one.getBoundingClientRect()
    const word = one.querySelector('.view-word')
    return top >= 0 && bottom <= innerHeight && word !== null && word.scrollWidth <= word.clientWidth
  })
}

test('a link shows another visitor the same view, token and step', async () => {
  const page = await openDone()
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.click('[data-token-index="3"]')
  await page.click(id('view-steps'))
  await page.waitForSelector(id('tensor-view'), { timeout: 60_000 })
  for (let move = 0; move < 9; move++) await page.click(id('step-next'))
  const place = (one: Page) =>
    Promise.all([
      openView(one),
      one.textContent(id('step-name')),
      one.getAttribute(id('step-position'), 'data-position'),
      one.locator(id('row-token')).evaluateAll((result) => result.map((token) => token.dataset['tokenId'])),
    ])
  const here = await place(page)
  await page.click(id('copy-link'))
  const link = await page.evaluate(() => navigator.clipboard.readText())
  const { page: other } = await openPage({ path: new URL(link).hash })
  await other.waitForSelector(`${id('tensor-view')}[data-step="${here[1]}"]`, { timeout: 60_000 })
  expect(await place(other)).toEqual(here)
  expect(here.slice(0, 2)).toEqual(['view-steps', 'layers.0.attn.probs'])
  await other.click(id('view-lens'))
  await other.goBack()
  expect(await place(other)).toEqual(here)
  await other.goForward()
  expect(await openView(other)).toBe('view-lens')
})

test('undo and redo of a setting and of a text; the strip’s numbers are the model’s', async () => {
  const page = await openDone({ colorScheme: 'dark' })
  const ids = () =>
    page
      .locator('[data-token-index]')
      .evaluateAll((chips) => chips.map((chip) => Number(chip.getAttribute('data-token-id'))))
  const temperature = () => page.inputValue(id('sampling-temperature'))
  const first = await ids()
  await page.fill(id('sampling-temperature'), '1.7')
  await page.click(id('generate'))
  await expect.poll(ids).not.toEqual(first)
  await page.waitForSelector(`${id('output')}[data-state="done"]`)
  const second = await ids()
  await page.locator('h1').click()
  await page.keyboard.press('Control+z')
  await expect.poll(ids).toEqual(first)
  await page.keyboard.press('Control+z')
  await expect.poll(temperature).toBe('0.00')
  await page.click(id('redo'))
  await expect.poll(temperature).toBe('1.70')
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(ids).toEqual(second)

  await page.click('[data-token-index="2"]')
  const row = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    return (await model!.encode('Once upon a time')).length + 2
  })
  await page.waitForSelector(`.lens-strip-cells[data-row="${row}"][aria-busy="false"]`)
  const shown = await page
    .locator(id('strip-cell'))
    .evaluateAll((cells) =>
      cells.map(({ dataset }) => [dataset['layer'], dataset['tokenId'], dataset['probability']]),
    )
  const lens = await page.evaluate(
    async ([tokens, row]) => {
      const { model } = await window.tokenscope
      const text = [...(await model!.encode('Once upon a time')), ...tokens]
      const { cells } = await model!.lens(text, { positions: [row], topK: 1 })
      return cells.map(({ layer, top }) => [layer, top[0]!.id, top[0]!.probability])
    },
    [second, row] as const,
  )
  expect(shown.map((cell) => cell.slice(0, 2).map(Number))).toEqual(lens.map((cell) => cell.slice(0, 2)))
  shown.forEach(([, , probability], at) => expect(Number(probability)).toBeCloseTo(lens[at]![2]!, 5))
  await expectClean(page, '.header', '.views', id('lens-strip'))
  await page.keyboard.press('?')
  await page.waitForSelector('.key-sheet')
  await expectClean(page, '.key-sheet')
  await page.keyboard.press('Escape')
  await page.click(`${id('strip-cell')}[data-layer="2"]`)
  expect(await openView(page)).toBe('view-lens')
  await page.waitForSelector(
    `${id('lens-cell')}[data-layer="2"][data-position="${row}"][aria-selected="true"]`,
  )
})
