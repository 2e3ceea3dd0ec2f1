import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { DraftModel } from '../../../src/api/model.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage, takeScreenshot } from '../harness.ts'

const PROMPT = 'Once upon a time there was a little fox who'
const id = (name: string) => `[data-testid="${name}"]`

/** Opens the view by a link that names it and writes nothing by itself. */
async function openView(more: string): Promise<Page> {
  const path = `#prompt=${encodeURIComponent(PROMPT)}&max-tokens=8&view=speculate&run=0&${more}`
  const { page } = await openPage({ path })
  await page.evaluate(() => window.tokenscope)
  await page.waitForSelector(id('speculate-view'))
  return page
}

/** Runs the draft chosen on the page to its end; the click itself leaves the state of the run before. */
async function speculate(page: Page): Promise<void> {
  await page.click(id('speculate-start'))
  await page.waitForSelector(`${id('speculate-status')}[data-state="done"]`, { timeout: 60_000 })
}

const value = async (page: Page, name: string) => Number(await page.getAttribute(id(name), 'data-value'))

const shownIds = (page: Page): Promise<number[]> =>
  page.$$eval('[data-testid="speculate-output"] [data-token-id]', (tokens) =>
    tokens.map((token) => Number((token as HTMLElement).dataset['tokenId'])),
  )

/** What plain decoding writes. */
function write(page: Page): Promise<number[]> {
  return page.evaluate(async (prompt) => {
    const { model } = await window.tokenscope
    const ids: number[] = []
    for await (const token of model!.generate(prompt, { temperature: 0, maxTokens: 8 })) ids.push(token.id)
    return ids
  }, PROMPT)
}

/** The same run through the library. */
function ask(page: Page, draft: DraftModel, sampling: { temperature: number; seed: number }) {
  return page.evaluate(
    async ([prompt, draft, sampling]) => {
      const { model } = await window.tokenscope
      const options = { topK: 40, topP: 0.95, minP: 0, maxTokens: 8, ...sampling }
      const rounds = []
      for await (const round of model!.speculate(prompt, { ...options, draft, ahead: 4 })) rounds.push(round)
      return rounds
    },
    [PROMPT, draft, sampling] as const,
  )
}

test('greedy: every draft writes what plain decoding writes, and the figures are those of the run', async () => {
  const page = await openView('temperature=0&seed=1')
  const plain = await write(page)
  const drafts: [string, DraftModel][] = [
    ['Prompt lookup', { kind: 'prompt-lookup' }],
    ['q4_0 copy', { kind: 'q4_0' }],
    ['First layers', { kind: 'first-layers', layers: 3 }],
  ]
  for (const [name, draft] of drafts) {
    await page.getByRole('radio', { name }).check({ force: true })
    await speculate(page)
    const rounds = await ask(page, draft, { temperature: 0, seed: 1 })
    expect(await shownIds(page), name).toEqual(plain)
    const proposals = rounds.flatMap((round) => round.proposals)
    const accepted = proposals.filter(({ outcome }) => outcome === 'accepted').length
    expect(await value(page, 'speculate-figure-acceptance'), name).toBe(accepted / proposals.length)
    expect(await value(page, 'speculate-figure-perForward'), name).toBe(plain.length / rounds.length)
    const outcomes = await page.$$eval('[data-testid="speculate-slot"]', (slots) =>
      slots.map((slot) => (slot as HTMLElement).dataset['outcome']).filter((outcome) => outcome !== 'own'),
    )
    expect(outcomes, name).toEqual(proposals.map(({ outcome }) => outcome))
  }
  expect(await value(page, 'speculate-figure-speed')).toBeGreaterThan(0)
  await page.click(id('speculate-plain'))
  await expect.poll(() => value(page, 'speculate-figure-plain')).toBeGreaterThan(0)
})

test('sampled, by keyboard: a place tells its probabilities, its random number and what came of it', async () => {
  const page = await openView('temperature=1&seed=3&draft=q4_0%2B4')
  expect(await page.getByRole('radio', { name: 'q4_0 copy' }).isChecked()).toBe(true)
  await page.keyboard.press('Control+Enter')
  await page.waitForSelector(`${id('speculate-status')}[data-state="done"]`, { timeout: 60_000 })
  const rounds = await ask(page, { kind: 'q4_0' }, { temperature: 1, seed: 3 })
  expect(await shownIds(page)).toEqual(rounds.flatMap(({ tokens }) => tokens.map((token) => token.id)))
  const panel = page.locator(id('speculate-panel'))
  const seen = new Set<string>()
  for (let step = 0; step < 10; step++) {
    await page.keyboard.press(step % 2 === 0 ? 'k' : 'ArrowRight')
    const round = rounds[Number(await panel.getAttribute('data-round'))]!
    const slot = Number(await panel.getAttribute('data-slot'))
    const proposal = round.proposals[slot]
    const token = round.tokens[slot]
    seen.add(proposal?.outcome ?? 'own')
    if (proposal !== undefined) {
      expect(await value(page, 'speculate-p-draft')).toBe(proposal.draftProbability)
      if (proposal.modelProbability === null)
        expect(await page.locator(id('speculate-random')).count()).toBe(0)
      else {
        expect(await value(page, 'speculate-p-model')).toBe(proposal.modelProbability)
        expect(await value(page, 'speculate-random')).toBe(proposal.random)
      }
    }
    const selected = page.locator(`${id('speculate-output')} [aria-selected="true"]`)
    if (token === undefined) expect(await selected.count()).toBe(0)
    else expect(await selected.getAttribute('data-token-index')).toBe(String(token.index))
  }
  expect(seen.size).toBeGreaterThan(1)
})

test('accessible by day and by night, wide and narrow, in Korean too', async () => {
  const page = await openView('seed=1&draft=first-layers.4%2B5')
  await speculate(page)
  await page.locator(id('speculate-slot')).first().click()
  await expectAccessible(page, 'speculate')
  await page.selectOption(id('language'), 'ko')
  await page.waitForSelector('button:has-text("추측하기")')
  await takeScreenshot(page, 'speculate ko')
})
