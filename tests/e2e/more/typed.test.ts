import { expect, test } from 'vitest'
import { expectNoViolation } from '../accessible.ts'
import { openPage } from '../harness.ts'
import { readPage, writeAgain } from '../randomPage.ts'
import { isReady } from '../shownModel.ts'

const id = (name: string) => `[data-testid="${name}"]`

test('Hangul that is still being composed is in the prompt that Ctrl+Enter runs', async () => {
  const { page } = await openPage({ path: '#prompt=&seed=1&max-tokens=2&run=0' })
  await isReady(page, 'tales-3m')
  await page.focus(id('prompt'))
  await page.keyboard.insertText('안녕하세')
  const session = await page.context().newCDPSession(page)
  await session.send('Input.imeSetComposition', { text: '요', selectionStart: 1, selectionEnd: 1 })
  await page.keyboard.press('Control+Enter')
  await expect.poll(async () => (await readPage(page)).text?.ids.length).toBe(2)
  expect(await page.inputValue(id('prompt'))).toBe('안녕하세요')
  const { text } = await readPage(page)
  expect(await writeAgain(page, text!, [], 2)).toEqual(text!.ids)
})

test('special tokens that are written out are read alike in Write and Score, as the switch says', async () => {
  const { page } = await openPage({
    path: `#prompt=${encodeURIComponent('Hi<|endoftext|>Hi')}&seed=1&max-tokens=1&run=0`,
  })
  await isReady(page, 'tales-3m')
  const written = async () => {
    await page.click(id('view-write'))
    return Number(/^[\d,]+/.exec((await page.textContent(id('prompt-count'))) ?? '')?.[0])
  }
  const scored = async () => {
    await page.click(id('view-score'))
    await page.fill(id('score-text-a'), 'Hi<|endoftext|>Hi')
    await page.press(id('score-text-a'), 'Control+Enter')
    await page.waitForSelector(`${id('score-made-a')}[data-state="done"]`)
    return page.locator(id('score-token-a')).count()
  }
  await expect.poll(written).toBeGreaterThan(0)
  const read = await written()
  expect(await scored()).toBe(read)
  await page.click(id('view-write'))
  await page.click(id('sampling-explain'))
  await expectNoViolation(page)
  await page.uncheck(id('prompt-special'))
  await expect.poll(written).toBeGreaterThan(read)
  expect(new URL(page.url()).hash).toContain('prompt=')
  await expect.poll(() => new URL(page.url()).hash).toContain('special=0')
})

test('100,000 characters pasted: counted, refused, and the text of before stays', async () => {
  const { page } = await openPage({ path: '#prompt=Once upon a time&seed=1&max-tokens=4' })
  await isReady(page, 'tales-3m')
  await expect.poll(async () => (await readPage(page)).text?.ids.length).toBe(4)
  const { text } = await readPage(page)
  await page.fill(id('prompt'), '가나다 '.repeat(25_000))
  await page.locator('.prompt-long').waitFor()
  await page.click(id('generate'))
  await page.getByTestId('error').getByText('tokens; this model was loaded for').waitFor()
  expect((await readPage(page)).text?.ids).toEqual(text?.ids)
  // An address carries no such prompt.
  await expect.poll(() => page.url().length).toBeLessThan(1000)
  await page.fill(id('prompt'), 'A')
  await page.click(id('generate'))
  await expect.poll(async () => (await readPage(page)).text?.ids.length).toBe(4)
})
