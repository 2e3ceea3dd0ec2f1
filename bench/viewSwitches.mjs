import { CONTENT, PRESSED } from '../scripts/viewContent.mjs'

const SHORT = 'Once upon a time there was a little fox who'
/** Tokens of a long text, of the 512 that the bundled model takes. */
const LONG_TOKENS = 460
const ROUNDS = 3
/** All but the one that a model without experts has nothing for. */
const VIEWS = Object.entries(CONTENT).filter(([view]) => view !== 'experts')
const WIDE = { width: 1440, height: 900 }

const id = (name) => `[data-testid="${name}"]`

/** Runs in the page before it: notes every task of the main thread over 50 ms. */
function watchTasks() {
  window.benchTasks = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.benchTasks.push(duration)
  }).observe({ type: 'longtask' })
}

/** Runs in the page: shows a view by its entry; milliseconds until a frame has its content. */
async function timeView({ view, content, most }) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
  window.benchTasks.length = 0
  const began = performance.now()
  document.querySelector(`[data-testid="view-${view}"]`).click()
  while (document.querySelector(content) === null && performance.now() - began < most) await frame()
  await frame()
  const time = performance.now() - began
  // What follows the first content belongs to the switch too.
  for (let n = 0; n < 10; n++) await frame()
  return { time, longTask: Math.max(0, ...window.benchTasks) }
}

/** Runs in the page: a text of so many tokens. */
async function textOf(tokens) {
  const { model } = await window.tokenscope
  const ids = await model.encode(
    'Once upon a time there was a little fox who lived by the river. '.repeat(60),
  )
  return model.decode(ids.slice(0, tokens))
}

async function open(browser, url, hash) {
  const context = await browser.newContext({ viewport: WIDE })
  const page = await context.newPage()
  await page.addInitScript(watchTasks)
  await page.goto(`${url}${hash}`)
  await page.evaluate(() => window.tokenscope.then(() => undefined))
  return { context, page }
}

async function writeText(page, text) {
  await page.fill(id('prompt'), text)
  await page.fill(id('sampling-max-tokens'), '4')
  await page.click(id('generate'))
  await page.waitForSelector(`${id('output')}[data-state="done"]`, { timeout: 120_000 })
}

/** Every view once, so that it has read the text; then from Write to each, some times. */
async function switches(browser, url) {
  const { context, page } = await open(browser, url, '#run=0&seed=1')
  await writeText(page, SHORT)
  const times = {}
  const long = {}
  const limit = 120_000
  for (const [view, content] of VIEWS) {
    await page.click(id(`view-${view}`))
    for (const button of PRESSED[view] ?? []) await page.click(id(button))
    await page.waitForSelector(content, { state: 'attached', timeout: limit })
    await page.waitForSelector(id('reading'), { state: 'detached', timeout: limit })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [view, content] of VIEWS) {
      const from = view === 'write' ? 'chat' : 'write'
      await page.evaluate(timeView, { view: from, content: CONTENT[from], most: limit })
      const { time, longTask } = await page.evaluate(timeView, { view, content, most: limit })
      ;(times[view] ??= []).push(Math.round(time))
      ;(long[view] ??= []).push(Math.round(longTask))
    }
  }
  await context.close()
  // A busy machine only ever adds to a time.
  const least = (lists) =>
    Object.fromEntries(Object.entries(lists).map(([view, list]) => [view, Math.min(...list)]))
  const [best, longTasks] = [least(times), least(long)]
  const most = (byView) => Math.max(...Object.values(byView))
  return { value: most(best), unit: 'ms', best, longTask: most(longTasks), longTasks }
}

/** A long text that has not been read: from the click to the first rows, and from the click on Cancel to its word. */
async function firstRows(browser, url, view) {
  const { context, page } = await open(browser, url, '#run=0&seed=1')
  await writeText(page, await page.evaluate(textOf, LONG_TOKENS))
  const { time, longTask } = await page.evaluate(timeView, { view, content: CONTENT[view], most: 120_000 })
  const cancel = page.getByTestId(`${view}-view`).getByTestId('reading-cancel')
  const canBeCancelled = await cancel.isVisible()
  let cancelled = null
  if (canBeCancelled) {
    const began = performance.now()
    await cancel.click()
    await page.waitForSelector(id('reading-stopped'))
    cancelled = Math.round(performance.now() - began)
  }
  await context.close()
  return {
    value: Math.round(time),
    unit: 'ms',
    tokens: LONG_TOKENS,
    cancelled,
    longTask: Math.round(longTask),
  }
}

/**
 * How soon views show something of use.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @returns {Promise<Record<string, Record<string, unknown>>>} result lines by name, without what is common to all
 */
export async function measureSwitches(browser, url) {
  return {
    viewSwitch: await switches(browser, url),
    firstAttention: await firstRows(browser, url, 'attention'),
    firstLens: await firstRows(browser, url, 'lens'),
  }
}
