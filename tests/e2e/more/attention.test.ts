import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { openPage } from '../harness.ts'

/** The name comes twice, so that induction can be measured. */
const PROMPT = 'Once upon a time there was a little fox named Lily. One day Lily'
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=12`

const id = (name: string) => `[data-testid="${name}"]`

async function written(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBeGreaterThan(3)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
}

async function openAttention(page: Page): Promise<void> {
  await page.click(id('view-attention'))
  await page.waitForSelector(`${id('attention-view')} ${id('tensor-cell')}`, { timeout: 60_000 })
  await page.waitForFunction(() => document.querySelector('.attention .steps-note') === null)
}

async function openLens(page: Page): Promise<void> {
  await page.click(id('view-lens'))
  await page.waitForSelector(id('lens-cell'), { timeout: 60_000 })
  await page.waitForFunction(
    () => document.querySelector('[data-testid="lens-view"] [data-testid="reading"]') === null,
  )
}

/** Ids of the text, as the attention view shows them: all of them only in flowing text. */
async function shownIds(page: Page): Promise<number[]> {
  await page.getByRole('radio', { name: 'Text' }).check()
  const ids = await page.$$eval('[data-testid="row-token"]', (tokens) =>
    tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])),
  )
  await page.getByRole('radio', { name: 'Arcs' }).check()
  return ids
}

interface Arc {
  position: number
  weight: number
}

const shownArcs = (page: Page): Promise<Arc[]> =>
  page.$$eval('[data-testid="attention-arc"]', (arcs) =>
    arcs
      .map((arc) => ({
        position: Number((arc as SVGElement).dataset['position']),
        weight: Number((arc as SVGElement).dataset['weight']),
      }))
      .toSorted((a, b) => a.position - b.position),
  )

test('attention: cells, scores and entropies are those of model.trace, by keyboard alone', async () => {
  const { page } = await openPage({ path: TEXT })
  await written(page)
  await openAttention(page)
  const ids = await shownIds(page)
  const { layers, heads } = await page.evaluate(async () => (await window.tokenscope).model!.info)
  expect(await page.locator(id('attention-head')).count()).toBe(layers * (heads + 1))
  await page.focus('.thumb[aria-pressed="true"]')
  const read: { layer: number; head: number; index: number; value: number; scores: (number | null)[] }[] = []
  for (let layer = 0; layer < layers; layer++) {
    const pressed = page.locator('.thumb[aria-pressed="true"]')
    // Another head every second layer: six layers would walk past the last head.
    if (layer % 2 === 0) await page.keyboard.press('ArrowRight')
    const head = Number(await pressed.getAttribute('data-head'))
    await page.focus(id('tensor-view'))
    if (layer === 0) await page.keyboard.press('Home')
    for (const key of ['ArrowUp', 'ArrowRight', 'ArrowUp']) {
      await page.keyboard.press(key)
      const cell = page.locator(id('tensor-cell'))
      const [index, value] = [await cell.getAttribute('data-index'), await cell.getAttribute('data-value')]
      const scores = await page.$$eval(
        '[data-testid="attention-entropy"], [data-testid="attention-score"]',
        (all) =>
          all.map((one) => {
            const { value } = (one as HTMLElement).dataset
            return value === undefined ? null : Number(value)
          }),
      )
      read.push({ layer, head, index: Number(index), value: Number(value), scores })
    }
    await page.focus('.thumb[aria-pressed="true"]')
    await page.keyboard.press('ArrowDown')
  }
  const traced = await page.evaluate(
    async ([ids, read]) => {
      const { model } = await window.tokenscope
      const tensors = await model!.trace(ids, { probes: ['layers.*.attn.probs'] })
      const n = ids.length
      const mean = (values: number[]) =>
        values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
      return read.map(({ layer, head, index }) => {
        const { data, shape } = tensors.get(`layers.${layer}.attn.probs`)!
        const at = (row: number, col: number) => data[(head * n + row) * n + col]!
        const rows = ids.map((_, row) => row)
        const later = rows.slice(1)
        const behind = (row: number) =>
          rows.filter((col) => col > 0 && col < row && ids[col - 1] === ids[row])
        const total = (row: number, cols: number[]) => cols.reduce((sum, col) => sum + at(row, col), 0)
        return {
          shape,
          value: data[index]!,
          scores: [
            mean(later.map((row) => at(row, row - 1))),
            mean(later.map((row) => at(row, 0))),
            mean(
              later.map((row) =>
                total(
                  row,
                  rows.filter((col) => col <= row && ids[col] === ids[row]),
                ),
              ),
            ),
            mean(rows.filter((row) => behind(row).length > 0).map((row) => total(row, behind(row)))),
            mean(
              rows.map((row) =>
                rows.slice(0, row + 1).reduce((sum, col) => {
                  const p = at(row, col)
                  return p > 0 ? sum - p * Math.log2(p) : sum
                }, 0),
              ),
            ),
          ],
        }
      })
    },
    [ids, read] as const,
  )
  expect(read.map(({ value }) => value)).toEqual(traced.map(({ value }) => value))
  expect(new Set(read.map(({ layer, index }) => `${layer}:${index}`)).size).toBe(read.length)
  for (const [at, { shape, scores }] of traced.entries()) {
    expect(shape).toEqual([heads, ids.length, ids.length])
    scores.forEach((score, which) => {
      expect(score).not.toBeNull()
      // Sums of at most a few hundred f32 weights in f64, in another order.
      expect(read[at]!.scores[which]).toBeCloseTo(score!, 9)
    })
  }
})

test('arcs are the weights of the token selected on all views, both ways, of one head and of a mean', async () => {
  const { page } = await openPage({ path: TEXT })
  await written(page)
  await openAttention(page)
  const ids = await shownIds(page)
  const row = 9
  const head = (layer: number, at: number) =>
    `${id('attention-head')}[data-layer="${layer}"][data-head="${at}"]`
  await page.click(head(2, 3))
  await page.click(`${id('row-token')}[data-row="${row}"]`)
  const keys = await shownArcs(page)
  await page.getByRole('radio', { name: 'Looked at by' }).check()
  const queries = await shownArcs(page)
  await page.click(head(4, 1), { modifiers: ['ControlOrMeta'] })
  await page.check(id('attention-pick'))
  await page.focus('.thumb[tabindex="0"]')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.textContent(id('attention-title'))).toBe('Mean of 3 heads')
  await page.waitForSelector(id('attention-arc'))
  const mean = await shownArcs(page)
  await page.focus(id('tensor-view'))
  await page.keyboard.press('ArrowLeft')
  const cell = await page.$eval(id('tensor-cell'), ({ dataset }) =>
    [dataset['row'], dataset['col'], dataset['value']].map(Number),
  )
  const traced = await page.evaluate(async (ids) => {
    const { model } = await window.tokenscope
    const tensors = await model!.trace(ids, { probes: ['layers.*.attn.probs'] })
    return [2, 4, 5].map((layer) => [...tensors.get(`layers.${layer}.attn.probs`)!.data])
  }, ids)
  const n = ids.length
  const one = (from: number, to: number) => traced[0]![(3 * n + from) * n + to]!
  const several = (from: number, to: number) =>
    (one(from, to) + traced[1]![(n + from) * n + to]! + traced[2]![(n + from) * n + to]!) / 3
  // The twelve strongest, and all others from 0.01 on.
  const drawn = (positions: number[], weight: (at: number) => number): Arc[] =>
    positions
      .map((position) => ({ position, weight: weight(position) }))
      .toSorted((a, b) => b.weight - a.weight)
      .filter((arc, i) => i < 12 || arc.weight >= 0.01)
      .toSorted((a, b) => a.position - b.position)
  const before = [...Array(row + 1).keys()]
  const behind = [...Array(n).keys()].slice(row)
  expect(keys).toEqual(drawn(before, (key) => one(row, key)))
  expect(queries).toEqual(drawn(behind, (query) => one(query, row)))
  const expected = drawn(behind, (query) => several(query, row))
  expect(mean.map(({ position }) => position)).toEqual(expected.map(({ position }) => position))
  // Added up in f32.
  mean.forEach(({ weight }, at) => expect(weight).toBeCloseTo(expected[at]!.weight, 6))
  expect(cell[2]).toBeCloseTo(several(cell[0]!, cell[1]!), 6)
  await page.click(id('view-steps'))
  await page.waitForSelector(`${id('row-token')}[aria-pressed="true"][data-row="${row}"]`, {
    timeout: 30_000,
  })
})

test('lens: cells are those of model.lens; hovering and keys inspect them', async () => {
  const { page } = await openPage({ path: TEXT })
  await written(page)
  await openAttention(page)
  const ids = await shownIds(page)
  await openLens(page)
  const lens = await page.evaluate(
    async (ids) => (await window.tokenscope).model!.lens(ids, { topK: 10 }),
    ids,
  )
  const cells = await page.$$eval('[data-testid="lens-cell"]', (all) =>
    all.map((one) => {
      const { layer, position, tokenId, probability } = (one as HTMLElement).dataset
      return [layer, position, tokenId, probability].map(Number)
    }),
  )
  expect(cells.length).toBeGreaterThan(30)
  const expected = (layer: number, position: number) =>
    lens.cells.find((cell) => cell.layer === layer && cell.position === position)!
  for (const [layer, position, tokenId, probability] of cells) {
    const { top } = expected(layer!, position!)
    expect(tokenId).toBe(top[0]!.id)
    // The view reads runs of positions, the call all of them at once: sums of f32 in another order.
    expect(probability).toBeCloseTo(top[0]!.probability, 5)
  }
  await page.click(`${id('lens-cell')}[data-layer="2"] >> nth=4`)
  await page.mouse.move(2, 2)
  await page.keyboard.press('ArrowLeft')
  const panel = page.locator(id('lens-panel'))
  const hovered = expected(
    Number(await panel.getAttribute('data-layer')),
    Number(await panel.getAttribute('data-position')),
  )
  expect(hovered.token).toBe(ids[hovered.position + 1])
  const value = async (name: string) => Number(await page.getAttribute(id(name), 'data-value'))
  expect(await value('lens-entropy')).toBeCloseTo(hovered.entropy, 4)
  expect(await value('lens-rank')).toBe(hovered.rank)
  expect(await value('lens-probability')).toBeCloseTo(hovered.probability!, 5)
})

test('accessible by day and by night, wide and narrow', async () => {
  const { page } = await openPage({ path: TEXT })
  await written(page)
  await openAttention(page)
  await page.click(`${id('attention-head')}[data-layer="2"][data-head="1"]`)
  await expectAccessible(page, 'attention')
  await page.getByRole('radio', { name: 'KV cache' }).check()
  await page.waitForSelector(`${id('cache-panel')} ${id('tensor-cell')}`, { state: 'attached' })
  await page.waitForSelector(id('cache-page'))
  await expectAccessible(page, 'cache')
  await openLens(page)
  await page.locator(id('lens-cell')).nth(10).click()
  await expectAccessible(page, 'lens')
})
