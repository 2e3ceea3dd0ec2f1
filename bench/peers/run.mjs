// node bench/peers/run.mjs [--rounds 3] [--tokens 32] [--prompt 64] [--only ours,onnx,wllama,llama.cpp] [--chromium PATH]
// Needs `npm install` in this folder and the exports of export.py in .cache/peers (see README.md). JSON lines, like the bench.
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium.mjs'
import { root, runMain, say, SetupError } from '../../scripts/run.mjs'
import { serve } from '../../scripts/serve.mjs'

const MODELS = '/.cache/peers/'
const TEXT =
  'Once upon a time there was a little girl who lived with her mother in a small house at the edge of the wood.'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '32' },
    prompt: { type: 'string', default: '64' },
    only: { type: 'string', default: 'ours,onnx-webgpu,onnx-wasm,wllama,llama.cpp' },
    weights: { type: 'string', default: 'f32' },
    chromium: { type: 'string' },
  },
})

const ENGINES = {
  ours: [
    'ours',
    {
      library: '/.cache/peers/lib/index.js',
      checkpoint: '/public/models/tales-3m/',
      weights: options.weights,
    },
  ],
  'onnx-webgpu': ['onnx', { models: MODELS, provider: 'webgpu' }],
  'onnx-wasm': ['onnx', { models: MODELS, provider: 'wasm' }],
  wllama: ['wllama', { models: MODELS }],
}

/** An engine in a tab of its own, so that what one changes in the page does not reach another. */
async function openInTab(browser, url, name) {
  const page = await browser.newPage()
  page.on('pageerror', (error) => say(JSON.stringify({ name, error: error.message })))
  await page.goto(`${url}bench/peers/page.html`)
  await page.waitForFunction(() => 'peers' in window)
  const [kind, settings] = ENGINES[name]
  const about = await page.evaluate(([n, k, s]) => window.peers.open(n, k, s), [name, kind, settings])
  const answer = (prompt, count) =>
    page.evaluate(([n, p, c, t]) => window.peers.answer(n, p, c, t), [name, prompt, count, TEXT])
  return { name, about, answer }
}

/** llama.cpp on the CPU with one thread, in this process. */
async function openLlamaCpp() {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error })
  const model = await llama.loadModel({ modelPath: `${root}.cache/peers/model.gguf` })
  const context = await model.createContext({ contextSize: 512, threads: 1, sequences: 1 })
  const sequence = context.getSequence()
  return {
    name: 'llama.cpp',
    about: 'llama.cpp CPU, 1 thread',
    async answer(prompt, count) {
      await sequence.clearHistory()
      const started = performance.now()
      let first = 0
      const ids = []
      for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
        first ||= performance.now()
        ids.push(id)
        if (ids.length === count) break
      }
      const ended = performance.now()
      const decode = (1000 * (ids.length - 1)) / (ended - first)
      return { ids, prefill: (1000 * prompt.length) / (first - started), decode }
    },
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

await runMain(async () => {
  if (!existsSync(`${root}.cache/peers/model.onnx`))
    throw new SetupError('The exports are missing.', 'Run export.py first: see bench/peers/README.md.')
  const executablePath = options.chromium ?? (await findChromium())
  const server = await serve(root)
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] })
  try {
    const prompt = Array.from({ length: Number(options.prompt) }, (_, i) => (i * 37) % 4000)
    const count = Number(options.tokens)
    const engines = []
    for (const name of options.only.split(',')) {
      try {
        engines.push(name === 'llama.cpp' ? await openLlamaCpp() : await openInTab(browser, server.url, name))
      } catch (error) {
        say(JSON.stringify({ name: `peer.${name}`, error: String(error).slice(0, 400) }))
      }
    }
    const runs = new Map(engines.map(({ name }) => [name, []]))
    for (let round = 0; round <= Number(options.rounds); round++) {
      for (const { name, answer } of engines) {
        const run = await answer([round, ...prompt.slice(1)], count)
        if (round > 0) runs.get(name).push(run) // the first warms up
      }
    }
    const reference = runs.get('ours') ?? runs.get('llama.cpp')
    for (const { name, about } of engines) {
      const own = runs.get(name)
      const sameIds = own.every(({ ids }, i) => ids === undefined || String(ids) === String(reference[i].ids))
      const differsAt = sameIds ? undefined : own[0].ids.findIndex((id, i) => id !== reference[0].ids[i])
      const { text } = own[0]
      for (const what of ['prefill', 'decode']) {
        const values = own.map((run) => run[what])
        const ours = reference.map((run, i) => run[what] / values[i])
        const line = {
          name: `peer.${what}`,
          engine: name,
          value: median(values),
          unit: 'tok/s',
          about,
          sameIds,
          differsAt,
          text,
        }
        say(
          JSON.stringify({
            ...line,
            oursTimes: median(ours),
            spread: [Math.min(...values), Math.max(...values)],
          }),
        )
      }
    }
  } finally {
    await browser.close()
    await server.close()
  }
  return 0
})
