import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { casesOf } from '../all.ts'
import { takeScreenshot } from './harness.ts'

interface Look {
  width: number
  colorScheme: 'light' | 'dark'
}

const WIDE = 1440
const HEIGHT = 900

/** Both themes and both widths; under `npm run test:all` each theme at each width. */
export const LOOKS: readonly Look[] = casesOf<Look>({
  main: [
    { width: WIDE, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ],
  more: [
    { width: WIDE, colorScheme: 'dark' },
    { width: 390, colorScheme: 'light' },
  ],
})

export async function showLook(page: Page, { width, colorScheme }: Look): Promise<void> {
  await page.setViewportSize({ width, height: HEIGHT })
  await page.emulateMedia({ colorScheme })
}

/** At rest nothing is read anew, which is shown faded, and the colours of a theme just changed have arrived. */
const isAtRest = (): boolean =>
  document.querySelector('[aria-busy="true"]') === null &&
  document
    .getAnimations()
    .every(({ playState, effect }) => playState !== 'running' || effect?.getTiming().iterations === Infinity)

/** No serious violation on the page as it is shown, once it is at rest. */
export async function expectNoViolation(page: Page): Promise<void> {
  await page.waitForFunction(isAtRest)
  const { violations } = await new AxeBuilder({ page }).analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
}

/** No serious violation in any look, and nothing wider than the page; leaves a picture of each, and the page wide and by day. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const look of LOOKS) {
    await showLook(page, look)
    await expectNoViolation(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(look.width)
    await takeScreenshot(page, `${name} ${look.colorScheme} ${look.width}`)
  }
  await showLook(page, { width: WIDE, colorScheme: 'light' })
}
