import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { ALL } from '../all.ts'
import { expectAccessible } from './accessible.ts'
import { openPage, takeScreenshot } from './harness.ts'

const GPT2 = fileURLToPath(new URL('../fixtures/models/gpt2', import.meta.url))
const PROMPT = 'Once upon a time there was a little fox who'
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=12`

const id = (name: string) => `[data-testid="${name}"]`

async function ready(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
}

/** Writes the text if the page has not done so by itself, and opens the stepper on it. */
async function openSteps(page: Page): Promise<void> {
  await ready(page)
  await page.waitForSelector(`${id('output')}[data-state="done"]`, { timeout: 60_000 })
  await page.click(id('view-steps'))
  await page.waitForSelector(id('tensor-view'), { timeout: 60_000 })
  await shown(page)
}

/** Waits until the picture is of the step that is named. */
async function shown(page: Page): Promise<string> {
  await page.waitForFunction(() => {
    const find = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`)
    const view = find('tensor-view')
    const same = view?.dataset['step'] === find('step-name')?.textContent
    return (
      same &&
      view?.getAttribute('aria-busy') !== 'true' &&
      find('tensor-cell')?.dataset['value'] !== undefined
    )
  })
  return (await page.textContent(id('step-name'))) ?? ''
}

interface Sample {
  step: string
  index: number
  value: string
}

async function sample(page: Page): Promise<Sample> {
  const step = await shown(page)
  const cell = page.locator(id('tensor-cell'))
  const [index, value] = await Promise.all([cell.getAttribute('data-index'), cell.getAttribute('data-value')])
  return { step, index: Number(index), value: value ?? '' }
}

/** Samples cells over steps spread over the forward, moved to with the view's own keys. */
async function sampleSteps(page: Page, steps: number, cells: number, stride: number): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let step = 0; step < steps; step++) {
    if (step % 3 === 1) await page.keyboard.press('j')
    for (let cell = 0; cell * steps < cells; cell++) {
      await page.focus(id('tensor-view'))
      await page.keyboard.press(['ArrowLeft', 'Shift+ArrowRight', 'ArrowUp'][cell % 3] ?? 'ArrowLeft')
      samples.push(await sample(page))
    }
    await page.locator('.token-bar-label').click()
    for (let move = 0; move < stride; move++) await page.keyboard.press('F10')
    await shown(page)
  }
  return samples
}

/** The same cells as `model.trace` has them. */
function traced(page: Page, samples: Sample[]): Promise<string[]> {
  return page.evaluate(async (wanted) => {
    const { model } = await window.tokenscope
    const ids = [...document.querySelectorAll<HTMLElement>('[data-testid="row-token"]')].map((token) =>
      Number(token.dataset['tokenId']),
    )
    // Every step, as the view has it: with fewer the others run fused, whose sums round differently.
    const probes = (await model!.steps({ rows: ids.length })).map(({ name }) => name)
    const tensors = await model!.trace(ids, { probes })
    return wanted.map(({ step, index }) => String(tensors.get(step)?.data[index]))
  }, samples)
}

async function expectTraced(page: Page, samples: Sample[]): Promise<void> {
  const values = await traced(page, samples)
  expect(samples.map(({ step, index, value }) => `${step}[${index}] ${value}`)).toEqual(
    samples.map(({ step, index }, at) => `${step}[${index}] ${values[at]}`),
  )
  expect(new Set(samples.map(({ step, index }) => `${step}[${index}]`)).size).toBeGreaterThan(
    samples.length / 2,
  )
}

/** Steps looked at, and cells of all of them together. */
const [STEPS, CELLS] = ALL ? [20, 50] : [12, 24]

