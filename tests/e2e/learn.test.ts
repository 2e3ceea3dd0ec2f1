import { expect, test } from 'vitest'
import { expectNoViolation, LOOKS, showLook } from './accessible.ts'
import { LESSONS } from '../../src/ui/views/learn/lessons/index.ts'
import { takeScreenshot } from './harness.ts'
import { id, openRested, expectShown } from './learnPage.ts'

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
