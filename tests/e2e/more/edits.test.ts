import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { Edit } from '../../../src/api/model.ts'
import { expectNoViolation, LOOKS, showLook } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox named Lily. One day Lily'
const OTHER = 'Once upon a time there was a big bear named Tom. One day Tom'
const LINK = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&temperature=0&max-tokens=8`

const id = (name: string) => `[data-testid="${name}"]`
const cell = (step: string, head?: number) =>
  `${id('edit-cell')}[data-step="${step}"]${head === undefined ? ':not([data-head])' : `[data-head="${head}"]`}`

async function openEdits(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBe(8)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
  await page.click(id('view-edits'))
  await page.waitForSelector(id('edit-token'), { timeout: 60_000 })
}

/** Waits for the result of exactly these edits. */
async function settled(page: Page, chip: string): Promise<void> {
  await page.waitForFunction(
    (text) =>
      document.querySelector('[data-testid="edit-chip"]')?.textContent === text &&
      document.querySelector('.edit-result[aria-busy="true"]') === null,
    chip,
    { timeout: 60_000 },
  )
}

/** Until it holds: a page that has just changed its width may lay itself out between the aim and the click. */
const chooseTool = (page: Page, name: string) =>
  expect
    .poll(async () => {
      const radio = page.getByRole('radio', { name, exact: true })
      await radio.click({ force: true })
      return radio.isChecked()
    })
    .toBe(true)

/** Ids of the text and its tokens' numbers, as the view shows them. */
async function shownTokens(page: Page): Promise<{ kl: number[]; base: number[]; edited: number[] }> {
  return page.$$eval('[data-testid="edit-token"]', (tokens) => {
    const read = (name: string) => tokens.map((token) => Number((token as HTMLElement).dataset[name]))
    return { kl: read('kl'), base: read('base'), edited: read('edited') }
  })
}

/** The same from model.logits with and without edits. */
function expectedTokens(page: Page, prompt: string, edits: Edit[]): ReturnType<typeof shownTokens> {
  return page.evaluate(
    async ([prompt, edits]) => {
      const { model } = await window.tokenscope
      const written = [...document.querySelectorAll<HTMLElement>('[data-testid="edit-token"][data-token-id]')]
      const [first] = await model!.encode(prompt)
      const ids = [first!, ...written.map(({ dataset }) => Number(dataset['tokenId']))]
      const [plain, changed] = [await model!.logits(ids), await model!.logits(ids, { edits })]
      const vocab = model!.info.vocab
      const logs = (data: Float32Array, row: number) => {
        const own = Array.from(data.subarray(row * vocab, (row + 1) * vocab))
        const top = Math.max(...own)
        const shift = top + Math.log(own.reduce((sum, value) => sum + Math.exp(value - top), 0))
        return own.map((value) => value - shift)
      }
      const rows = ids.map((_, row) => {
        const [q, p] = [logs(plain.data, row), logs(changed.data, row)]
        const kl = p.reduce((sum, value, i) => sum + Math.exp(value) * (value - q[i]!), 0)
        return { kl, base: q[ids[row + 1]!] ?? NaN, edited: p[ids[row + 1]!] ?? NaN }
      })
      return {
        kl: rows.map(({ kl }) => kl),
        base: rows.map(({ base }) => base),
        edited: rows.map(({ edited }) => edited),
      }
    },
    [prompt, edits] as const,
  )
}

test('edits: a head switched off in the grid, measured as model.logits has it, off and on, undone', async () => {
  const { page } = await openPage({ path: LINK })
  await openEdits(page)
  await settled(page, 'no edit')
  expect((await shownTokens(page)).kl.every((kl) => kl === 0)).toBe(true)
  await page.focus(`${id('edit-cell')}[tabindex="0"]`)
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
  expect(await page.getAttribute(cell('layers.1.attn.context', 2), 'aria-pressed')).toBe('true')
  await settled(page, '1 edit: Layer 1 head 2 off')
  expect(await page.locator(id('edit-row')).innerText()).toContain('layers.1.attn.context')
  const shown = await shownTokens(page)
  const expected = await expectedTokens(page, PROMPT, [
    { kind: 'scale', step: 'layers.1.attn.context', factor: 0, head: 2 },
  ])
  expect(shown.kl).toHaveLength(expected.kl.length)
  expect(Math.max(...shown.kl)).toBeGreaterThan(1e-3)
  // The page reads rows in growing chunks, model.logits all at once: sums of f32 in another order.
  shown.kl.forEach((kl, at) => expect(kl).toBeCloseTo(expected.kl[at]!, 5))
  for (const name of ['base', 'edited'] as const)
    shown[name].slice(0, -1).forEach((value, at) => expect(value).toBeCloseTo(expected[name][at]!, 4))
  // The grid's own measurement of that part, and no need to wait for the rest.
  await page.click(id('edit-measure'))
  await page.waitForSelector(`${cell('layers.1.attn.context', 2)}[data-effect]`, { timeout: 60_000 })
  const mean = Number(await page.getAttribute(id('edit-summary'), 'data-mean'))
  const effect = Number(await page.getAttribute(cell('layers.1.attn.context', 2), 'data-effect'))
  expect(effect).toBeCloseTo(mean, 6)
  await page.click(id('edit-jump'))
  const largest = shown.kl.indexOf(Math.max(...shown.kl)) + 1
  expect(await page.getAttribute(id('edit-panel'), 'data-position')).toBe(String(largest))
  await page.click(id('edit-enabled'))
  await settled(page, 'no edit')
  expect((await shownTokens(page)).kl.every((kl) => kl === 0)).toBe(true)
  await page.click(id('edit-enabled'))
  await settled(page, '1 edit: Layer 1 head 2 off')
  await page.keyboard.press('Control+z')
  await settled(page, 'no edit')
  const rows = () => page.locator(id('edit-row')).count()
  await page.keyboard.press('Control+z')
  await page.keyboard.press('Control+z')
  await expect.poll(rows).toBe(0)
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(rows).toBe(1)
  // The stepper over the edited run, and an edit made where a step is shown.
  await page.click(id('view-steps'))
  await page.waitForSelector(id('tensor-cell'), { timeout: 60_000 })
  await page.fill(id('tree-search'), 'layers.2.mlp.down')
  await page.click(`${id('tree-node')}[data-step="layers.2.mlp.down"]`)
  await page.click(`.steps:has([data-step="layers.2.mlp.down"]) ${id('edit-here')}`)
  await settled(page, '2 edits: Layer 1 head 2 off; Layer 2 MLP off')
  await page.click(id('view-steps'))
  await page.check(id('steps-edited'))
  await page.waitForFunction(
    () => document.querySelector<HTMLElement>('[data-testid="tensor-cell"]')?.dataset['value'] === '0',
    null,
    { timeout: 60_000 },
  )
  expect(await page.locator(id('edit-chip')).innerText()).toBe('2 edits: Layer 1 head 2 off; Layer 2 MLP off')
})

test('edits: patched by keyboard and by pointer, an edge cut, both written on beside the base', async () => {
  const { page } = await openPage({ path: LINK })
  await openEdits(page)
  await chooseTool(page, 'Patch')
  await page.fill(id('patch-prompt'), OTHER)
  await page.keyboard.press('Enter')
  await page.waitForSelector(`[data-run="own"] ${id('patch-cell')}`, { timeout: 60_000 })
  await page.focus('[data-run="other"] [tabindex="0"]')
  await page.keyboard.press('ArrowDown')
  for (let i = 0; i < 11; i++) await page.keyboard.press('ArrowRight')
  await page.waitForFunction(() => (document.activeElement as HTMLElement).dataset['cell'] === '4.11')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement?.matches('[data-run="own"] [data-cell="4.11"]'))
  await page.keyboard.press('Enter')
  const patched = 'Position 11 from “Once upon a time there …”, position 11'
  await settled(page, `1 edit: ${patched}`)
  const values = await page.evaluate(async (prompt) => {
    const { model } = await window.tokenscope
    const ids = await model!.encode(prompt)
    const resid = (await model!.trace(ids, { probes: ['layers.4.resid'] })).get('layers.4.resid')!
    const width = resid.shape[1]!
    return Array.from(resid.data.slice(11 * width, 12 * width))
  }, OTHER)
  const edits: Edit[] = [{ kind: 'patch', step: 'layers.4.resid', position: 11, values }]
  const expected = await expectedTokens(page, PROMPT, edits)
  const shown = await shownTokens(page)
  shown.kl.forEach((kl, at) => expect(kl).toBeCloseTo(expected.kl[at]!, 5))
  expect(shown.kl.slice(0, 11).every((kl) => kl < 1e-9)).toBe(true)
  expect(shown.kl[11]).toBeGreaterThan(1e-4)

  // The same with the pointer, undone.
  await page.dragAndDrop('[data-run="other"] [data-cell="2.3"]', '[data-run="own"] [data-cell="1.4"]')
  const names = () => page.locator('.edit-name').allInnerTexts()
  await expect.poll(names).toEqual([patched, 'Position 4 from “Once upon a time there …”, position 3'])
  expect(await page.locator('.edit-step').last().innerText()).toBe('layers.2.resid → layers.1.resid')
  await page.keyboard.press('Control+z')
  await expect.poll(names).toEqual([patched])

  await chooseTool(page, 'Cut an edge')
  await page.selectOption(id('mask-query'), '13')
  await page.selectOption(id('mask-key'), '11')
  await page.click(id('mask-cut'))
  const both = `2 edits: ${patched}; Layer 0: position 13 cannot see 11`
  await settled(page, both)
  edits.push({ kind: 'mask', step: 'layers.0.attn.scores', query: 13, key: 11 })
  const masked = await expectedTokens(page, PROMPT, edits)
  ;(await shownTokens(page)).kl.forEach((kl, at) => expect(kl).toBeCloseTo(masked.kl[at]!, 5))

  await page.click(id('edit-story'))
  await page.waitForSelector(`${id('edit-output-b')}[data-state="done"]`, { timeout: 60_000 })
  expect(await page.locator(id('edit-chip')).allInnerTexts()).toEqual([both, both])
  const written = await page.evaluate(
    async ([prompt, edits]) => {
      const { model } = await window.tokenscope
      const run = async (options: object) => {
        const ids: number[] = []
        for await (const token of model!.generate(prompt, { temperature: 0, maxTokens: 8, ...options }))
          ids.push(token.id)
        return ids
      }
      return { a: await run({}), b: await run({ edits }) }
    },
    [PROMPT, edits] as const,
  )
  for (const side of ['a', 'b'] as const) {
    const ids = await page.$$eval(`[data-testid="edit-output-${side}"] [data-token-id]`, (tokens) =>
      tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])),
    )
    expect(ids).toEqual(written[side])
  }
})

test('edits: opened from a link, accessible in both themes, wide and narrow', async () => {
  const change = { kind: 'scale', step: 'layers.2.mlp.down', head: null, factor: 0, span: { kind: 'all' } }
  const list = encodeURIComponent(JSON.stringify([change]))
  const { page } = await openPage({ path: `${LINK}&view=edits&edits=${list}` })
  await settled(page, '1 edit: Layer 2 MLP off')
  const tools = ['Switch off or scale', 'Cut an edge', 'Patch', 'Steer']
  for (const [at, tool] of tools.entries()) {
    await showLook(page, LOOKS[at % LOOKS.length]!)
    await chooseTool(page, tool)
    if (tool === 'Patch') {
      await page.fill(id('patch-prompt'), OTHER)
      await page.click(id('patch-read'))
      await page.waitForSelector(`[data-run="own"] ${id('patch-cell')}`, { timeout: 60_000 })
    }
    await expectNoViolation(page)
    await takeScreenshot(page, `edits ${tool}`)
  }
  // Nothing is wider than the page.
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
})
