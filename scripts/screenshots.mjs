import { mkdirSync, readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { requireChromium, CHROMIUM_FLAGS } from './chromium.mjs'
import { installDependencies } from './dependencies.mjs'
import { root, runMain, say } from './run.mjs'
import { serve } from './serve.mjs'
import { buildIfStale, dist } from './site.mjs'
import { wordTokenizer } from './wordTokenizer.mjs'

const OUT = `${root}docs/images/`
const press = (page, id, nth = 0) => page.getByTestId(id).nth(nth).click()

/** Chooses a word in the middle of the greeting, so that views show one that was hard to predict. */
const chooseWord = (page) =>
  press(page, 'view-write').then(() => page.locator('[data-token-index="21"]').click())

const WORDS =
  'the a little fox girl boy cat dog bird tree house sun moon sky water one day once upon time there was lived in wood who and said to her his ' +
  'they went saw big small old red green happy sad very then but so had for with on at of not would could all home night mother friend play'

/** Drops a tiny checkpoint of the tests, of random weights, with a tokenizer of words. */
async function dropTiny(page, name) {
  const tokenizer = Object.entries(wordTokenizer(WORDS.split(' ')))
  const files = tokenizer.map(([file, value]) => [file, Buffer.from(JSON.stringify(value))])
  for (const file of ['config.json', 'model.safetensors'])
    files.push([file, readFileSync(`${root}tests/fixtures/models/${name}/${file}`)])
  const mimeType = 'application/octet-stream'
  await page
    .getByTestId('model-drop')
    .setInputFiles(files.map(([file, buffer]) => ({ name: file, mimeType, buffer })))
}

/** Has a tiny mixture of experts read and write some words. */
async function writeWithExperts(page) {
  await press(page, 'view-write')
  await dropTiny(page, 'olmoe')
  await page.waitForFunction(async () =>
    (await window.tokenscope).model?.info.architecture.startsWith('Olmoe'),
  )
  await page.waitForSelector('[data-testid=model-status][data-state=ready]')
  await page.getByTestId('prompt').fill('once upon a time there was a little fox who lived in the wood')
  await press(page, 'generate')
  await page.waitForSelector('[data-testid=output][data-state=done]', { timeout: 120_000 })
}

/** Pictures of the documentation: which view, what is done in it first, and on what page if not a wide one by day. */
const PICTURES = [
  { name: 'playground', view: 'write' },
  { name: 'playground-dark', view: 'write', colorScheme: 'dark' },
  { name: 'playground-phone', view: 'write', width: 390, height: 844 },
  {
    name: 'map',
    view: 'map',
    before: chooseWord,
    do: (page) => page.waitForSelector('.map-board[data-whole="true"]', { timeout: 120_000 }),
  },
  {
    name: 'chat',
    view: 'chat',
    do: async (page) => {
      await page.getByTestId('chat-input').fill('Tell me a story about a fox.')
      await press(page, 'chat-send')
      await page.waitForTimeout(2000)
      await settle(page)
    },
  },
  {
    name: 'train',
    view: 'train',
    do: async (page) => {
      await press(page, 'train-set-swap')
      await page.waitForSelector('[data-testid=train-reading][data-state=ready]')
      await page.getByTestId('train-steps').fill('20')
      await page.getByTestId('train-every').fill('10')
      await press(page, 'train-start')
      await page.waitForSelector('[data-testid=train-status][data-state=done]', { timeout: 600_000 })
      await page.waitForSelector('[data-testid=train-exact][data-steps="20"][data-of]', { timeout: 600_000 })
    },
  },
  { name: 'tokenizer', view: 'tokenizer' },
  { name: 'models', view: 'models' },
  {
    name: 'precision',
    view: 'precision',
    do: async (page) => {
      await press(page, 'precision-run')
      await page.waitForSelector('[data-testid=precision-status][data-state=done]', { timeout: 120_000 })
    },
  },
  {
    name: 'steps',
    view: 'steps',
    do: async (page) => {
      for (let i = 0; i < 2; i++) await press(page, 'step-layer')
      for (let i = 0; i < 3; i++) await press(page, 'step-next')
    },
  },
  { name: 'attention', view: 'attention', before: chooseWord },
  {
    name: 'masks',
    view: 'attention',
    before: chooseWord,
    do: (page) => page.getByTestId('mask-switch').getByRole('radio', { name: 'all', exact: true }).check(),
  },
  {
    name: 'experts',
    path: '#run=0&max-tokens=6',
    before: writeWithExperts,
    view: 'experts',
    do: (page) =>
      page.waitForSelector('[data-testid=experts-view] [data-testid=tensor-cell]', { timeout: 120_000 }),
  },
  {
    name: 'fill',
    before: async (page) => {
      await dropTiny(page, 'modernbert')
      await page
        .getByTestId('fill-text')
        .fill('once upon a [MASK] there was a little [MASK] who lived in the wood')
    },
    view: 'fill',
    do: async (page) => {
      await press(page, 'fill-run')
      await page.waitForSelector('[data-testid=fill-status][data-state=done]')
    },
  },
  { name: 'cache', view: 'attention', do: (page) => page.getByRole('radio', { name: 'KV cache' }).check() },
  { name: 'lens', view: 'lens', before: chooseWord },
  { name: 'sampling', view: 'sampling', before: chooseWord },
  {
    name: 'branches',
    view: 'branches',
    before: chooseWord,
    do: async (page) => {
      await press(page, 'branch-expand')
      await page.getByTestId('tree-node').nth(3).waitFor()
    },
  },
  {
    name: 'edits',
    view: 'edits',
    do: async (page) => {
      await press(page, 'edit-cell', 12)
      await press(page, 'edit-measure')
      // The button comes back when all parts are measured.
      await page.waitForSelector('[data-testid=edit-measure]', { timeout: 120_000 })
    },
  },
  { name: 'score', view: 'score' },
  {
    name: 'speculate',
    view: 'speculate',
    do: async (page) => {
      await press(page, 'speculate-start')
      await page.waitForSelector('[data-testid=speculate-stop]:disabled', { timeout: 120_000 })
    },
  },
  {
    name: 'adapters',
    view: 'adapters',
    do: async (page) => {
      await press(page, 'adapter-offer-bard')
      await page.getByTestId('adapter-report').waitFor()
      await press(page, 'generate')
      await settle(page)
    },
  },
  {
    name: 'compare',
    view: 'adapters',
    do: async (page) => {
      await press(page, 'adapter-offer-sad')
      await page.getByTestId('adapter-report').waitFor()
      await press(page, 'view-compare')
      await press(page, 'generate')
      await page.waitForSelector('[data-testid=output-b][data-state=done]', { timeout: 120_000 })
    },
  },
  { name: 'trace', view: 'trace', do: (page) => press(page, 'trace-example') },
  { name: 'learn', view: 'learn' },
]

/** Waits until the model has written its first text. */
async function settle(page) {
  await page.waitForFunction(
    () => {
      const status = document.querySelector('[data-testid=model-status]')?.getAttribute('data-state')
      return status === 'ready' && document.querySelectorAll('[data-token-index]').length >= 20
    },
    null,
    { timeout: 120_000 },
  )
}

async function take(browser, url, picture) {
  const { name, view, path, width = 1440, height = 900, colorScheme = 'light' } = picture
  const page = await browser.newPage({ viewport: { width, height }, colorScheme })
  await page.goto(url + (path ?? ''))
  // A page that is told to write nothing has no text to wait for.
  if (path === undefined) await settle(page)
  else await page.waitForSelector('[data-testid=model-status][data-state=ready]', { timeout: 120_000 })
  await picture.before?.(page)
  // A narrow page shows the names of other views on demand only.
  await page.getByTestId(`view-${view}`).first().dispatchEvent('click')
  await page.waitForTimeout(3000)
  await picture.do?.(page)
  await page.mouse.move(0, 0)
  await page.waitForTimeout(3000)
  // A palette takes less than half the bytes.
  await sharp(await page.screenshot())
    .png({ palette: true, effort: 10 })
    .toFile(`${OUT}${name}.png`)
  await page.close()
}

/** Names of pictures to take; none: all. */
const wanted = process.argv.slice(2)

await runMain(async () => {
  await installDependencies()
  const executablePath = await requireChromium()
  await buildIfStale()
  mkdirSync(OUT, { recursive: true })
  const site = await serve(dist, { port: 0 })
  const browser = await chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS })
  try {
    for (const picture of PICTURES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      await take(browser, site.url, picture)
      say(`docs/images/${picture.name}.png`)
    }
  } finally {
    await browser.close()
    await site.close()
  }
})
