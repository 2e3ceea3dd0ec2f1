import { readFile } from 'node:fs/promises'
import { AxeBuilder } from '@axe-core/playwright'
import type { Download, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openPage, takeScreenshot } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox'
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=10`

const id = (name: string) => `[data-testid="${name}"]`
const withoutGpu = () => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined })

async function bytesOf(download: Promise<Download>): Promise<{ name: string; bytes: Buffer }> {
  const done = await download
  return { name: done.suggestedFilename(), bytes: await readFile(await done.path()) }
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include(id('trace-view')).analyze()
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`),
  ).toEqual([])
}

const upload = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer })

interface SeenCell {
  step: string
  index: number
  value: number
}

/** Walks over kept steps and reads four cells of each, by keyboard. */
async function readCells(page: Page, steps: readonly string[]): Promise<SeenCell[]> {
  const seen: SeenCell[] = []
  for (const step of steps) {
    await page.click(`${id('trace-step')}[data-step="${step}"]`)
    await page.waitForSelector(`${id('tensor-view')}[data-step="${step}"][aria-busy="false"]`)
    await page.focus(id('tensor-view'))
    for (const key of ['ArrowRight', 'ArrowUp', 'Home', 'PageDown']) {
      await page.keyboard.press(key)
      const { index, value } = await page.locator(id('tensor-cell')).evaluate((cell) => ({
        index: Number((cell as HTMLElement).dataset['index']),
        value: Number((cell as HTMLElement).dataset['value']),
      }))
      seen.push({ step, index, value })
    }
  }
  return seen
}

/** What a saved picture holds, as a browser reads it. */
function inspectSvg(page: Page, text: string) {
  return page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml')
    const root = parsed.documentElement
    return {
      broken: parsed.querySelector('parsererror') !== null,
      viewBox: root.getAttribute('viewBox'),
      title: root.querySelector('title')?.textContent ?? '',
      caption: root.querySelector('desc')?.textContent ?? '',
      fills: new Set([...root.querySelectorAll('g rect')].map((rect) => rect.getAttribute('fill'))).size,
      colours: [...root.querySelectorAll('[fill]')].every((mark) =>
        /^(#[0-9a-f]{6}|none)$/.test(mark.getAttribute('fill') ?? ''),
      ),
    }
  }, text)
}

/** Size of a picture, and how many colours its pixels have. */
function inspectPng(page: Page, bytes: Buffer) {
  return page.evaluate(async (base64) => {
    const blob = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))])
    const image = await createImageBitmap(blob)
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!
    context.drawImage(image, 0, 0)
    const { data } = context.getImageData(0, 0, image.width, image.height)
    return { width: image.width, colours: new Set(new Uint32Array(data.buffer)).size }
  }, bytes.toString('base64'))
}

/** Saves every plot on show as vectors and checks the files. */
async function checkVectors(page: Page, plots: number, caption: RegExp): Promise<void> {
  await expect.poll(() => page.locator(id('plot-export-svg')).count(), { timeout: 60_000 }).toBe(plots)
  for (let at = 0; at < plots; at++) {
    const saving = page.waitForEvent('download')
    await page.locator(id('plot-export-svg')).nth(at).click()
    const { name, bytes } = await bytesOf(saving)
    expect(name).toMatch(/\.svg$/)
    const picture = await inspectSvg(page, bytes.toString('utf8'))
    expect(picture).toMatchObject({ broken: false, colours: true })
    expect(picture.viewBox).toMatch(/^0 0 \d+(\.\d+)? \d+(\.\d+)?$/)
    expect(picture.title).not.toBe('')
    expect(picture.caption).toMatch(caption)
    expect(picture.fills).toBeGreaterThan(name.startsWith('histogram') ? 0 : 3)
  }
}

