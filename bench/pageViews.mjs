const WRITING_MS = 30_000
const STEPS = 40
const BETWEEN_KEYS_MS = 60
const ADAPTER_ROUNDS = 5
const PROMPT = 'Once upon a time there was a little fox who'

const id = (name) => `[data-testid="${name}"]`

/** Runs in the page before it: notes every script of its own that runs for more than 50 ms at a stretch, a long task. */
function watchScripts() {
  window.benchScripts = []
  new PerformanceObserver((list) => {
    for (const { scripts } of list.getEntries())
      for (const { duration } of scripts) if (duration > 50) window.benchScripts.push(duration)
  }).observe({ type: 'long-animation-frame' })
}

async function open(browser, url, hash) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript(watchScripts)
  await page.goto(`${url}${hash}`)
  await page.evaluate(() => window.tokenscope.then(() => undefined))
  await page.evaluate(() => void (window.benchScripts.length = 0))
  return { context, page, scripts: () => page.evaluate(() => window.benchScripts) }
}

/** Half a minute of writing, one text after the other. */
async function write(browser, url) {
  const { context, page, scripts } = await open(browser, url, '#run=0')
  await page.getByTestId('prompt').fill('Once upon a time')
  await page.getByTestId('sampling-max-tokens').fill('400')
  const end = performance.now() + WRITING_MS
  while (performance.now() < end) {
    if ((await page.getByTestId('output').getAttribute('data-state')) !== 'running')
      await page.getByTestId('generate').click()
    await page.waitForTimeout(500)
  }
  const long = await scripts()
  await context.close()
  return { value: Math.max(0, ...long), unit: 'ms', longScripts: long.length }
}

/** Runs in the page: steps on by key, as fast as a person might; the frames until each picture is there. */
async function framesOfSteps({ steps, between }) {
  const find = (name) => document.querySelector(`[data-testid="${name}"]`)
  const drawn = () => {
    const view = find('tensor-view')
    return view?.dataset.step === find('step-name')?.textContent && view?.getAttribute('aria-busy') !== 'true'
  }
  const frames = []
  for (let step = 0; step < steps; step++) {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'F10', bubbles: true, cancelable: true }))
    let count = 0
    do {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      count += 1
    } while (!drawn())
    frames.push(count)
    await new Promise((resolve) => setTimeout(resolve, between))
  }
  return frames.toSorted((a, b) => a - b)
}

async function stepOn(browser, url) {
  const hash = `#prompt=${encodeURIComponent(PROMPT)}&seed=1&max-tokens=12`
  const { context, page, scripts } = await open(browser, url, hash)
  await page.waitForSelector(`${id('output')}[data-state="done"]`)
  await page.click(id('view-steps'))
  await page.waitForSelector(id('tensor-cell'))
  await page.evaluate(() => void (window.benchScripts.length = 0))
  const frames = await page.evaluate(framesOfSteps, { steps: STEPS, between: BETWEEN_KEYS_MS })
  const long = await scripts()
  await context.close()
  const [p95, median] = [frames[Math.ceil(STEPS * 0.95) - 1], frames[STEPS / 2]]
  return { value: median, unit: 'frames', p95, spread: [frames[0], frames.at(-1)], longScripts: long.length }
}

/** Runs in the page: an adapter of rank 36 that changes nothing but has its weight, loaded over and over; and beside a text. */
async function loadAdapters({ rounds, config, tensors }) {
  const { model } = await window.tokenscope
  const header = {}
  let at = 0
  for (const { name, shape } of tensors) {
    const bytes = shape[0] * shape[1] * 4
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + bytes] }
    at += bytes
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + at)
  new DataView(file.buffer).setUint32(0, text.length, true)
  file.set(text, 8)
  const data = new DataView(file.buffer, 8 + text.length)
  for (let i = 0; i < at; i += 4) data.setFloat32(i, Math.sin(i) / 50, true)
  const source = new Map([
    ['adapter_config.json', new TextEncoder().encode(JSON.stringify(config))],
    ['adapter_model.safetensors', file],
  ])
  await model.prepareAdapters()
  const times = []
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    const { id } = await model.addAdapter(source)
    times.push(performance.now() - began)
    await model.removeAdapter(id)
  }
  const arrivals = []
  let span = null
  const options = { maxTokens: 160, temperature: 0, stop: [], adapters: [] }
  for await (const token of model.generate('Once upon a time', options)) {
    arrivals.push(performance.now())
    if (token.index !== 8) continue
    const began = performance.now()
    void model.addAdapter(source).then(() => (span = [began, performance.now()]))
  }
  const during = span === null ? 0 : arrivals.filter((time) => time > span[0] && time < span[1]).length
  return { bytes: file.length, times, during }
}

const WIDTHS = {
  'self_attn.q_proj': [192, 192],
  'self_attn.k_proj': [96, 192],
  'self_attn.v_proj': [96, 192],
  'self_attn.o_proj': [192, 192],
  'mlp.gate_proj': [512, 192],
  'mlp.up_proj': [512, 192],
  'mlp.down_proj': [192, 512],
}

/** Three megabytes of adapter for the bundled model. */
function largeAdapter(rank) {
  const tensors = Array.from({ length: 6 }, (_, layer) =>
    Object.entries(WIDTHS).flatMap(([name, [out, inner]]) => {
      const module = `base_model.model.model.layers.${layer}.${name}`
      return [
        { name: `${module}.lora_A.weight`, shape: [rank, inner] },
        { name: `${module}.lora_B.weight`, shape: [out, rank] },
      ]
    }),
  ).flat()
  const config = { peft_type: 'LORA', r: rank, lora_alpha: 8, target_modules: 'all-linear', bias: 'none' }
  return { config, tensors }
}

async function addAdapter(browser, url) {
  const { context, page } = await open(browser, url, '#run=0')
  const adapter = largeAdapter(36)
  const { bytes, times, during } = await page.evaluate(loadAdapters, { rounds: ADAPTER_ROUNDS, ...adapter })
  await context.close()
  const sorted = times.toSorted((a, b) => a - b)
  const value = sorted[Math.floor(sorted.length / 2)]
  return {
    value,
    unit: 'ms',
    spread: [sorted[0], sorted.at(-1)],
    rounds: times.length,
    bytes,
    tokensDuring: during,
  }
}

/**
 * How the page feels: scripts that hold it up while it writes, frames until a step is shown, a large adapter onto a running model.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @returns {Promise<Record<string, Record<string, unknown>>>} result lines by name, without what is common to all
 */
export async function measureViews(browser, url) {
  return {
    writing: await write(browser, url),
    stepShown: await stepOn(browser, url),
    adapterLoad: await addAdapter(browser, url),
  }
}
