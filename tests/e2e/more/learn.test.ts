import { expect, test } from 'vitest'
import { ALL } from '../../all.ts'
import { LESSONS } from '../../../src/ui/views/learn/lessons/index.ts'
import { expectNoViolation } from '../accessible.ts'
import { id, openRested, expectShown } from '../learnPage.ts'

test('the steps of every other lesson have their elements', async () => {
  const page = await openRested()
  for (const { name, steps } of LESSONS.filter((lesson) => lesson.name !== 'logits')) {
    await page.click(id(`lesson-start-${name}`))
    // The first of each always, all of them with `npm run test:all`.
    const last = ALL ? steps.length : 1
    for (let step = 1; step <= last; step++) {
      await expectShown(page, `${name}.${step}`)
      // Views that no other test looks at in a lesson.
      if (step === 1 && (name === 'tokens' || name === 'rank')) await expectNoViolation(page)
      await page.click(id(ALL ? 'lesson-next' : 'lesson-leave'))
    }
  }
  const finished = page.locator(`${id('lesson-entry')}[data-finished="true"]`)
  if (ALL) await expect.poll(() => finished.count()).toBe(LESSONS.length - 1)
})
