import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { Model } from '../../src/api/model.ts'
import { GREEDY_CASES, greedyDifference } from '../greedy.ts'
import { answer, loadIntoPage, openEngine, readFolder } from './pageModel.ts'
import { publish } from '../figures.ts'

const here = import.meta.dirname
const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? resolve(here, '../../../shared'))
const STORIES = resolve(SHARED, 'models/stories260K')
const WITHOUT_SHARED = existsSync(STORIES) ? '' : 'skipped: needs shared data'

test.skipIf(WITHOUT_SHARED)(
  `stories260K writes what it was published to write ${WITHOUT_SHARED}`,
  async () => {
    const { page } = await openEngine()
    const { greedy_from_bos: want } = JSON.parse(readFileSync(`${STORIES}/expected.json`, 'utf8')) as {
      greedy_from_bos: number[]
    }
    expect(await loadIntoPage(page, readFolder(STORIES))).toBe(null)
    const ids = await page.evaluate(
      async ([bos, maxTokens]) => {
        const { loaded } = window as unknown as { loaded: Model }
        const ids: number[] = []
        for await (const { id } of loaded.generate([bos], { temperature: 0, maxTokens })) ids.push(id)
        await loaded.dispose()
        return ids
      },
      [want[0]!, want.length - 1] as const,
    )
    expect(ids).toEqual(want.slice(1))
  },
)

test('the bundled model writes what an independent forward in f64 writes', async () => {
  const { page } = await openEngine()
  for (const { prompt, ids, ...rest } of GREEDY_CASES) {
    const { tokens, error } = await answer(page, ids, {
      temperature: 0,
      maxTokens: rest.greedy.length,
      topLogprobs: 0,
    })
    expect(error).toBe(null)
    expect(
      greedyDifference(
        rest,
        tokens.map(({ id }) => id),
      ),
      prompt,
    ).toBe(null)
  }
})

interface LongFrame extends PerformanceEntry {
  scripts: { duration: number; invoker: string; sourceFunctionName: string }[]
}
interface Watch {
  longTasks: number[]
  /** Page scripts that ran for more than 50 ms at a stretch. */
  longScripts: { duration: number; what: string }[]
}

/** Long tasks may also be the browser's own work; frames say which of them were scripts. */
function watchTasks(): void {
  const watch: Watch = { longTasks: [], longScripts: [] }
  Object.assign(window, { watch })
  const tasks = new PerformanceObserver((list) => {
    watch.longTasks.push(...list.getEntries().map(({ duration }) => duration))
  })
  tasks.observe({ type: 'longtask' })
  const frames = new PerformanceObserver((list) => {
    for (const { scripts } of list.getEntries() as LongFrame[]) {
      const long = scripts.filter(({ duration }) => duration > 50)
      for (const { duration, invoker, sourceFunctionName } of long)
        watch.longScripts.push({ duration, what: `${invoker} ${sourceFunctionName}` })
    }
  })
  frames.observe({ type: 'long-animation-frame' })
}

// Only time is measured: what else the machine does can stretch any script, so the least disturbed of three counts.
test('the page stays responsive for 30 seconds of writing', { retry: 2 }, async () => {
  const { page } = await openEngine({ initScript: watchTasks })
  await page.getByTestId('prompt').fill('Once upon a time')
  await page.getByTestId('sampling-max-tokens').fill('400')
  await page.evaluate(() => {
    const { watch } = window as unknown as { watch: Watch }
    watch.longTasks.length = watch.longScripts.length = 0
  })
  const end = performance.now() + 30_000
  while (performance.now() < end) {
    const state = await page.getByTestId('output').getAttribute('data-state')
    if (state !== 'running') await page.getByTestId('generate').click()
    await page.waitForTimeout(500)
  }
  await page.getByTestId('stop').click()
  const { longTasks, longScripts } = await page.evaluate(() => (window as unknown as { watch: Watch }).watch)
  publish({ name: 'longest task in 30 s of writing', value: Math.max(0, ...longTasks), unit: 'ms' })
  expect(longScripts).toEqual([])
})