describe('every value on screen is that of model.trace', () => {
  test('Llama', async () => {
    const { page } = await openPage({ path: TEXT })
    await openSteps(page)
    const samples = await sampleSteps(page, STEPS, CELLS, Math.floor(100 / STEPS))
    expect(new Set(samples.map(({ step }) => step)).size).toBe(STEPS)
    await expectTraced(page, samples)
  })

  test('GPT-2, from dropped files, by ids', async () => {
    const { page } = await openPage({ path: TEXT })
    await ready(page)
    const names = (await readdir(GPT2)).filter(
      (name) => name === 'config.json' || name === 'model.safetensors',
    )
    await page.setInputFiles(
      id('model-drop'),
      names.map((name) => `${GPT2}/${name}`),
    )
    const architecture = () =>
      page.evaluate(async () => (await window.tokenscope).model?.info.architecture.toLowerCase())
    await expect.poll(architecture, { timeout: 60_000 }).toContain('gpt2')
    await page.fill(id('prompt'), '3 1 4 1 5 9 2 6')
    await page.click(id('generate'))
    await openSteps(page)
    const samples = await sampleSteps(page, STEPS, CELLS, Math.floor(24 / STEPS))
    await expectTraced(page, samples)
  })
})

test('a position is named with what it predicts, from the first token on', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const ids = await page
    .locator(id('row-token'))
    .evaluateAll((tokens) => tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])))
  const encoded = await page.evaluate(
    async (prompt) => (await window.tokenscope).model!.encode(prompt),
    PROMPT,
  )
  expect(ids.slice(0, encoded.length)).toEqual(encoded)
  for (const row of [0, 1, encoded.length - 1, encoded.length]) {
    await page.locator(id('row-token')).nth(row).click()
    const label = page.locator(id('step-position'))
    expect(await label.getAttribute('data-position')).toBe(String(row))
    expect(await label.getAttribute('data-token-id')).toBe(String(ids[row]))
    expect(await label.getAttribute('data-predicts-id')).toBe(String(ids[row + 1]))
  }
  // The token the last prompt position predicts is the first generated one, and it is the selection of every view.
  await page.locator(id('row-token')).nth(encoded.length).click()
  await page.click(id('view-write'))
  expect(await page.locator('[data-token-index="0"]').getAttribute('data-token-id')).toBe(
    String(ids[encoded.length]),
  )
  expect(await page.locator('[aria-pressed="true"][data-token-index]').count()).toBeLessThanOrEqual(1)
})

test('keys step, break, run, play and show themselves', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const name = () => page.textContent(id('step-name'))
  await page.locator('.token-bar-label').click()
  await page.keyboard.press('ArrowRight')
  expect(await name()).toBe('layers.0.attn_norm')
  await page.keyboard.press('l')
  expect(await name()).toBe('layers.1.attn_norm')
  await page.keyboard.press('b')
  expect(await page.locator('.gutter-set').count()).toBe(1)
  await page.keyboard.press('F10')
  const position = () => page.locator(id('step-position')).getAttribute('data-position')
  const last = Number(await position())
  // The last token has none behind it; behind this place of the token two before it, the next breakpoint is in the next one.
  for (const key of ['k', 'j', 'j', 'r']) await page.keyboard.press(key)
  expect(await name()).toBe('layers.1.attn_norm')
  expect(Number(await position())).toBe(last - 1)
  await page.keyboard.press('?')
  await page.locator('dialog[open]').waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)
  await page.selectOption(id('step-pace'), '16')
  await page.locator('.token-bar-label').click()
  await page.keyboard.press('j')
  await page.keyboard.press('Space')
  await expect.poll(name).toMatch(/layers\.1\.(attn|resid|post|mlp)/)
  await page.keyboard.press('Space')
  await page.keyboard.press('/')
  await page.keyboard.type('layers.*.attn.probs')
  expect(await page.locator(id('tree-node')).count()).toBe(6)
  await page.locator(id('tree-node')).last().click()
  expect(await name()).toBe('layers.5.attn.probs')
  expect(await page.textContent(id('step-shape'))).toMatch(/^6 × \d+ × \d+$/)
  expect(await page.textContent(id('step-wgsl'))).toContain('@compute')
  await page.locator('.step-link').click()
  expect(await name()).toBe('layers.5.attn.scores')
})

