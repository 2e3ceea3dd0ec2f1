import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { ALL } from '../all.ts'

export const PROMPT = 'Once upon a time there was a little fox who'
export const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=12`

export const id = (name: string) => `[data-testid="${name}"]`

export async function ready(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
}

/** Writes the text if the page has not done so by itself, and opens the stepper on it. */
export async function openSteps(page: Page): Promise<void> {
  await ready(page)
  await page.waitForSelector(`${id('output')}[data-state="done"]`, { timeout: 60_000 })
  await page.click(id('view-steps'))
  await page.waitForSelector(id('tensor-view'), { timeout: 60_000 })
  await shown(page)
}

/** Waits until the picture is of the step that is named. */
export async function shown(page: Page): Promise<string> {
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

export async function sample(page: Page): Promise<Sample> {
  const step = await shown(page)
  const cell = page.locator(id('tensor-cell'))
  const [index, value] = await Promise.all([cell.getAttribute('data-index'), cell.getAttribute('data-value')])
  return { step, index: Number(index), value: value ?? '' }
}

/** Samples cells over steps spread over the forward, moved to with the view's own keys. */
export async function sampleSteps(
  page: Page,
  steps: number,
  cells: number,
  stride: number,
): Promise<Sample[]> {
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
export function traced(page: Page, samples: readonly Pick<Sample, 'step' | 'index'>[]): Promise<string[]> {
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

export async function expectTraced(page: Page, samples: Sample[]): Promise<void> {
  const values = await traced(page, samples)
  expect(samples.map(({ step, index, value }) => `${step}[${index}] ${value}`)).toEqual(
    samples.map(({ step, index }, at) => `${step}[${index}] ${values[at]}`),
  )
  expect(new Set(samples.map(({ step, index }) => `${step}[${index}]`)).size).toBeGreaterThan(
    samples.length / 2,
  )
}

/** Steps looked at, and cells of all of them together. */
export const [STEPS, CELLS] = ALL ? [20, 50] : [12, 24]
