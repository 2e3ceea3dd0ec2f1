import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { encoderFiles } from '../../wordTokenizer.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const LIMIT = { timeout: 60_000 }
const FOLDER = fileURLToPath(new URL('../../fixtures/models', import.meta.url))
const IDS = Array.from({ length: 12 }, (_, i) => 3 + ((i * 17) % 90)).join(' ')

/** What each view shows once it has its numbers. */
const CONTENT: Readonly<Record<string, string>> = {
  map: '.map-board[data-whole="true"]',
  steps: `${id('tensor-view')}[aria-busy="false"]`,
  attention: `${id('attention-view')} ${id('tensor-cell')}`,
  lens: id('lens-cell'),
  sampling: id('sampler-row'),
  edits: id('edit-cell'),
  score: id('score-view'),
  adapters: id('adapter-drop'),
  trace: id('trace-save'),
}

const typeOf = (name: string): string =>
  (JSON.parse(readFileSync(`${FOLDER}/${name}/config.json`, 'utf8')) as { model_type: string }).model_type

/** One fixture of each type of model, several to a page. */
const ENCODERS = ['bert', 'distilbert', 'modernbert', 'roberta']
const names = readdirSync(FOLDER).filter((name) =>
  readdirSync(`${FOLDER}/${name}`).includes('model.safetensors'),
)
const firsts = [...new Map(names.toReversed().map((name) => [typeOf(name), name])).values()].toSorted()
const DECODERS = firsts.filter((name) => !ENCODERS.includes(typeOf(name)))
const PAGES = Array.from({ length: Math.ceil(DECODERS.length / 5) }, (_, i) =>
  DECODERS.slice(5 * i, 5 * i + 5),
)

const architectureOf = (page: Page): Promise<string> =>
  page.evaluate(async () => (await window.tokenscope).model!.info.architecture)

async function drop(page: Page, name: string): Promise<void> {
  const before = await architectureOf(page)
  const files = ['config.json', 'model.safetensors'].map((file) => `${FOLDER}/${name}/${file}`)
  await page.setInputFiles(id('model-drop'), files)
  await expect.poll(() => architectureOf(page), LIMIT).not.toBe(before)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
}

async function expectNoError(page: Page, where: string): Promise<void> {
  const alerts = await page.$$eval('[role="alert"], [data-testid="error"]', (all) =>
    all.map((one) => one.textContent.trim()).filter((text) => text !== ''),
  )
  expect(alerts, where).toEqual([])
}

/** Opens every view that the page offers of a model, and waits for what it shows. */
async function expectViews(page: Page, name: string, views: Readonly<Record<string, string>>): Promise<void> {
  for (const [view, content] of Object.entries(views)) {
    await page.click(id(`view-${view}`))
    await page.waitForSelector(content, LIMIT)
    await expectNoError(page, `${view} of ${name}`)
  }
}

describe('every view opens on every kind of model', () => {
  test.each(PAGES.map((list) => [list.join(', '), list] as const))('%s', async (_, list) => {
    const { page } = await openPage({ path: '#run=0&seed=1&max-tokens=4' })
    await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
    for (const name of list) {
      await page.click(id('view-write'))
      await drop(page, name)
      await page.fill(id('prompt'), IDS)
      await page.click(id('generate'))
      await page.waitForSelector(`${id('output')}[data-state="done"]`, LIMIT)
      const hasExperts = await page.evaluate(async () =>
        (await (await window.tokenscope).model!.steps({ rows: 1 })).some(({ op }) => op === 'top_k'),
      )
      const own = hasExperts ? { experts: `${id('experts-view')} ${id('tensor-cell')}` } : {}
      await expectViews(page, name, { ...CONTENT, ...own })
      await takeScreenshot(page, `families ${name}`)
    }
  })

  test.each(ENCODERS)('%s', async (name) => {
    const { page } = await openPage({ path: '#run=0' })
    await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
    const files = [...encoderFiles(name, '[MASK]')].map(([file, bytes]) => ({
      name: file,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(bytes),
    }))
    await page.setInputFiles(id('model-drop'), files)
    await page.waitForSelector(id('fill-view'), LIMIT)
    await page.fill(id('fill-text'), 'w1 [MASK] w2')
    await page.click(id('fill-run'))
    await page.waitForSelector(`${id('fill-status')}[data-state="done"]`, LIMIT)
    const { map, steps, attention, lens } = CONTENT
    await expectViews(page, name, { map: map!, steps: steps!, attention: attention!, lens: lens! })
  })
})
