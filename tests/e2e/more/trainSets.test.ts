import { expect, test } from 'vitest'
import { ALL } from '../../all.ts'
import { id, openTrain, read, state } from '../trainPage.ts'

/** Of the held-out prompts: as many as the base may answer as asked, and as the trained adapter must. */
const BASE = 0.1
const TRAINED = 0.8
/** Enough for 300 steps on a software adapter that others share. */
const LONG = { timeout: 2_400_000 }

const why = ALL ? '' : ' (skipped: npm run test:all runs it)'

/** Trained as they are offered, in the page and with the page's own count. */
test.skipIf(!ALL).each(['swap', 'translate'])(
  `%s: what it teaches, counted in the page${why}`,
  { timeout: 3_000_000 },
  async (name) => {
    const page = await openTrain({ given: true })
    await page.click(id(`train-set-${name}`))
    await read(page)
    const began = Date.now()
    await page.click(id('train-start'))
    await page.waitForSelector(`${id('train-status')}[data-state="done"]`, LONG)
    const seconds = Math.round((Date.now() - began) / 1000)
    const steps = await page.getAttribute(id('train-status'), 'data-steps')
    const shareOf = async (after: string | null): Promise<number> => {
      const line = page.locator(`${id('train-exact')}[data-steps="${after}"][data-of]`)
      await line.waitFor(LONG)
      return Number(await line.getAttribute('data-exact')) / Number(await line.getAttribute('data-of'))
    }
    const trained = await shareOf(steps)
    const base = await shareOf('0')
    console.log(`${name}: ${trained} exact after ${steps} steps and ${seconds} s, the base ${base}`)
    expect(base).toBeLessThanOrEqual(BASE)
    expect(trained).toBeGreaterThanOrEqual(TRAINED)
    await state(page, 'done')
  },
)
