import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

export const id = (name: string) => `[data-testid="${name}"]`
export const TIMEOUT = { timeout: 60_000 }

/** The strip below every view reads a forward of its own: it stays folded here. */
export const fold = () => {
  if (location.protocol !== 'http:') return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

export const message = (role: string) => `${id('chat-message')}[data-role="${role}"]`

/** Sends a message and waits for the whole answer: how many turns there are then. */
export async function send(page: Page, text: string): Promise<void> {
  const before = await page.locator(message('assistant')).count()
  await page.fill(id('chat-input'), text)
  await page.press(id('chat-input'), 'Enter')
  await expect.poll(() => page.locator(message('assistant')).count(), TIMEOUT).toBe(before + 1)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`, TIMEOUT)
}

export const idsIn = (place: Locator): Promise<number[]> =>
  place
    .locator('[data-token-id]')
    .evaluateAll((all) => all.map((one) => Number((one as HTMLElement).dataset['tokenId'])))

export const rows = (page: Page): Promise<number> =>
  page.evaluate(async () => (await (await window.tokenscope).model!.counters()).rows)