test('a run saved here shows the same numbers in a page without WebGPU; its plots are saved as vectors', async () => {
  const { page } = await openPage({ path: TEXT })
  await page.waitForSelector(`${id('output')}[data-state="done"]`, { timeout: 60_000 })
  const text = await page.textContent(id('output'))
  await page.click(id('view-trace'))
  await page.waitForSelector(`${id('trace-size')}[data-bytes]`)
  await takeScreenshot(page, 'trace save')
  await expectAccessible(page)
  const saving = page.waitForEvent('download')
  await page.click(id('trace-save'))
  const file = await bytesOf(saving)
  expect(file.name).toMatch(/^tales-3m-Once-upon-a-time\.tokenscope$/)
  await page.waitForSelector(id('trace-saved'))

  // A broken file is refused; the text stays.
  await page.setInputFiles(id('trace-open'), upload('broken.tokenscope', file.bytes.subarray(0, 5000)))
  expect(await page.locator(id('error')).textContent()).toMatch(/broken\.tokenscope.*size is 5000 bytes/)
  await page.click(id('view-write'))
  expect(await page.textContent(id('output'))).toBe(text)

  for (const [view, plots] of [
    ['attention', 2],
    ['lens', 1],
  ] as const) {
    await page.click(id(`view-${view}`))
    await checkVectors(
      page,
      plots,
      /^tales-3m · “Once upon a time there was a little fox.*” · base · position \d+ · T 0\.8 · seed 1$/,
    )
  }

  const { page: other } = await openPage({ initScript: withoutGpu })
  await other.setInputFiles(id('trace-open'), upload(file.name, file.bytes))
  await other.waitForSelector(id('trace-token'))
  const ids = await other.$$eval(id('trace-token'), (tokens) =>
    tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])),
  )
  const steps = ['embed', 'layers.2.resid', 'layers.4.attn.probs', 'layers.5.resid', 'logits']
  const cells = await readCells(other, steps)
  expect(cells).toHaveLength(20)
  await takeScreenshot(other, 'trace without gpu')
  await expectAccessible(other)
  const truth = await page.evaluate(
    async ([ids, cells]) => {
      const { model } = await window.tokenscope
      // The same probes as the page chose: other ones fuse other steps, which rounds elsewhere.
      const probes = ['embed', 'layers.*.resid', 'layers.*.attn.probs', 'logits']
      const traced = await model!.trace(ids, { probes })
      return cells.map(({ step, index }) => traced.get(step)!.data[index]!)
    },
    [ids, cells] as const,
  )
  expect(cells.map(({ value }) => value)).toEqual(truth)

  // The distribution behind the last token is that of its logits.
  const shown = await other.$$eval(id('logits-row'), (rows) =>
    rows.map((row) => ({
      token: Number((row as HTMLElement).dataset['tokenId']),
      probability: Number((row as HTMLElement).dataset['probability']),
    })),
  )
  const expected = await page.evaluate(async (ids) => {
    const { model } = await window.tokenscope
    const { data, shape } = await model!.logits(ids)
    const row = data.slice(-shape[1]!)
    const top = row.reduce((a, b) => Math.max(a, b))
    const sum = row.reduce((total, logit) => total + Math.exp(logit - top), 0)
    return Array.from(row, (logit) => Math.exp(logit - top) / sum)
  }, ids)
  expect(shown).toHaveLength(10)
  for (const { token, probability } of shown) expect(probability).toBeCloseTo(expected[token]!, 5)
})

test('the example opens on a phone without WebGPU, in the dark; a broken file leaves it on show', async () => {
  const { page } = await openPage({
    initScript: withoutGpu,
    viewport: { width: 390, height: 844 },
    colorScheme: 'dark',
  })
  await page.click(id('trace-example'))
  await page.waitForSelector(id('tensor-view'))
  await page.setInputFiles(id('trace-open'), upload('page.tokenscope', Buffer.from('<!doctype html>')))
  expect(await page.locator(id('error')).textContent()).toMatch(/page\.tokenscope.*a web page/)
  expect(await page.locator(id('trace-token')).count()).toBeGreaterThan(8)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  await takeScreenshot(page, 'trace phone')
  await expectAccessible(page)

  await checkVectors(page, 2, /^tales-3m · “Once upon a time there was a big.*” · base model$/)
  const saving = page.waitForEvent('download')
  await page.locator(id('plot-export-png')).first().click()
  const png = await inspectPng(page, (await bytesOf(saving)).bytes)
  expect(png.width).toBeGreaterThan(1000)
  expect(png.colours).toBeGreaterThan(50)
})
