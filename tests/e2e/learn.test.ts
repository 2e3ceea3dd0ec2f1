import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { ALL } from '../all.ts'
import { expectNoViolation, LOOKS, showLook } from './accessible.ts'
import { LESSONS } from '../../src/ui/views/learn/lessons/index.ts'
import { openPage, takeScreenshot } from './harness.ts'

const id = (name: string) => `[data-testid="${name}"]`
const ready = `${id('model-status')}[data-state="ready"]`

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  // It also runs in frames that own no storage.
  if (location.protocol !== 'http:' || localStorage.length > 0) return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

/** The page at rest, without a run of its own: the lessons write theirs. */
async function openRested(path = '#view=learn'): Promise<Page> {
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
async function expectShown(page: Page, place: string): Promise<string> {
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

const stepsOf = (name: string): number => LESSONS.find((lesson) => lesson.name === name)?.steps.length ?? 0

test('the first lesson, by keyboard to its end; a reload goes on where it stood; Korean; accessible', async () => {
  const page = await openRested()
  await page.waitForSelector(id('lesson-start-logits'))
  await expectNoViolation(page)
  await takeScreenshot(page, 'learn list')
  await page.focus(id('lesson-start-logits'))
  await page.keyboard.press('Enter')
  const steps = stepsOf('logits')
  for (let step = 1; step <= steps; step++) {
    await expectShown(page, `logits.${step}`)
    if (step === 4) {
      await page.waitForURL(/lesson=logits\.4/)
      await page.reload()
      await expectShown(page, 'logits.4')
    }
    if (step === 7) {
      for (const look of LOOKS) {
        await showLook(page, look)
        await expectShown(page, 'logits.7')
        await expectNoViolation(page)
        await takeScreenshot(page, `learn step ${look.colorScheme} ${look.width}`)
      }
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.selectOption(id('language'), 'ko')
      await expect.poll(() => page.textContent(id('lesson-words'))).toMatch(/확률로 바꿉니다/)
      expect(await expectShown(page, 'logits.7')).not.toMatch(/[{}…]/)
      await takeScreenshot(page, 'learn step ko')
      await page.selectOption(id('language'), 'en')
    }
    await page.focus(id('lesson-next'))
    await page.keyboard.press('Enter')
  }
  await page.waitForSelector(`${id('lesson-entry')}[data-lesson="logits"][data-finished="true"]`)
  expect(await page.locator(id('lesson')).count()).toBe(0)
})

test('the sampling lesson: its numbers are the run’s, and its task turns when it is done', async () => {
  const page = await openRested('#lesson=sampling.3')
  await expectShown(page, 'sampling.3')
  const task = page.locator(id('lesson-task'))
  expect(await task.getAttribute('data-done')).toBe('false')
  await page.click(id('lesson-reach'))
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe(
    'sampler-temperature',
  )
  await page.keyboard.press('Home')
  await page.fill(id('sampler-temperature'), '0')
  await expect.poll(() => task.getAttribute('data-done')).toBe('true')
  await takeScreenshot(page, 'learn task')
  await page.click(id('lesson-back'))
  await expectShown(page, 'sampling.2')
  const facts = await page.locator(id('lesson-fact')).allTextContents()
  expect(facts[0]).toBe(
    await page.$eval(id('sampler-drawn'), (drawn) =>
      Number((drawn as HTMLElement).dataset['random']).toFixed(4),
    ),
  )
  await page.click(id('lesson-leave'))
  await page.waitForSelector(id('learn-view'))
})

test('the steps of every other lesson have their elements', async () => {
  const page = await openRested()
  for (const { name, steps } of LESSONS.filter((lesson) => lesson.name !== 'logits')) {
    await page.click(id(`lesson-start-${name}`))
    // The first of each always, all of them with `npm run test:all`.
    const last = ALL ? steps.length : 1
    for (let step = 1; step <= last; step++) {
      await expectShown(page, `${name}.${step}`)
      // Views that no other test of every run looks at in a lesson.
      if (step === 1 && (name === 'tokens' || name === 'rank')) await expectNoViolation(page)
      await page.click(id(ALL ? 'lesson-next' : 'lesson-leave'))
    }
  }
  const finished = page.locator(`${id('lesson-entry')}[data-finished="true"]`)
  if (ALL) await expect.poll(() => finished.count()).toBe(LESSONS.length - 1)
})