/** What the page has been told to draw is drawn: two of its frames have passed. */
function frames(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((drawn) => {
        requestAnimationFrame(() => requestAnimationFrame(() => drawn()))
      }),
  )
}

test('a large tensor stays on the GPU: drawn, panned and zoomed without a readback', async () => {
  const { page } = await openPage({
    path: `#prompt=${encodeURIComponent(`${PROMPT} `.repeat(14))}&max-tokens=4`,
  })
  await openSteps(page)
  await page.fill(id('tree-search'), 'logits')
  await page.locator(id('tree-node')).click()
  await page.waitForSelector('.gpu-cells canvas')
  await page.waitForSelector('.range-legend')
  await expectTraced(page, [await sample(page)])
  const readbacks = () =>
    page.evaluate(async () => (await (await window.tokenscope).model!.counters()).readbacks)
  await frames(page)
  const before = await readbacks()
  const box = (await page.locator('.gpu-cells').boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + 1)
  for (let turn = 0; turn < 5; turn++) await page.mouse.wheel(0, -60)
  await page.waitForSelector('.tensor-zoomed')
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 3, box.y + 1, { steps: 8 })
  await frames(page)
  await page.mouse.up()
  // Reading the hovered row and the formula's inputs are readbacks; frames are not.
  expect((await readbacks()) - before).toBeLessThanOrEqual(6)
  await takeScreenshot(page, 'steps logits zoomed')
})

test('files hold what the trace holds', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(id('tensor-export-npy'))])
  expect(file.suggestedFilename()).toBe('embed.npy')
  const stream = await file.createReadStream()
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  const bytes = Buffer.concat(parts)
  const length = 10 + bytes.readUInt16LE(8)
  const picked = [0, 17, 400].map((index) => ({
    step: 'embed',
    index,
    value: String(bytes.readFloatLE(length + index * 4)),
  }))
  await expectTraced(page, picked)
})

test('the picture of a step is saved as it stands, and is not blank', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  for (const step of ['embed', 'logits']) {
    await page.locator(`${id('tree-node')}[data-step="${step}"]`).click()
    await shown(page)
    await page.waitForSelector('.range-legend')
    // One turn: the picture may grow once what stands beside it has come.
    const [file, drawn] = await Promise.all([
      page.waitForEvent('download'),
      page.evaluate(() => {
        const { width, height } = document.querySelector<HTMLCanvasElement>('canvas.tensor-canvas')!
        document.querySelector<HTMLElement>('[data-testid="tensor-export-png"]')!.click()
        return [width, height]
      }),
    ])
    expect(file.suggestedFilename()).toBe(`${step}.png`)
    const png = await readFile(await file.path())
    const picture = await page.evaluate(pixelsOf, png.toString('base64'))
    expect([picture.width, picture.height]).toEqual(drawn)
    expect(picture.height).toBeGreaterThan(100)
    expect(picture.colours).toBeGreaterThan(50)
  }
  await page.locator('.tensor-tools .segment', { hasText: 'Table' }).click()
  await expect.poll(() => page.locator(id('tensor-export-png')).count()).toBe(0)
})

/** Size of a picture, and how many different colours are on it. */
async function pixelsOf(base64: string) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  const { width, height, ...rest } = await createImageBitmap(new Blob([bytes], { type: 'image/png' })).then(
    (image) => ({ width: image.width, height: image.height, image }),
  )
  const context = new OffscreenCanvas(width, height).getContext('2d')!
  context.drawImage(rest.image, 0, 0)
  const words = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)
  return { width, height, colours: new Set(words).size }
}

test('accessible by day and by night, wide and narrow', async () => {
  const { page } = await openPage({ path: TEXT })
  await openSteps(page)
  await page.keyboard.press('F10')
  await shown(page)
  await expectAccessible(page, 'steps')
})
