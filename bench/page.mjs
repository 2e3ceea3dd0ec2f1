import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../scripts/chromium.mjs'
import { root, SetupError } from '../scripts/run.mjs'
import { serve } from '../scripts/serve.mjs'

const PROMPT_TOKENS = 128
const NEW_TOKENS = 64
const ROUNDS = 3

/**
 * The built page in Chromium: bytes of a first load, the first token apart into download, compile and forward, then prefill and
 * decode through the worker, as a visitor gets them.
 * @param {(result: Record<string, unknown>) => void} tell
 */
export async function runPage(tell) {
  const executablePath = await findChromium()
  if (!executablePath) throw new SetupError('No Chromium was found.', 'Install one, or set CHROMIUM_PATH.')
  const server = await serve(`${root}dist`)
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] })
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    const shown = await page.evaluate(async () => {
      const { model } = await window.tokenscope
      const bytes = performance
        .getEntriesByType('resource')
        .reduce((sum, entry) => sum + entry.transferSize, 0)
      return { bytes, shown: model !== null }
    })
    const cold = await page.evaluate(coldStart, { promptTokens: 8 })
    const common = {
      adapter: `chromium ${cold.backend}`,
      variant: cold.variant,
      shape: 'tales-3m',
      format: cold.weights,
    }
    tell({ ...common, name: 'page.firstLoad', value: shown.bytes, unit: 'bytes' })
    for (const stage of ['download', 'compile', 'forward'])
      tell({ ...common, name: `page.firstToken.${stage}`, value: cold[stage], unit: 'ms' })
    const runs = await page.evaluate(steadyRuns, {
      promptTokens: PROMPT_TOKENS,
      newTokens: NEW_TOKENS,
      rounds: ROUNDS,
    })
    for (const [name, values] of Object.entries(runs)) {
      const sorted = values.toSorted((a, b) => a - b)
      const value = sorted[Math.floor(sorted.length / 2)]
      tell({
        ...common,
        name: `page.${name}`,
        value,
        unit: 'tok/s',
        spread: [sorted[0], sorted.at(-1)],
        rounds: ROUNDS,
      })
    }
  } finally {
    await browser.close()
    await server.close()
  }
}

/** Runs in the page: a load of its own, with the stages' times, and one token after a short prompt. */
async function coldStart({ promptTokens }) {
  const { loadModel } = await window.tokenscope
  const started = performance.now()
  const at = {}
  const model = await loadModel('tales-3m', {
    onProgress: ({ stage }) => (at[stage] ??= performance.now() - started),
  })
  const ready = performance.now()
  const ids = Array.from({ length: promptTokens }, (_, i) => (i * 37) % 4000)
  for await (const token of model.generate(ids, { temperature: 0, maxTokens: 1 })) void token
  const { backend, variant, weights } = model.info
  window.benchModel = model
  return {
    download: at.compile,
    compile: ready - started - at.compile,
    forward: performance.now() - ready,
    backend,
    variant: variant.name,
    weights,
  }
}

/** Runs in the page: prompts nobody has seen, so that no page of the cache is reused. */
async function steadyRuns({ promptTokens, newTokens, rounds }) {
  const model = window.benchModel
  const prefill = []
  const decode = []
  for (let round = 0; round <= rounds; round++) {
    const ids = Array.from({ length: promptTokens }, (_, i) => (i * 37 + round) % 4000)
    const started = performance.now()
    let first = 0
    let count = 0
    for await (const token of model.generate(ids, { temperature: 0, maxTokens: newTokens, stop: [] })) {
      if (count++ === 0) first = performance.now()
      if (token.finish !== null) break
    }
    if (round === 0) continue // compiles the programs of larger chunks
    prefill.push((1000 * promptTokens) / (first - started))
    decode.push((1000 * (count - 1)) / (performance.now() - first))
  }
  return { prefill, decode }
}
