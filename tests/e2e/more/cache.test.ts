import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { openPage } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox named Lily. She had a red ball and a blue kite. '
const text = (maxTokens: number) => `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=${maxTokens}`

const id = (name: string) => `[data-testid="${name}"]`

const ready = (page: Page) =>
  page.waitForSelector(`${id('model-status')}[data-state="ready"]`, { timeout: 60_000 })

async function written(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBeGreaterThan(3)
  await ready(page)
}

/** Numbers in `data-` attributes of all elements with a test id. */
const numbers = (page: Page, name: string, fields: readonly string[]): Promise<number[][]> =>
  page.$$eval(
    id(name),
    (all, fields) => all.map((one) => fields.map((field) => Number((one as HTMLElement).dataset[field]))),
    fields,
  )

const value = async (page: Page, name: string) => Number(await page.getAttribute(id(name), 'data-value'))

/** What the engine says of its cache, and of the text on the page. */
const engine = (page: Page) =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    const [report, { byLabel }] = await Promise.all([model!.cache(), model!.memory()])
    return { report, counted: byLabel['kv-cache'] }
  })

async function expectPages(page: Page): Promise<void> {
  const { report, counted } = await engine(page)
  const refCount = new Map(
    report.sequences.flatMap(({ pages }) => pages.map((one) => [one.page, one.refCount])),
  )
  const cells = Array.from({ length: report.pages }, (_, at) => [at, refCount.get(at) ?? 0])
  await expect.poll(() => numbers(page, 'cache-page', ['page', 'refCount'])).toEqual(cells)
  expect(await numbers(page, 'cache-run', ['positions', 'pages'])).toEqual(
    report.sequences.map(({ tokens, pages }) => [tokens.length, pages.length]),
  )
  expect(await value(page, 'cache-total')).toBe(counted)
  expect(await value(page, 'cache-perLayer')).toBe(report.pages * report.bytesPerPageAndLayer)
}

test('cache: pages, bytes, norms and who wrote them are those of the engine, after every run', async () => {
  const { page } = await openPage({ path: text(6) })
  await written(page)
  await page.click(id('view-attention'))
  await page.getByRole('radio', { name: 'KV cache' }).check()
  await page.waitForSelector(`${id('cache-panel')} ${id('tensor-cell')}`, { timeout: 60_000 })
  await expectPages(page)
  const ids = await page.evaluate(async (prompt) => (await window.tokenscope).model!.encode(prompt), PROMPT)
  const spans = () => numbers(page, 'cache-span', ['from', 'to'])
  const writers = () =>
    page.$$eval(id('cache-span'), (all) => all.map((one) => (one as HTMLElement).dataset['writer']))
  const n = ids.length
  expect([await writers(), await spans()]).toEqual([
    ['prefill', 'decode', 'unwritten'],
    [
      [0, n],
      [n, n + 5],
      [n + 5, n + 6],
    ],
  ])
  await page.focus(id('tensor-view'))
  for (const which of ['Keys', 'Values']) {
    await page.getByRole('radio', { name: which }).check()
    await page.focus(id('tensor-view'))
    for (const key of ['ArrowUp', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key)
    const [[layer, position, norm] = []] = await numbers(page, 'tensor-cell', ['row', 'col', 'value'])
    const expected = await page.evaluate(
      async ([layer, position, half]) => {
        const { model } = await window.tokenscope
        const all = (await model!.cache()).sequences[0]!.tokens
        const step = `layers.${layer}.attn.cache`
        const { shape, data } = (await model!.trace(all, { probes: [step] })).get(step)!
        const [, rows = 0, width = 0] = shape
        const at = (half * rows + position) * width
        return Math.hypot(...data.subarray(at, at + width))
      },
      [layer!, position!, which === 'Keys' ? 0 : 1] as const,
    )
    // Another number of rows in a forward sums in another order.
    expect(Math.abs(norm! - expected) / expected).toBeLessThan(1e-5)
  }
  await page.click(id('view-write'))
  await page.click(id('generate'))
  await page.click(id('view-attention'))
  await ready(page)
  await expect.poll(writers).toEqual(['reused', 'prefill', 'decode', 'unwritten'])
  // The last token of the prompt is always read: its logits are wanted.
  expect((await spans())[0]).toEqual([0, n - 1])
  await expectPages(page)
})

test('lens: a column follows the run; a logit taken apart adds up and is that of the engine', async () => {
  const { page } = await openPage({ path: text(4) })
  await written(page)
  await page.fill(id('sampling-max-tokens'), '60')
  await page.click(id('generate'))
  await page.click(id('view-lens'))
  await page.waitForSelector(id('live-lens-cell'), { timeout: 60_000 })
  const followed = await numbers(page, 'live-lens-cell', ['layer', 'position', 'tokenId', 'probability'])
  await ready(page)
  await page.waitForSelector(id('lens-cell'), { timeout: 60_000 })
  const ids = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    const { sequences } = await model!.cache()
    return sequences.toSorted((a, b) => b.tokens.length - a.tokens.length)[0]!.tokens
  })
  const lens = await page.evaluate(
    async ([ids, position]) => (await window.tokenscope).model!.lens(ids, { positions: [position] }),
    [ids, followed[0]![1]!] as const,
  )
  expect(followed.length).toBe(lens.layers.length)
  for (const [layer, , tokenId, probability] of followed) {
    const { top } = lens.cells.find((cell) => cell.layer === layer)!
    expect(tokenId).toBe(top[0]!.id)
    // Another number of rows in a forward sums in another order.
    expect(probability).toBeCloseTo(top[0]!.probability, 4)
  }
  await page
    .locator(`${id('lens-cell')}[data-layer="3"]`)
    .nth(3)
    .click()
  await page.getByRole('radio', { name: 'Attribution' }).check()
  await page.selectOption(id('attribution-token'), { index: 3 })
  await page.waitForSelector(`${id('attribution')}[data-ready="true"] ${id('attribution-sum')}`)
  await page.locator(id('attribution-open')).nth(2).click()
  const token = Number(await page.inputValue(id('attribution-token')))
  const position = Number(await page.getAttribute('.lens-cell[aria-selected="true"]', 'data-position'))
  const { logit, sum, parts } = await page.evaluate(
    async ([ids, position, token]) => (await window.tokenscope).model!.attribution(ids, { position, token }),
    [ids, position, token] as const,
  )
  expect(await value(page, 'attribution-logit')).toBeCloseTo(logit, 4)
  expect(await value(page, 'attribution-sum')).toBeCloseTo(sum, 4)
  expect(await value(page, 'attribution-difference')).toBeLessThanOrEqual(1e-3)
  const lines = await page.$$eval(id('attribution-part'), (all) =>
    all.map((one) => {
      const { inside, layer, head, kind, value } = (one as HTMLElement).dataset
      return {
        inside: inside === 'true',
        layer: Number(layer),
        head: Number(head),
        kind,
        value: Number(value),
      }
    }),
  )
  const total = lines.filter(({ inside }) => !inside).reduce((all, line) => all + line.value, 0)
  expect(total).toBeCloseTo(logit, 3)
  const heads = lines.filter(({ inside }) => inside)
  expect(heads.length).toBeGreaterThan(0)
  for (const { layer, head, value } of heads) {
    const part = parts.find((one) => one.kind === 'head' && one.layer === layer && one.head === head)!
    expect(value).toBeCloseTo(part.contribution, 4)
  }
  await expectAccessible(page, 'attribution')
})
