import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { FIXTURES } from '../../text/shared.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const TIMEOUT = { timeout: 60_000 }

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  if (location.protocol !== 'http:') return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

async function openTokenizer(): Promise<Page> {
  const { page } = await openPage({ path: '#run=0', initScript: fold })
  await page.evaluate(() => window.tokenscope)
  await page.click(id('view-tokenizer'))
  await page.waitForSelector(id('tokenizer-token'), TIMEOUT)
  return page
}

const ids = (page: Page, name = 'tokenizer-token', within = 'body'): Promise<number[]> =>
  page.$$eval(`${within} ${id(name)}`, (all) =>
    all.map((one) => Number((one as HTMLElement).dataset['tokenId'])),
  )

const encode = (page: Page, text: string) =>
  page.evaluate(async (text) => (await window.tokenscope).model!.encode(text, { parseSpecial: true }), text)

test('tokens while typing, merges, jamo, a second tokenizer, the what-if; accessible', async () => {
  const page = await openTokenizer()
  const text = '강아지가 <|endoftext|> hello 한국'
  await page.fill(id('tokenizer-input'), text)
  await expect.poll(() => ids(page), TIMEOUT).toEqual(await encode(page, text))
  // A token tells which character it is part of.
  await page.locator(id('tokenizer-token')).nth(1).click()
  expect(await page.textContent(id('tokenizer-facts'))).toContain('ㄱ ㅏ ㅇ')
  // The last state of the merges is what the word became.
  const word = page
    .locator(id('tokenizer-word'))
    .filter({ hasText: 'hello' })
    .or(page.locator(id('tokenizer-word')).first())
  await word.first().click()
  await page.waitForSelector(id('tokenizer-work'))
  expect(await page.getAttribute(id('tokenizer-work'), 'data-kind')).toBe('bpe')
  // More syllables, fewer tokens.
  await page.fill(id('whatif-corpus'), '강강강강 아지랑이 강아지')
  await page.fill(id('whatif-count'), '1')
  await page.click(id('whatif-run'))
  await page.waitForSelector(id('whatif-saved'), TIMEOUT)
  const saved = page.locator(id('whatif-saved'))
  expect(Number(await saved.getAttribute('data-after'))).toBeLessThan(
    Number(await saved.getAttribute('data-before')),
  )
  const [added] = await ids(page, 'whatif-added')
  expect((await ids(page, 'whatif-token')).filter((one) => one === added)).toHaveLength(1)
  // Another tokenizer beside it, from its files.
  await page.check(id('tokenizer-second'))
  await page.setInputFiles(id('tokenizer-files-b'), {
    name: 'tokenizer.json',
    mimeType: 'application/json',
    buffer: readFileSync(join(FIXTURES, 'wordpiece', 'tokenizer.json')),
  })
  await expect
    .poll(() => ids(page, 'tokenizer-token', '[data-slot="b"]').then((all) => all.length), TIMEOUT)
    .toBeGreaterThan(0)
  await takeScreenshot(page, 'tokenizer two')
  await expectAccessible(page, 'tokenizer')
})

test('a SentencePiece model opens by itself, its lattice has a path, a broken file says what is wrong', async () => {
  const page = await openTokenizer()
  const file = (name: string, buffer: Buffer) =>
    page.setInputFiles(id('tokenizer-files-a'), { name, mimeType: '', buffer })
  await file('tokenizer.model', readFileSync(join(FIXTURES, 'spm_unigram', 'tokenizer.model')))
  await page.locator('[data-slot="a"]').getByText('Unigram').waitFor(TIMEOUT)
  await page.locator(id('tokenizer-word')).first().click()
  await page.waitForSelector(`${id('tokenizer-work')}[data-kind="unigram"]`)
  expect(await page.locator('.tokenizer-chosen').count()).toBeGreaterThan(0)
  await file('tokenizer.json', Buffer.from('{"model":'))
  await page.getByRole('alert').filter({ hasText: 'tokenizer.json' }).waitFor(TIMEOUT)
})
