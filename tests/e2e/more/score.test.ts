import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox named Lily.'
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=8`
const LABEL = ' Grandmother bought flowers at the market.<|endoftext|>'
const TASK = `<|instruction|> Translate to English.<|input|> 할머니는 시장에서 꽃을 샀어요.<|label|>${LABEL}`

const id = (name: string) => `[data-testid="${name}"]`

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  // It also runs in frames that own no storage.
  if (location.protocol !== 'http:') return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

async function openScore(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBe(8)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
  await page.click(id('view-score'))
  await scored(page, 'a')
}

const scored = (page: Page, box: 'a' | 'b') =>
  page.waitForSelector(`${id(`score-made-${box}`)}[data-state="done"]`, { timeout: 60_000 })

async function scoreText(page: Page, box: 'a' | 'b', text: string): Promise<void> {
  await page.fill(id(`score-text-${box}`), text)
  await page.click(id(`score-run-${box}`))
  await scored(page, box)
}

const value = async (page: Page, name: string): Promise<number> =>
  Number(await page.getAttribute(id(name), 'data-value'))

interface Chip {
  id: number
  logprob: number
  masked: boolean
}

/** Every token but the first, as shown. */
const chips = (page: Page, box: 'a' | 'b'): Promise<Chip[]> =>
  page.$$eval(id(`score-token-${box}`), (all) =>
    all.slice(1).map((one) => {
      const { tokenId, logprob, masked } = (one as HTMLElement).dataset
      return { id: Number(tokenId), logprob: Number(logprob), masked: masked === 'true' }
    }),
  )

/** What the library says of a text, special tokens read as such. */
const expected = (page: Page, text: string) =>
  page.evaluate(async (text) => {
    const { model } = await window.tokenscope
    const ids = await model!.encode(text, { parseSpecial: true })
    const all = []
    for await (const chunk of model!.score(ids, { topLogprobs: 10 })) all.push(...chunk)
    return all
  }, text)

// Chunks are sized by time, so kernels for other numbers of rows may compute a token; they add in another order.
const DIGITS = 4

test('the page’s text: tokens, totals and alternatives are those of model.score', async () => {
  const { page } = await openPage({ path: TEXT, initScript: fold })
  await openScore(page)
  const text = await page.inputValue(id('score-text-a'))
  expect(text.startsWith(PROMPT)).toBe(true)
  const scored = await expected(page, text)
  const shown = await chips(page, 'a')
  expect(shown.map((chip) => chip.id)).toEqual(scored.map((token) => token.id))
  shown.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(scored[i]!.logprob, DIGITS))
  const nats = scored.reduce((sum, { logprob }) => sum - logprob, 0)
  expect(await value(page, 'score-loss-a')).toBeCloseTo(nats / scored.length, DIGITS)
  expect(await value(page, 'score-perplexity-a')).toBeCloseTo(Math.exp(nats / scored.length), 3)
  expect(await value(page, 'score-bits-a')).toBeCloseTo(nats / Math.LN2 / Buffer.byteLength(text), DIGITS)
  await page.focus(id('score-tokens-a'))
  await page.keyboard.press('Home')
  for (let step = 0; step < 9; step++) await page.keyboard.press('ArrowRight')
  expect(await page.getAttribute(id('score-panel'), 'data-row')).toBe('9')
  expect(await value(page, 'score-token-rank')).toBe(scored[8]!.rank)
  expect(await value(page, 'score-token-entropy')).toBeCloseTo(scored[8]!.entropy, DIGITS)
  const alternatives = await page.$$eval(id('score-alternative'), (rows) =>
    rows.map((row) => Number((row as HTMLElement).dataset['tokenId'])),
  )
  expect(alternatives.slice(0, 10)).toEqual(scored[8]!.top.map((other) => other.id))
})

test('spans mask what is not learnt; a second text stands beside with the difference; accessible', async () => {
  const { page } = await openPage({ path: TEXT, initScript: fold })
  await openScore(page)
  await page.check(id('score-second'))
  await scoreText(page, 'b', TASK)
  const scored = await expected(page, TASK)
  const label = 1 + scored.findIndex(({ id }) => id === 7)
  const lossFrom = (from: number) =>
    scored.slice(from).reduce((sum, { logprob }) => sum - logprob, 0) / (scored.length - from)
  expect(await value(page, 'score-counted-b')).toBe(scored.length)
  await page.getByRole('radio', { name: 'by markers' }).check()
  const masks = await chips(page, 'b')
  masks.forEach(({ masked }, i) => expect(masked, `token ${i + 1}`).toBe(i < label))
  expect(await value(page, 'score-loss-b')).toBeCloseTo(lossFrom(label), DIGITS)
  expect(await value(page, 'score-masked-b')).toBe(label)
  // Special tokens have no bytes.
  expect(await value(page, 'score-bytes-b')).toBe(LABEL.length - '<|endoftext|>'.length)
  expect(await value(page, 'score-counted-a')).toBe((await chips(page, 'a')).length)
  expect(await value(page, 'score-difference-loss')).toBeCloseTo(
    (await value(page, 'score-loss-b')) - (await value(page, 'score-loss-a')),
    9,
  )
  // By hand: everything up to the last word is instruction.
  await page.getByRole('radio', { name: 'marked by hand' }).check()
  const text = await page.inputValue(id('score-text-a'))
  await page.$eval(
    id('score-text-a'),
    (box, end) => {
      const area = box as HTMLTextAreaElement
      area.focus()
      area.setSelectionRange(0, end)
    },
    text.lastIndexOf(' '),
  )
  await page.click(id('score-mark-instruction-a'))
  const byHand = await chips(page, 'a')
  const counted = byHand.filter(({ masked }) => !masked)
  expect(counted.length).toBeGreaterThan(0)
  expect(counted).toEqual(byHand.slice(-counted.length))
  expect(await value(page, 'score-loss-a')).toBeCloseTo(
    counted.reduce((sum, { logprob }) => sum - logprob, 0) / counted.length,
    9,
  )
  await takeScreenshot(page, 'score two texts')
  await page.click(`${id('score-token-b')}[data-row="12"]`)
  await expectAccessible(page, 'score')
})
