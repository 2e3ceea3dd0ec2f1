import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { randomUniform } from '../../../src/maths/rng.ts'
import { checkSampling, sampleStages } from '../../../src/decode/samplers.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox named Lily.'
const SEED = 3
const TEXT = `#prompt=${encodeURIComponent(PROMPT)}&seed=${SEED}&max-tokens=10`

const id = (name: string) => `[data-testid="${name}"]`
const settled = (page: Page) => page.waitForSelector(`${id('model-status')}[data-state="ready"]`)

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  // It also runs in frames that own no storage.
  if (location.protocol !== 'http:') return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

/** Waits for the text, then opens the sampling view on one of its tokens. Resolves to the ids of all. */
async function openSampler(page: Page, token: number): Promise<number[]> {
  await page.evaluate(() => window.tokenscope)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBe(10)
  await settled(page)
  const ids = await page.$$eval('[data-token-index]', (tokens) =>
    tokens.map((one) => Number((one as HTMLElement).dataset['tokenId'])),
  )
  await page.click(`[data-token-index="${token}"]`)
  await page.click(id('view-sampling'))
  await page.waitForSelector(
    `${id('sampling-view')}[data-state="ready"] ${id('sampler-token')}[data-index="${token}"]`,
  )
  return ids
}

const stageFacts = (page: Page, fact: string): Promise<number[]> =>
  page.$$eval(id(`sampler-${fact}`), (cells) =>
    cells.map((cell) => Number((cell as HTMLElement).dataset['value'])),
  )

const drawn = (page: Page): Promise<{ token: number; random: number }> =>
  page.$eval(id('sampler-drawn'), (element) => {
    const { tokenId, random } = (element as HTMLElement).dataset
    return { token: Number(tokenId), random: Number(random) }
  })

/** Probability behind the last stage of every row that survives. */
const survivors = (page: Page): Promise<[id: number, share: number][]> =>
  page.$$eval(id('sampler-row'), (rows) =>
    rows.flatMap((row) => {
      const value = row.querySelector<HTMLElement>('[data-stage="min-p"]')?.dataset['value']
      return value === undefined
        ? []
        : [[Number((row as HTMLElement).dataset['tokenId']), Number(value)] as const]
    }),
  )

const forwards = (page: Page): Promise<number> =>
  page.evaluate(async () => (await (await window.tokenscope).model!.counters()).forwards)

test('the run’s own draw; moved sliders recompute every stage without a forward; accessible', async () => {
  const { page } = await openPage({ path: TEXT, initScript: fold })
  const generated = await openSampler(page, 4)
  const written = generated[4]!
  expect(await drawn(page)).toEqual({ token: written, random: randomUniform(SEED, 4) })
  const logits = Float32Array.from(
    await page.evaluate(async () => [...(await (await window.tokenscope).model!.tokenLogits(4)).data]),
  )
  const before = await forwards(page)
  await page.fill(id('sampler-repetition'), '1.3')
  await page.fill(id('sampler-temperature'), '1.7')
  await page.fill(id('sampler-top-k'), '9')
  await page.fill(id('sampler-top-p'), '0.8')
  await page.locator(`[data-for="sampler-min-p"]`).fill('0.05')
  expect((await stageFacts(page, 'kept'))[3]).toBe(9)
  const prompt = await page.evaluate(async (text) => (await window.tokenscope).model!.encode(text), PROMPT)
  const options = checkSampling({
    temperature: 1.7,
    topK: 9,
    topP: 0.8,
    minP: 0.05,
    repetitionPenalty: 1.3,
    seed: SEED,
  })
  const random = randomUniform(SEED, 4)
  const stages = sampleStages(logits, options, { seenIds: [...prompt, ...generated.slice(0, 4)], random })
  const shown = await survivors(page)
  expect(shown.map(([token]) => token)).toEqual([...stages.ids])
  shown.forEach(([, share], i) => expect(share).toBeCloseTo(stages.probabilities[i]!, 12))
  expect((await stageFacts(page, 'kept')).slice(1)).toEqual(stages.stages.map(({ kept }) => kept))
  expect((await stageFacts(page, 'mass')).slice(1)).toEqual(
    stages.stages.map(({ cutMass }) => expect.closeTo(1 - cutMass!, 12) as number),
  )
  expect((await drawn(page)).token).toBe(stages.chosen)
  expect(await page.locator(`${id('sampler-row')}[data-cut="top-k"]`).count()).toBeGreaterThan(5)
  expect(await forwards(page)).toBe(before)
  await page.click(id('sampler-reset'))
  expect(await drawn(page)).toEqual({ token: written, random })
  await page.fill(id('sampler-top-k'), '6')
  await page.fill(id('sampler-repetition'), '1.5')
  await page.click(id('sampler-draw-many'))
  await expectAccessible(page, 'sampling')
})

test('drawing again counts; the next token is the one that continuing writes; an alternative goes on from there', async () => {
  const { page } = await openPage({ path: TEXT, initScript: fold })
  await openSampler(page, 2)
  await page.click(id('sampler-draw-many'))
  await page.click(id('sampler-draw'))
  const counts = await page.$$eval(id('sampler-count'), (cells) =>
    cells.map((cell) => Number((cell as HTMLElement).dataset['value'])),
  )
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(101)
  const other = page.locator(id('sampler-row')).filter({ has: page.locator(id('sampler-continue')) })
  const chosen = Number(await other.first().getAttribute('data-token-id'))
  await page.getByRole('radio', { name: 'Next token' }).check()
  await page.waitForSelector(`${id('sampling-view')}[data-state="ready"]:not(:has(${id('sampler-token')}))`)
  const next = (await drawn(page)).token
  await page.click(id('view-write'))
  await page.click(id('continue'))
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBeGreaterThan(10)
  expect(Number(await page.getAttribute('[data-token-index="10"]', 'data-token-id'))).toBe(next)
  await settled(page)
  await page.click(id('view-sampling'))
  // Token 2 is pinned still: continuing keeps what is selected, and a second click on it would let go of it.
  await page.getByRole('radio', { name: 'Token of the text' }).check()
  await page.waitForSelector(
    `${id('sampling-view')}[data-state="ready"] ${id('sampler-token')}[data-index="2"]`,
  )
  await page.click(`${id('sampler-row')}[data-token-id="${chosen}"] ${id('sampler-continue')}`)
  await page.click(id('view-write'))
  await page.waitForSelector(`[data-token-index="2"][data-token-id="${chosen}"]`)
  await expect.poll(() => page.locator('[data-token-index]').count(), { timeout: 60_000 }).toBeGreaterThan(5)
})
