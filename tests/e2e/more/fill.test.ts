import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { encoderFiles } from '../../wordTokenizer.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const LIMIT = { timeout: 60_000 }

async function dropEncoder(page: Page): Promise<void> {
  const files = [...encoderFiles('modernbert', '[MASK]')].map(([name, bytes]) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(bytes),
  }))
  await page.setInputFiles(id('model-drop'), files)
  await page.waitForSelector(id('fill-view'), LIMIT)
}

/** What the page shows of every mask: ids and probabilities, best first. */
function shownCandidates(page: Page): Promise<{ position: number; ids: number[]; best: number }[]> {
  return page.$$eval(id('fill-mask'), (masks) =>
    masks.map((mask) => {
      const rows = [...mask.querySelectorAll<HTMLElement>('[data-testid="fill-candidate"]')]
      return {
        position: Number((mask as HTMLElement).dataset['position']),
        ids: rows.map((row) => Number(row.dataset['tokenId'])),
        best: Number(rows[0]?.dataset['probability']),
      }
    }),
  )
}

const pickMask = (page: Page, name: string): Promise<void> =>
  page.locator(id('mask-switch')).getByRole('radio', { name, exact: true }).check()

/** Positions that the second token's arcs reach, and the weight of the first beyond its own. */
function shownArcs(page: Page): Promise<{ position: number; weight: number }[]> {
  return page.$$eval('[data-testid="attention-arc"]', (arcs) =>
    arcs
      .map((arc) => ({
        position: Number((arc as SVGElement).dataset['position']),
        weight: Number((arc as SVGElement).dataset['weight']),
      }))
      .toSorted((one, other) => one.position - other.position),
  )
}

test('an encoder opens on its masks; they are filled, put into the text, and looked at', async () => {
  const { page } = await openPage({ path: '#run=0', reducedMotion: 'reduce' })
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
  expect(await page.locator(id('view-fill')).count()).toBe(0)
  await dropEncoder(page)
  for (const view of ['write', 'chat', 'score'])
    expect(await page.locator(id(`view-${view}`)).count()).toBe(0)
  await page.fill(id('fill-text'), 'w1 [MASK] w2 [MASK]')
  await page.click(id('fill-run'))
  await page.waitForSelector(`${id('fill-status')}[data-state="done"]`, LIMIT)
  const wanted = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    return model!.fillMask('w1 [MASK] w2 [MASK]', { top: 10 })
  })
  const shown = await shownCandidates(page)
  expect(shown.map(({ position, ids }) => ({ position, ids }))).toEqual(
    wanted.map(({ position, top }) => ({ position, ids: top.map((one) => one.id) })),
  )
  expect(shown[0]!.best).toBeCloseTo(Math.exp(wanted[0]!.top[0]!.logprob), 6)
  await expectAccessible(page, 'fill')
  const word = wanted[1]!.top[0]!.text
  await page.locator(id('fill-mask')).nth(1).locator('button').first().click()
  await expect.poll(() => page.inputValue(id('fill-text')), LIMIT).toBe(`w1 [MASK] w2 ${word}`)
  await expect.poll(() => page.locator(id('fill-mask')).count(), LIMIT).toBe(1)

  // Its steps are those of a model that sees all, unless another mask is asked for.
  await page.click(id('view-steps'))
  await page.fill(id('tree-search'), 'layers.0.attn.probs')
  await page.click(`${id('tree-node')}[data-step="layers.0.attn.probs"]`)
  const formula = () => page.getAttribute(id('step-formula'), 'data-formula')
  await expect.poll(formula, LIMIT).toContain('all positions')
  await pickMask(page, 'back only')
  await expect.poll(formula, LIMIT).toContain('positions ≤ own')
})

test('three masks over one text of a model that writes', async () => {
  const { page } = await openPage({ path: '#prompt=Once%20upon%20a%20time&seed=1&max-tokens=8' })
  await page.waitForSelector(`${id('output')}[data-state="done"]`, LIMIT)
  await page.click(id('view-attention'))
  await page.waitForSelector(`${id('attention-view')} ${id('attention-arc')}`, LIMIT)
  await page.click(`${id('row-token')}[data-row="1"]`)
  const reach = async (): Promise<number> =>
    Math.max(...(await shownArcs(page)).map(({ position }) => position))
  await expect.poll(reach, LIMIT).toBeLessThanOrEqual(1)
  await pickMask(page, 'all')
  await expect.poll(reach, LIMIT).toBeGreaterThan(1)
  const row = await page.evaluate(async () => {
    const { model } = await window.tokenscope
    const ids = [...document.querySelectorAll<HTMLElement>('[data-testid="row-token"]')].map((token) =>
      Number(token.dataset['tokenId']),
    )
    const step = 'layers.0.attn.probs'
    const probs = (await model!.trace(ids, { probes: [step], mask: 'bidirectional' })).get(step)!
    return [...probs.data.subarray(ids.length, 2 * ids.length)]
  })
  for (const { position, weight } of await shownArcs(page)) expect(weight).toBeCloseTo(row[position]!, 5)
  await expectAccessible(page, 'attention masks')
  await pickMask(page, 'a prefix whole')
  await page.getByLabel('Positions of the prefix').fill('3')
  await expect.poll(reach, LIMIT).toBe(2)
})
