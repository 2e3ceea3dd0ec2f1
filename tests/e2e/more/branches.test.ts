import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { openPage, type OpenOptions } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox named Lily.'
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=8`

const id = (name: string) => `[data-testid="${name}"]`
const lines = (page: Page) => page.locator(id('tree-node'))

/** Cached keys and values against a forward over the whole text: another order of f32 sums. */
const TOLERANCE = 1e-4

async function openBranches(options: OpenOptions = {}): Promise<Page> {
  const { page } = await openPage({ path: TEXT, ...options })
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBe(8)
  await ready(page)
  await showView(page, 'branches')
  await lines(page).first().waitFor()
  await settled(page)
  return page
}

const ready = (page: Page) =>
  page.waitForSelector(`${id('model-status')}[data-state="ready"]`, { timeout: 60_000 })

const settled = (page: Page) =>
  page.waitForSelector(`${id('branch-phase')}[data-state="idle"]`, { state: 'attached', timeout: 60_000 })

const showView = (page: Page, view: string) => page.click(id(`view-${view}`))

/** Ids of the text on the page, from the Write view. */
async function writtenIds(page: Page): Promise<number[]> {
  return page.$$eval('[data-testid=output] [data-token-index]', (chips) =>
    chips.map((chip) => Number((chip as HTMLElement).dataset['tokenId'])),
  )
}

const lineFacts = (page: Page) =>
  lines(page).evaluateAll((all) =>
    all.map((one) => {
      const { tokenId, probability, onPage } = (one as HTMLElement).dataset
      return {
        token: Number(tokenId),
        probability: probability === undefined ? null : Number(probability),
        onPage: onPage === 'true',
        level: Number(one.getAttribute('aria-level')),
      }
    }),
  )

/** Probabilities after a text, from a forward over all of it. */
const probabilitiesAfter = (page: Page, ids: readonly number[]): Promise<number[]> =>
  page.evaluate(async (ids) => {
    const { model } = await window.tokenscope
    const row = (await model!.logits(ids)).data.slice(-model!.info.vocab)
    const peak = row.reduce((a, b) => Math.max(a, b))
    const sum = row.reduce((total, logit) => total + Math.exp(logit - peak), 0)
    return Array.from(row, (logit) => Math.exp(logit - peak) / sum)
  }, ids)

const promptIds = (page: Page): Promise<number[]> =>
  page.evaluate(async (prompt) => (await window.tokenscope).model!.encode(prompt), PROMPT)

test('a choice forks the text, at a written and at a prompt token; every path stays, and can be shown again', async () => {
  const page = await openBranches()
  const prompt = await promptIds(page)
  expect(await lines(page).count()).toBe(1)
  await page
    .locator('.branch-text .chip')
    .nth(prompt.length + 2)
    .click()
  const other = page.locator(`${id('branch-token')} ${id('logits-row')}:not(.candidate-chosen)`).first()
  const otherId = Number(await other.getAttribute('data-token-id'))
  const shown = Number(await other.getAttribute('data-probability'))
  await other.getByRole('button').click()
  await expect.poll(() => lines(page).count()).toBe(3)
  await settled(page)
  const [root, old, fresh] = await lineFacts(page)
  expect([root!.level, old!.level, fresh!.level]).toEqual([1, 2, 2])
  expect([root!.onPage, old!.onPage, fresh!.onPage]).toEqual([true, false, true])
  expect(fresh!.token).toBe(otherId)
  expect(fresh!.probability).toBe(shown)

  await showView(page, 'write')
  const forked = await writtenIds(page)
  expect(forked).toHaveLength(3)
  expect(forked[2]).toBe(otherId)
  const real = await probabilitiesAfter(page, [...prompt, ...forked.slice(0, 2)])
  expect(Math.abs(real[otherId]! - shown)).toBeLessThan(TOLERANCE)
  expect(Math.abs(real[old!.token]! - old!.probability!)).toBeLessThan(TOLERANCE)

  await showView(page, 'branches')
  await page.click(id('branch-continue'))
  await expect.poll(() => page.locator('.branch-line').nth(2).locator('.chip').count()).toBe(9)
  await ready(page)
  await page.locator('.branch-line').nth(1).locator('.chip').first().click()
  await page.click(id('branch-use'))
  await expect.poll(async () => (await lineFacts(page))[1]!.onPage).toBe(true)

  // A prompt token: its alternatives are read off the text first.
  await page.locator('.branch-line').first().locator('.chip').nth(9).click()
  await page
    .locator(`${id('branch-token')} .candidate-choose`)
    .first()
    .click()
  await expect.poll(() => lines(page).count()).toBe(5)
  await settled(page)
  await showView(page, 'write')
  expect(await page.inputValue(id('prompt'))).toBe('Once upon a time there was a little')
  expect(await writtenIds(page)).toHaveLength(1)

  await page.reload()
  await page.evaluate(() => window.tokenscope)
  await showView(page, 'branches')
  await expect.poll(() => lines(page).count(), { timeout: 60_000 }).toBe(5)
})

test('expanding, editing and comparing show the model’s own numbers; everything by keyboard', async () => {
  const page = await openBranches()
  const prompt = await promptIds(page)
  const text = [...prompt]
  await page.selectOption(id('branch-children'), '5')
  await page.locator('.branch-text .chip').last().click()
  await settled(page)
  await page.click(id('branch-expand'))
  await expect.poll(() => lines(page).count()).toBe(6)
  await settled(page)
  await showView(page, 'write')
  text.push(...(await writtenIds(page)))
  expect(text).toHaveLength(prompt.length + 8)
  const real = await probabilitiesAfter(page, text)
  const best = [...real.keys()].sort((a, b) => real[b]! - real[a]!).slice(0, 5)
  await showView(page, 'branches')
  await lines(page).first().waitFor()
  const children = (await lineFacts(page)).slice(1)
  expect(children.map(({ token }) => token)).toEqual(best)
  for (const { token, probability } of children)
    expect(Math.abs(probability! - real[token]!)).toBeLessThan(TOLERANCE)

  // The tree by keys: lines, tokens, ends, use, remove and undo.
  await page.locator('[role=treeitem][tabindex="0"]').focus()
  await page.keyboard.press('End')
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset')))
    .toBe('5')
  await page.keyboard.press('ArrowUp')
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset')))
    .toBe('4')
  await page.keyboard.press('Enter')
  await expect.poll(async () => (await lineFacts(page))[4]!.onPage).toBe(true)
  await page.keyboard.press('ArrowLeft')
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-level'))).toBe('1')
  await page.keyboard.press('ArrowRight')
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset')))
    .toBe('4')
  await page.keyboard.press('Delete')
  await expect.poll(() => lines(page).count()).toBe(5)
  await page.keyboard.press('Control+z')
  await expect.poll(() => lines(page).count()).toBe(6)

  // Typed text takes as many tokens as it takes.
  await page.keyboard.press('Home')
  await page.locator('.branch-line').first().locator('.chip').nth(prompt.length).click()
  await page.fill(id('branch-edit'), ' Suddenly it rained')
  await page.click(id('branch-edit-fork'))
  await expect
    .poll(async () => (await lineFacts(page)).some(({ level, onPage }) => level === 2 && onPage))
    .toBe(true)
  await settled(page)
  await page.click(id('branch-compare'))
  await page.locator('.branch-line').nth(1).locator('.chip').nth(1).click()
  await page.locator(id('branch-side-b')).waitFor()
  expect(Number(await page.getAttribute(id('branch-comparison'), 'data-first-difference'))).toBe(
    prompt.length,
  )
  const total = Number(await page.getAttribute(id('branch-side-a'), 'data-logprob'))
  await showView(page, 'write')
  const typed = await writtenIds(page)
  const expected = await page.evaluate(
    async ([ids, from]) => {
      const { model } = await window.tokenscope
      const { data, shape } = await model!.logits(ids)
      const vocab = shape[1]!
      let sum = 0
      for (let at = from; at < ids.length; at++) {
        const row = data.slice((at - 1) * vocab, at * vocab)
        const peak = row.reduce((a, b) => Math.max(a, b))
        const all = row.reduce((total, logit) => total + Math.exp(logit - peak), 0)
        sum += row[ids[at]!]! - peak - Math.log(all)
      }
      return sum
    },
    [[...prompt, ...typed], prompt.length] as const,
  )
  expect(Math.abs(total - expected)).toBeLessThan(TOLERANCE * typed.length)
})

test('accessible by day and by night, on a wide and on a narrow page', async () => {
  const page = await openBranches()
  await page.click(id('branch-expand'))
  await expect.poll(() => lines(page).count()).toBe(4)
  await settled(page)
  await page.locator('.branch-line').nth(1).locator('.chip').first().click()
  await page.click(id('branch-compare'))
  await page.locator('.branch-line').nth(2).locator('.chip').first().click()
  await page.locator(id('branch-side-b')).waitFor()
  expect(await page.locator('.branch-text [data-chosen="true"]').count()).toBe(1)
  await expectAccessible(page, 'branches')
})
