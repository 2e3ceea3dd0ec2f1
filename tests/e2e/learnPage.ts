import type { Page } from 'playwright-core'
import { openPage } from './harness.ts'

export const id = (name: string) => `[data-testid="${name}"]`
export const ready = `${id('model-status')}[data-state="ready"]`

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  // It also runs in frames that own no storage.
  if (location.protocol !== 'http:' || localStorage.length > 0) return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

/** The page at rest, without a run of its own: the lessons write theirs. */
export async function openRested(path = '#view=learn'): Promise<Page> {
  const { page } = await openPage({ path, reducedMotion: 'reduce', initScript: fold })
  await page.waitForSelector(ready, { timeout: 60_000 })
  return page
}

/** True when some point of what is outlined lies on the page with nothing over it. */
function isTargetInSight(): boolean {
  const target = document.querySelector('[data-lesson-target]')
  if (target === null) return false
  const { left, top, width, height } = target.getBoundingClientRect()
  const shares = Array.from({ length: 15 }, (_, i) => (i + 0.5) / 15)
  return shares.some((down) =>
    shares.some((across) => {
      const hit = document.elementFromPoint(left + across * width, top + down * height)
      return hit !== null && target.contains(hit)
    }),
  )
}

/** Waits until a step is set up, and checks that what it is about can be seen. Resolves to its sentence. */
export async function expectShown(page: Page, place: string): Promise<string> {
  await page.waitForSelector(`${id('lesson-words')}[data-step="${place}"]`)
  try {
    await page.waitForSelector(`${id('lesson-standing')}[data-state="outlined"]`, { timeout: 60_000 })
    await page.waitForFunction(isTargetInSight, null, { timeout: 60_000 })
    await page.waitForFunction(() => document.querySelector('[data-pending="true"]') === null, null, {
      timeout: 60_000,
    })
  } catch (cause) {
    const words = await page.textContent(id('lesson'))
    throw new Error(`${place}: ${words}`, { cause })
  }
  return (await page.textContent(id('lesson-words'))) ?? ''
}
