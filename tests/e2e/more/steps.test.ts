import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { PLOT_MARGIN, PLOT_TOP, SCALE_HEIGHT } from '../../../src/ui/draw/plots.ts'
import { openPage, takeScreenshot } from '../harness.ts'
import {
  CELLS,
  expectTraced,
  id,
  openSteps,
  PROMPT,
  ready,
  sample,
  sampleSteps,
  shown,
  STEPS,
  TEXT,
} from '../stepsPage.ts'

const GPT2 = fileURLToPath(new URL('../../fixtures/models/gpt2', import.meta.url))

test('every value on screen is that of model.trace: GPT-2, from dropped files, by ids', async () => {
  const { page } = await openPage({ path: TEXT })
  await ready(page)
  const names = (await readdir(GPT2)).filter((name) => name === 'config.json' || name === 'model.safetensors')
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

test('the picture of a step is saved as it stands, in a frame that explains it, and is not blank', async () => {
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
    // Around it stand its title, what it is of, and what its colours mean.
    const [width = 0, height = 0] = drawn
    expect(height).toBeGreaterThan(100)
    expect(picture.width).toBeGreaterThanOrEqual(width + 2 * PLOT_MARGIN - 1)
    const around = picture.height - height - (PLOT_TOP + SCALE_HEIGHT + PLOT_MARGIN)
    expect(Math.abs(around)).toBeLessThanOrEqual(1)
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
