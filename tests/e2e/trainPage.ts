import type { Page } from 'playwright-core'
import { openPage } from './harness.ts'

/** Of the training view's own tests: the page with small data sets in the place of its own. */
export const id = (name: string) => `[data-testid="${name}"]`

/** Enough for a run on a software adapter that other tests share. */
export const RUN = { timeout: 120_000 }

/** The strip below every view reads a forward of its own: it stays folded here. */
const fold = () => {
  // It also runs in frames that own no storage.
  if (location.protocol !== 'http:') return
  localStorage.setItem('tokenscope.preferences.1', JSON.stringify({ layout: { stripOpen: false } }))
}

const NAMES = ['Tom', 'Mia', 'Ben', 'Anna']
const TWOS = NAMES.flatMap((a) => NAMES.filter((b) => b !== a).map((b) => [a, b] as const))
export const SWAPS = TWOS.map(([a, b]) => ({
  prompt: `Sentence: ${a} met ${b} near the river.\nSwapped:`,
  completion: ` ${b} met ${a} near the river.`,
}))
export const PAIRS = TWOS.map(([a, b]) => ({
  prompt: `${a} met ${b}. ${b} wanted the kite.`,
  chosen: ` "We can share it," said ${a}.`,
  rejected: ` "Go away," said ${a}.`,
}))

export const STEPS = 6
const settings = { steps: STEPS, learningRate: 0.005, batchSize: 2, warmupSteps: 1, shuffle: 0 }
const SETS = [
  { name: 'swap', file: 'swap.jsonl', heldOut: 2, settings, adapter: { rank: 4 } },
  {
    name: 'kind',
    file: 'kind.jsonl',
    heldOut: 2,
    settings: { ...settings, objective: 'dpo' },
    adapter: { rank: 4 },
  },
]

const linesOf = (list: readonly object[]): string => list.map((line) => JSON.stringify(line)).join('\n')

/** The page's data sets, small ones in their place. */
async function serveSets(page: Page): Promise<void> {
  await page.route('**/training/*', (route) => {
    const url = route.request().url()
    if (url.endsWith('index.json')) return route.fulfill({ json: SETS })
    return route.fulfill({ body: linesOf(url.endsWith('kind.jsonl') ? PAIRS : SWAPS) })
  })
}

/** Opens the view once the model answers. `given`: the page's own data sets stay. */
export async function openTrain({
  given = false,
  expectedErrors = [] as readonly RegExp[],
} = {}): Promise<Page> {
  const { page } = await openPage({
    path: '#run=0',
    reducedMotion: 'reduce',
    initScript: fold,
    expectedErrors,
  })
  if (!given) await serveSets(page)
  await showTrain(page)
  await page.waitForSelector(id('train-set-swap'))
  return page
}

export async function showTrain(page: Page): Promise<void> {
  await page.evaluate(() => window.tokenscope.then(() => undefined))
  await page.click(id('view-train'))
}

export const state = (page: Page, name: string) =>
  page.waitForSelector(`${id('train-status')}[data-state="${name}"]`, RUN)

export const read = (page: Page) => page.waitForSelector(`${id('train-reading')}[data-state="ready"]`)

/** Values of the points of a plot, in the order of their steps. */
export const values = (page: Page, name: string): Promise<number[]> =>
  page.$$eval(id(name), (all) => all.map((one) => Number((one as HTMLElement).dataset['value'])))
