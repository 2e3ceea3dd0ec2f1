import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { ModelInfo } from '../../../src/api/model.ts'
import { casesOf } from '../../all.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const LIMIT = { timeout: 60_000 }

/** More tokens than the windows of the fixtures: later rows do not see the first ones. */
const IDS = Array.from({ length: 20 }, (_, i) => 3 + ((i * 17) % 90)).join(' ')

interface Fixture {
  name: string
  /** A step that only such models have, and what the stepper says of it. */
  own: readonly [step: string, words: string]
  /** What the formula of scores shows in the first layer. */
  scores: RegExp
  /** Positions that a row of the first layer sees; null: all. */
  window: number | null
}

/** Norms behind the blocks, soft caps, and a window on every second layer. */
const GEMMA_2: Fixture = {
  name: 'gemma2',
  own: ['layers.1.attn_post_norm', 'The file stores the gain less 1'],
  scores: /^4·tanh\(\(1\/√14·q·kᵀ\)\/4\)$/,
  window: 12,
}

const OTHERS: readonly Fixture[] = [
  {
    name: 'qwen3',
    own: ['layers.0.attn.k_norm', 'Only the 20 features of head'],
    scores: /^1\/√20·q·kᵀ$/,
    window: null,
  },
  {
    name: 'gemma3',
    own: ['layers.0.attn.q_norm', 'The file stores the gain less 1'],
    scores: /^1\/√18·q·kᵀ$/,
    window: 12,
  },
]

/** Drops the files of a fixture on the page, which then writes by ids. */
async function openModel(page: Page, name: string): Promise<ModelInfo> {
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, LIMIT)
  const folder = fileURLToPath(new URL(`../../fixtures/models/${name}`, import.meta.url))
  await page.setInputFiles(
    id('model-drop'),
    ['config.json', 'model.safetensors'].map((file) => `${folder}/${file}`),
  )
  const infoNow = () => page.evaluate(async () => (await window.tokenscope).model!.info)
  const family = name.replace(/\d/, '')
  await expect.poll(async () => (await infoNow()).architecture.toLowerCase(), LIMIT).toContain(family)
  await page.fill(id('prompt'), IDS)
  await page.click(id('generate'))
  await expect.poll(() => page.locator('[data-token-index]').count(), LIMIT).toBeGreaterThan(3)
  await page.waitForSelector(`${id('output')}[data-state="done"]`, LIMIT)
  return infoNow()
}

/** Opens a view, waits for its content and expects nothing to have failed. */
async function expectView(page: Page, view: string, content: string): Promise<void> {
  await page.click(id(`view-${view}`))
  await page.waitForSelector(content, LIMIT)
  await expectNoError(page, view)
}

async function expectNoError(page: Page, where: string): Promise<void> {
  const alerts = await page.$$eval('[role="alert"], [data-testid="error"]', (all) =>
    all.map((one) => one.textContent.trim()).filter((text) => text !== ''),
  )
  expect(alerts, where).toEqual([])
}

/** Waits until the picture and the cell under it are those of the step that is named. */
async function stepShown(page: Page, step: string): Promise<void> {
  await page.waitForSelector(`${id('tensor-view')}[data-step="${step}"][aria-busy="false"]`, LIMIT)
  await page.waitForSelector(`${id('tensor-cell')}[data-value]`, LIMIT)
}

async function goToStep(page: Page, step: string): Promise<void> {
  await page.fill(id('tree-search'), step)
  await page.click(`${id('tree-node')}[data-step="${step}"]`)
  await stepShown(page, step)
}

/** Every step before, in and right behind the first layer has words, a formula and numbers. */
async function expectSteps(page: Page): Promise<void> {
  const names = await page.evaluate(async () => {
    const steps = await (await window.tokenscope).model!.steps({ rows: 4 })
    return steps.filter(({ layer }) => layer === null || layer === 0).map(({ name }) => name)
  })
  for (const name of names) {
    await goToStep(page, name)
    expect(await page.textContent('.step-about'), name).toMatch(/\w{3}/)
    await page.waitForFunction(() => document.querySelectorAll('.formula-law math').length === 2, null, LIMIT)
    await expectNoError(page, name)
  }
}

