import type { Page } from 'playwright-core'
import type { RandomSource } from '../random.ts'
import { readFolder } from './pageModel.ts'
import { readPage, type ShownText } from './randomPage.ts'

/** What the driver knows of the page beside what the page shows. */
export interface Drive {
  page: Page
  random: RandomSource
  /** Views as they were visited, and which of them is on show: what Back and Forward must lead to. */
  visits: { views: string[]; at: number }
  /** Prompt and settings of the last text that was asked for. */
  asked: ShownText | null
}

export interface Action {
  name: string
  /** How often it is taken, against the others. */
  weight: number
  /** What it does to the text: writes a new one, goes on with it, ends it, or puts back one of before. Absent: nothing. */
  kind?: 'writes' | 'continues' | 'stops' | 'moves'
  /** Does it, or resolves to null where it cannot be done now; the words say with what. */
  act: (drive: Drive) => Promise<string | null>
}

const id = (name: string) => `[data-testid="${name}"]`
/** What cannot be done any more by the time the page has a moment is not waited for to the end. */
const A_WHILE = { timeout: 20_000 }

const VIEWS = [
  'write',
  'map',
  'chat',
  'steps',
  'attention',
  'lens',
  'tokenizer',
  'sampling',
  'branches',
  'edits',
  'score',
  'precision',
  'speculate',
  'adapters',
  'compare',
  'models',
  'trace',
  'learn',
  'train',
]
const PROMPTS = ['Once upon a time', 'The little fox', 'A', '미나와 소라는', 'Count: 1 2 3', 'MIA:\n']
const DEMOS = ['bard', 'swap', 'translate', 'sad']
const VALUES: readonly (readonly [setting: string, values: readonly string[]])[] = [
  ['temperature', ['0', '0.7', '1.5']],
  ['top-k', ['0', '1', '40']],
  ['seed', ['0', '7', '42']],
  ['max-tokens', ['1', '4', '9', '24']],
  ['repetition', ['1', '1.3']],
]

const pick = <T>({ random }: Drive, list: readonly T[]): T => list[random.integer(list.length)]!

/** Shows a view by its entry in the list, and remembers the visit. */
export async function showView({ page, visits }: Drive, view: string): Promise<void> {
  await page.click(id(`view-${view}`))
  if (visits.views[visits.at] === view) return
  visits.views.splice(visits.at + 1, Infinity, view)
  visits.at += 1
}

/** Shows a view and waits until its controls are there, as far as there is something to be controlled. */
async function showControls(drive: Drive, view: string, control: string): Promise<void> {
  await showView(drive, view)
  await drive.page.waitForSelector(`${control}, .empty-state`, { state: 'attached' })
}

async function move(drive: Drive, by: 1 | -1): Promise<string | null> {
  const { page, visits } = drive
  const view = visits.views[visits.at + by]
  if (view === undefined) return null
  visits.at += by
  await (by < 0 ? page.goBack() : page.goForward())
  return `to ${view}`
}

/** Clicks one of the controls of a test id; null where there is none that can be clicked. */
async function clickOne(drive: Drive, selector: string): Promise<string | null> {
  const result = drive.page.locator(`${selector}:enabled`)
  const count = await result.count()
  if (count === 0) return null
  const at = drive.random.integer(count)
  try {
    await result.nth(at).click(A_WHILE)
  } catch (error) {
    // It has gone, or cannot be clicked any more, since it was counted.
    if ((await result.count()) <= at) return null
    throw error
  }
  return `${at} of ${count}`
}

async function prompted(drive: Drive): Promise<string> {
  await showView(drive, 'write')
  const prompt = pick(drive, PROMPTS)
  await drive.page.fill(id('prompt'), prompt)
  return JSON.stringify(prompt)
}

/** Files of the bundled model, as a person would drop them. */
async function dropModel({ page }: Drive): Promise<string> {
  const files = readFolder('public/models/tales-3m').map(([name, base64]) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(base64, 'base64'),
  }))
  await page.setInputFiles(id('model-drop'), files)
  return 'files'
}

async function chooseModel({ page }: Drive, name: string): Promise<string> {
  await page.selectOption(id('model-select'), name === 'tales-3m' ? name : ' other')
  if (name === 'tales-3m') return name
  await page.fill('.address input', name)
  await page.press('.address input', 'Enter')
  return name
}

