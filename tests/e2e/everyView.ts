import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { CONTENT, PRESSED } from '../../scripts/viewContent.mjs'
import { encoderFiles } from '../wordTokenizer.ts'
import { openPage, takeScreenshot } from './harness.ts'

const id = (name: string): string => `[data-testid="${name}"]`
const FOLDER = fileURLToPath(new URL('../fixtures/models', import.meta.url))
/** Words of the tokenizer that the fixtures are given. */
const PROMPT = Array.from({ length: 12 }, (_, i) => `w${(i * 17) % 60}`).join(' ')
const MASKED = 'w1 [MASK] w2 w7'

export const ENCODERS = ['bert', 'distilbert', 'modernbert', 'roberta']

const typeOf = (name: string): string =>
  (JSON.parse(readFileSync(`${FOLDER}/${name}/config.json`, 'utf8')) as { model_type: string }).model_type

/** One fixture of each type of model, in one file. */
export function fixtureOfEachType(): string[] {
  const names = readdirSync(FOLDER).filter((name) =>
    readdirSync(`${FOLDER}/${name}`).includes('model.safetensors'),
  )
  return [...new Map(names.toReversed().map((name) => [typeOf(name), name])).values()].toSorted()
}

const infoOf = (page: Page) => page.evaluate(async () => (await window.tokenscope).model!.info)

/** Drops a fixture on the page with a tokenizer of words, and waits for the page to show it. */
async function drop(page: Page, name: string): Promise<void> {
  const { architecture: before } = await infoOf(page)
  const files = Array.from(encoderFiles(name, '[MASK]'), ([file, bytes]) => ({
    name: file,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(bytes),
  }))
  await page.setInputFiles(id('model-drop'), files)
  await expect.poll(async () => (await infoOf(page)).architecture).not.toBe(before)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
}

/** Has the model write a few tokens, or fill a mask: the text that every view then is about. */
async function run(page: Page, name: string): Promise<void> {
  if (ENCODERS.includes(name)) {
    await page.click(id('view-fill'))
    await page.fill(id('fill-text'), MASKED)
    await page.click(id('fill-run'))
    await page.waitForSelector(`${id('fill-status')}[data-state="done"]`)
    return
  }
  await page.click(id('view-write'))
  await page.fill(id('prompt'), PROMPT)
  await page.click(id('generate'))
  await page.waitForSelector(`${id('output')}[data-state="done"]`)
}

async function expectNoError(page: Page, where: string): Promise<void> {
  const alerts = await page.$$eval('[role="alert"], [data-testid="error"]', (all) =>
    all.map((one) => one.textContent.trim()).filter((text) => text !== ''),
  )
  expect(alerts, where).toEqual([])
}

/** Opens these fixtures one after the other on one page, and of each every view that the page offers; nothing may fail. */
export async function expectEveryView(names: readonly string[]): Promise<void> {
  const { page } = await openPage({ path: '#run=0&seed=1&max-tokens=3', reducedMotion: 'reduce' })
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
  for (const name of names) {
    await drop(page, name)
    await run(page, name)
    const steps = await page.evaluate(async () => (await window.tokenscope).model!.steps({ rows: 1 }))
    const isMixture = steps.some(({ op }) => op === 'top_k')
    for (const [view, content] of Object.entries(CONTENT)) {
      const offered = await page.locator(id(`view-${view}`)).count()
      // What was run stands in Write, or in Fill, already.
      if (view === 'write' || offered === 0 || (view === 'experts' && !isMixture)) continue
      await page.click(id(`view-${view}`))
      for (const button of PRESSED[view] ?? []) await page.click(id(button))
      await page.waitForSelector(content)
      await expectNoError(page, `${view} of ${name}`)
    }
    await takeScreenshot(page, `every view ${name}`)
  }
}