async function expectOwn(page: Page, { name, own: [step, words], scores, window }: Fixture): Promise<void> {
  await goToStep(page, step)
  await expect.poll(() => page.textContent('.steps'), LIMIT).toContain(words)
  await takeScreenshot(page, `architectures ${name} ${step}`)
  await goToStep(page, 'layers.0.attn.scores')
  const formula = await page.getAttribute(id('step-formula'), 'data-formula')
  expect(formula?.replace('s = ', '')).toMatch(scores)
  if (window !== null) {
    await page.focus(id('tensor-view'))
    await page.keyboard.press('Home')
    await expect.poll(() => page.textContent('.readout')).toContain('outside the window')
    expect(await page.textContent('.formula')).toContain(`outside the window of ${window}`)
  }
  await takeScreenshot(page, `architectures ${name} scores`)
}

async function expectAttention(page: Page, info: ModelInfo, window: number | null): Promise<void> {
  await expectView(page, 'attention', `${id('attention-view')} ${id('tensor-cell')}`)
  await expect
    .poll(() => page.locator(id('attention-head')).count(), LIMIT)
    .toBe(info.layers * (info.heads + 1))
  const passed = page.locator(`${id('attention-view')} .query-ahead`)
  await page.getByRole('radio', { name: 'Text' }).check()
  // Of the last token's keys a window leaves out the first ones, and nothing lies ahead.
  const rows = await page.locator(`${id('attention-view')} ${id('row-token')}`).count()
  await page
    .locator(`${id('attention-view')} ${id('row-token')}`)
    .last()
    .click()
  await expect.poll(() => passed.count()).toBe(window === null ? 0 : rows - window)
}

async function expectEdits(page: Page, info: ModelInfo): Promise<void> {
  await expectView(page, 'edits', id('edit-token'))
  const cells = page.locator(id('edit-cell'))
  await expect.poll(() => cells.count(), LIMIT).toBe(info.layers * (info.heads + 3))
  // The whole first layer: both of its outputs.
  await cells.nth(info.heads + 2).click()
  await page.waitForSelector(id('edit-row'), LIMIT)
  await expect.poll(() => page.textContent(id('edit-chip')), LIMIT).toContain('Layer 0 off')
  await page.waitForSelector(`${id('edit-token')}[data-kl]`, LIMIT)
  await expectNoError(page, 'edits')
}

test.each(casesOf({ main: [GEMMA_2], more: OTHERS }))(
  'every view opens on $name',
  { timeout: 240_000 },
  async (fixture) => {
    const { page } = await openPage({ path: '#run=0&seed=1&max-tokens=6' })
    const info = await openModel(page, fixture.name)
    await expectView(page, 'steps', id('tensor-view'))
    await expectSteps(page)
    await expectOwn(page, fixture)
    await expectAttention(page, info, fixture.window)
    await expectView(page, 'lens', id('lens-cell'))
    await expectView(page, 'sampling', id('sampler-row'))
    await expectView(page, 'branches', `${id('branches-view')} ${id('tree-node')}`)
    await expectEdits(page, info)
    await expectView(page, 'score', id('score-view'))
    await expectView(page, 'speculate', id('speculate-start'))
    await page.click(id('speculate-start'))
    await page.waitForSelector(id('speculate-slot'), LIMIT)
    await expectNoError(page, 'speculate')
    await expectView(page, 'adapters', id('adapter-drop'))
    await expectView(page, 'compare', id('compare-toggle'))
    await expectView(page, 'trace', id('trace-save'))
    await page.click(id('trace-save'))
    await page.waitForSelector(id('trace-saved'), LIMIT)
    await expectNoError(page, 'trace')
    await expectView(page, 'learn', id('lesson-entry'))
  },
)
