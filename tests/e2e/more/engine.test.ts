import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { Model } from '../../../src/api/model.ts'
import { casesOf } from '../../all.ts'
import { GREEDY_CASES, greedyDifference } from '../../greedy.ts'
import { answer, loadIntoPage, openEngine, readFolder } from '../pageModel.ts'

const here = import.meta.dirname
const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? resolve(here, '../../../../shared'))
const STORIES = resolve(SHARED, 'models/stories260K')
const WITHOUT_SHARED = existsSync(STORIES) ? '' : 'skipped: needs shared data'

test.skipIf(WITHOUT_SHARED)(
  `stories260K writes what it was published to write ${WITHOUT_SHARED}`,
  async () => {
    const { page } = await openEngine()
    const { greedy_from_bos: expected } = JSON.parse(readFileSync(`${STORIES}/expected.json`, 'utf8')) as {
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
      [expected[0]!, expected.length - 1] as const,
    )
    expect(ids).toEqual(expected.slice(1))
  },
)

test('the bundled model writes what an independent forward in f64 writes', async () => {
  const { page } = await openEngine()
  // All of them run in Node, in engine.greedy.test.ts.
  const cases = casesOf({ main: GREEDY_CASES.slice(0, 4), more: GREEDY_CASES.slice(4) })
  for (const { prompt, ids, ...rest } of cases) {
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
