import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectAccessible } from '../accessible.ts'
import { id, openTrain, read, RUN, showTrain, state, values } from '../trainPage.ts'

/** The message of the fault tests, put into the engine's worker without going through the page. */
async function loseDevice(page: Page): Promise<void> {
  const engine = page.workers().find((worker) => worker.url().includes('engine'))
  await engine!.evaluate(() =>
    dispatchEvent(new MessageEvent('message', { data: { type: 'lose-device', run: 0 } })),
  )
}

const stepsTaken = (page: Page) => page.locator(id('train-loss')).count()

/** Steps that are not over while a person reaches for a button. */
const MANY = 10

async function start(page: Page): Promise<void> {
  await page.click(id('train-set-swap'))
  await read(page)
  await page.fill(id('train-steps'), String(MANY))
  await page.fill(id('train-every'), '2')
  await page.click(id('train-start'))
}

test('a device that is lost: after a reload the run goes on from its checkpoint, the same curve bit for bit', async () => {
  const page = await openTrain()
  await start(page)
  await state(page, 'done')
  const whole = await values(page, 'train-loss')
  expect(whole).toHaveLength(MANY)
  // Every held-out prompt has been asked, of the base and of the adapter.
  await page.waitForSelector(`${id('train-exact')}[data-steps="${MANY}"][data-of="2"]`, RUN)
  await page.waitForSelector(`${id('train-exact')}[data-steps="0"][data-exact="0"]`)

  // The adapter of the first run would act in the second.
  await page.reload()
  await showTrain(page)
  await start(page)
  await expect.poll(() => stepsTaken(page), RUN).toBeGreaterThanOrEqual(3)
  await page.click(id('train-pause'))
  await state(page, 'paused')
  await loseDevice(page)
  await page.waitForSelector(`${id('model-status')}[data-state="lost"]`, RUN)
  await state(page, 'failed')
  await page.reload()
  await showTrain(page)
  await page.locator(id('train-earlier')).first().click()
  await page.waitForSelector(id('train-resume'))
  const kept = await stepsTaken(page)
  expect(kept).toBeLessThan(MANY)
  expect(await values(page, 'train-loss')).toEqual(whole.slice(0, kept))
  await page.click(id('train-resume'))
  await state(page, 'done')
  expect(await values(page, 'train-loss')).toEqual(whole)
  expect(await page.locator(id('train-resume')).count()).toBe(0)
})

test('preferences: both answers with their masks, rewards over the steps and held out; accessible', async () => {
  const page = await openTrain()
  await page.click(id('train-set-kind'))
  await read(page)
  expect(await page.locator(`${id('train-example')} .train-tokens`).count()).toBe(24)
  await page.fill(id('train-every'), '3')
  await page.fill(id('train-beta'), '0.2')
  await page.click(id('train-start'))
  await state(page, 'done')
  await page.waitForSelector(id('train-rewards'))
  const losses = await values(page, 'train-loss')
  // At first adapter and reference say the same.
  expect(losses[0]).toBeCloseTo(Math.LN2, 5)
  expect(losses.at(-1)).toBeLessThan(Math.LN2)
  const held = await values(page, 'train-held')
  expect(held[0]).toBeCloseTo(Math.LN2, 4)
  expect(held.at(-1)).toBeLessThan(held[0]!)
  // No answer is the right one: none is counted.
  expect(await page.locator(id('train-exact')).count()).toBe(0)
  await expectAccessible(page, 'train preferences')
})