/** Everything that is done at random. What is under way is not waited for: the next action meets it. */
export const ACTIONS: readonly Action[] = [
  {
    name: 'view',
    weight: 14,
    act: async (drive) => {
      const view = pick(drive, VIEWS)
      await showView(drive, view)
      return view
    },
  },
  { name: 'back', weight: 5, act: (drive) => move(drive, -1) },
  { name: 'forward', weight: 3, act: (drive) => move(drive, 1) },
  { name: 'undo', weight: 6, kind: 'moves', act: (drive) => clickOne(drive, id('undo')) },
  { name: 'redo', weight: 4, kind: 'moves', act: (drive) => clickOne(drive, id('redo')) },
  {
    name: 'generate',
    weight: 8,
    kind: 'writes',
    act: async (drive) => {
      const prompt = await prompted(drive)
      drive.asked = (await readPage(drive.page)).text
      return (await clickOne(drive, id('generate'))) && prompt
    },
  },
  {
    name: 'continue',
    weight: 3,
    kind: 'continues',
    act: async (drive) => {
      await showView(drive, 'write')
      return clickOne(drive, id('continue'))
    },
  },
  { name: 'stop', weight: 4, kind: 'stops', act: (drive) => clickOne(drive, id('stop')) },
  {
    name: 'setting',
    weight: 6,
    act: async (drive) => {
      await showView(drive, 'write')
      const [setting, values] = pick(drive, VALUES)
      const value = pick(drive, values)
      await drive.page.fill(id(`sampling-${setting}`), value)
      return `${setting} ${value}`
    },
  },
  {
    name: 'token',
    weight: 3,
    act: async (drive) => {
      await showView(drive, 'write')
      return clickOne(drive, `${id('output')} [data-token-index]`)
    },
  },
  {
    name: 'add adapter',
    weight: 6,
    act: async (drive) => {
      await showControls(drive, 'adapters', id('adapter-drop'))
      const demo = pick(drive, DEMOS)
      return (await clickOne(drive, id(`adapter-offer-${demo}`))) && demo
    },
  },
  {
    name: 'scale adapter',
    weight: 5,
    act: async (drive) => {
      await showControls(drive, 'adapters', id('adapter-drop'))
      const boxes = drive.page.locator(`${id('adapter-scale-number')}:enabled`)
      const count = await boxes.count()
      if (count === 0) return null
      const [at, value] = [drive.random.integer(count), pick(drive, ['0', '0.5', '1', '-0.7', '1.9'])]
      await boxes.nth(at).fill(value, A_WHILE)
      return `${at} to ${value}`
    },
  },
  {
    name: 'switch adapter',
    weight: 3,
    act: async (drive) => {
      await showControls(drive, 'adapters', id('adapter-drop'))
      return clickOne(drive, `:is(${id('adapter-enabled')}, ${id('adapter-solo')})`)
    },
  },
  {
    name: 'remove adapter',
    weight: 3,
    act: async (drive) => {
      await showControls(drive, 'adapters', id('adapter-drop'))
      return clickOne(drive, id('adapter-remove'))
    },
  },
  {
    name: 'add edit',
    weight: 4,
    act: async (drive) => {
      await showControls(drive, 'edits', id('edit-cell'))
      return clickOne(drive, id('edit-cell'))
    },
  },
  {
    name: 'change edits',
    weight: 4,
    act: async (drive) => {
      await showControls(drive, 'edits', id('edit-cell'))
      return clickOne(drive, `:is(${id('edit-enabled')}, ${id('edit-remove')}, ${id('edit-clear')})`)
    },
  },
  {
    name: 'write edited',
    weight: 1,
    act: async (drive) => {
      await showControls(drive, 'edits', id('edit-cell'))
      return clickOne(drive, id('edit-story'))
    },
  },
  {
    name: 'swap model',
    weight: 2,
    act: async (drive) => {
      const name = pick(drive, ['tales-3m', './models/tales-3m/', 'files'])
      return name === 'files' ? dropModel(drive) : chooseModel(drive, name)
    },
  },
]

/** One of the actions, by their weights. */
export function nextAction(random: RandomSource): Action {
  const total = ACTIONS.reduce((sum, { weight }) => sum + weight, 0)
  let left = random.uniform() * total
  return ACTIONS.find(({ weight }) => (left -= weight) < 0) ?? ACTIONS[0]!
}
