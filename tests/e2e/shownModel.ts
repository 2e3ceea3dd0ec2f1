import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** Waits for the page to show a model of this id. */
export async function isReady(page: Page, id: string): Promise<void> {
  await expect.poll(() => page.getByTestId('model-status').getAttribute('data-state')).toBe('ready')
  await expect.poll(() => page.evaluate(async () => (await window.tokenscope).model?.info.id)).toBe(id)
}

/** Ids of a short greedy answer of the model on the page. */
export const answer = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const { model } = await window.tokenscope
    const ids: number[] = []
    for await (const { id } of model!.generate('Once upon a time', { temperature: 0, maxTokens: 4 }))
      ids.push(id)
    return ids
  })
