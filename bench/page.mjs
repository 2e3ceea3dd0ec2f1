import { createServer } from 'node:http'
import { extname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../scripts/chromium.mjs'
import { root, SetupError } from '../scripts/run.mjs'
import { serve } from '../scripts/serve.mjs'
import { measureViews } from './pageViews.mjs'
import { measureSwitches } from './viewSwitches.mjs'

const PROMPT_TOKENS = 128
const NEW_TOKENS = 64
const COLD_TOKENS = 8
const ROUNDS = 3

/**
 * The built page in Chromium: bytes of a first load, the first token of a cold page apart into download, compile and forward, then
 * prefill and decode through the worker, and how long the page is held up, as a visitor gets them.
 * @param {(result: Record<string, unknown>) => void} tell
 */
export async function runPage(tell) {
  const executablePath = await findChromium()
  if (!executablePath) throw new SetupError('No Chromium was found.', 'Install one, or set CHROMIUM_PATH.')
  const server = await serve(`${root}dist`)
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] })
  try {
    await (await browser.newPage()).close() // starting the browser is not the page's doing
    const bytes = await firstLoad(browser, server.url)
    const visits = []
    for (let round = 0; round < ROUNDS; round++)
      visits.push(await visit(browser, server.url, round === ROUNDS - 1))
    const { page, about } = visits.at(-1)
    const common = {
      adapter: `chromium ${about.backend}`,
      variant: about.variant,
      shape: 'tales-3m',
      format: about.weights,
    }
    tell({ ...common, name: 'page.firstLoad', value: bytes.gzip, unit: 'bytes', ...bytes })
    for (const stage of Object.keys(visits[0].stages)) {
      const own = visits.map(({ stages }) => stages[stage])
      const ofTotal = Math.min(...own) / Math.min(...visits.map(({ stages }) => stages.total))
      tell({ ...common, name: `page.firstToken.${stage}`, ...figures(own, 'ms'), ofTotal })
    }
    const settings = { promptTokens: PROMPT_TOKENS, newTokens: NEW_TOKENS, rounds: ROUNDS }
    for (const [name, values] of Object.entries(await page.evaluate(steadyRuns, settings)))
      tell({ ...common, name: `page.${name}`, ...figures(values, 'tok/s') })
    for (const measure of [measureViews, measureSwitches])
      for (const [name, result] of Object.entries(await measure(browser, server.url)))
        tell({ ...common, name: `page.${name}`, ...result })
  } finally {
    await browser.close()
    await server.close()
  }
}

/** Median, least and most. @param {number[]} values @param {string} unit */
function figures(values, unit) {
  const sorted = values.toSorted((a, b) => a - b)
  const [value] = sorted.slice(Math.floor(sorted.length / 2))
  return { value, unit, spread: [sorted[0], sorted.at(-1)], rounds: values.length }
}

/** A visit with empty caches up to the first token of a short prompt. The last page stays open. */
async function visit(browser, url, stay) {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.addInitScript(noteStages)
  await page.goto(`${url}#run=0`)
  const { at, about } = await page.evaluate(firstToken, COLD_TOKENS)
  if (!stay) await context.close()
  const stages = {
    script: at.config,
    download: at.compile - at.config,
    compile: at['self-test'] - at.compile,
    selfTest: at.ready - at['self-test'],
    forward: at.token - at.asked,
    total: at.token,
  }
  return { page, about, stages }
}

/** Kinds that gzip does not make smaller. */
const PACKED = new Set(['safetensors', 'woff2', 'png', 'ico'])
const KEPT_HEADERS = ['content-type', 'content-length', 'content-range', 'accept-ranges', 'last-modified']

/** A server before the site that counts what it passes on, by kind of file: the page's requests and its worker's. */
function countingServer(url) {
  const sizes = { requests: 0, raw: 0, gzip: 0, gzipByKind: {} }
  const pass = async (request, response) => {
    const address = new URL(request.url, url)
    const { range } = request.headers
    const answer = await fetch(address, { method: request.method, headers: range ? { range } : {} })
    const body = Buffer.from(await answer.arrayBuffer())
    const kind = extname(address.pathname).slice(1) || 'html'
    const packed = PACKED.has(kind) ? body.length : gzipSync(body, { level: 9 }).length
    sizes.requests += 1
    sizes.raw += body.length
    sizes.gzip += packed
    sizes.gzipByKind[kind] = (sizes.gzipByKind[kind] ?? 0) + packed
    const headers = KEPT_HEADERS.filter((name) => answer.headers.has(name))
    for (const name of headers) response.setHeader(name, answer.headers.get(name))
    response.writeHead(answer.status).end(body)
  }
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  return { server, sizes }
}

/** Bytes of one visit up to the first token: `raw` as the files are, `gzip` as a host sends them that packs text. */
async function firstLoad(browser, url) {
  const { server, sizes } = countingServer(url)
  await new Promise((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  await visit(browser, `http://localhost:${server.address().port}/`, false)
  server.closeAllConnections()
  await new Promise((closed) => {
    server.close(closed)
  })
  return sizes
}

/** Runs in the page before it: notes when the worker first told each stage, in milliseconds since navigation began. */
function noteStages() {
  window.benchStages = {}
  window.Worker = class extends Worker {
    constructor(...args) {
      super(...args)
      this.addEventListener('message', ({ data }) => {
        if (data.type === 'callback' && data.name === 'onProgress')
          window.benchStages[data.args[0].stage] ??= performance.now()
      })
    }
  }
}

/** Runs in the page. */
async function firstToken(promptTokens) {
  const { model } = await window.tokenscope
  const ids = Array.from({ length: promptTokens }, (_, i) => (i * 37) % 4000)
  const asked = performance.now()
  for await (const token of model.generate(ids, { temperature: 0, maxTokens: 1, stop: [] })) void token
  const token = performance.now()
  const { backend, variant, weights } = model.info
  window.benchModel = model
  return { at: { ...window.benchStages, asked, token }, about: { backend, variant: variant.name, weights } }
}

/** Runs in the page: prompts of no earlier run, so that no page of the cache is reused. */
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
