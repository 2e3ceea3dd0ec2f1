// Every engine that peers/run.mjs can open: in a tab, or in this process.
import { SetupError } from '../../scripts/run.mjs'

const MODELS = '/.cache/peers/'
const LIBRARY = '.cache/peers/lib/index.js'
const CHECKPOINT = 'public/models/tales-3m'
const ours = (weights) => ['ours', { library: `/${LIBRARY}`, checkpoint: `/${CHECKPOINT}/`, weights }]
const onnx = (more) => ['onnx', { models: MODELS, ...more }]

/** Engines in a tab: how page.mjs opens them. `weights` says whose rates and ids they are compared with. */
export const IN_TAB = {
  'ours-f32': ours('f32'),
  'ours-f16': ours('f16'),
  'ours-q4_0': ours('q4_0'),
  'onnx-webgpu': onnx({ provider: 'webgpu' }),
  'onnx-webgpu-no-subgroups': onnx({ provider: 'webgpu', subgroups: false }),
  'onnx-webgpu-plain': onnx({ provider: 'webgpu', graph: 'plain' }),
  'onnx-wasm': onnx({ provider: 'wasm' }),
  'onnx-wasm-plain': onnx({ provider: 'wasm', graph: 'plain' }),
  'wllama-f32': ['wllama', { models: MODELS, weights: 'f32' }],
  'wllama-q4_0': ['wllama', { models: MODELS, weights: 'q4_0' }],
}

/** @param {string} name */
export const weightsOf = (name) => /-(f32|f16|q4_0)$/.exec(name)?.[1] ?? 'f32'

/** An engine in a tab of its own, so that what one changes in the page does not reach another. */
export async function openInTab(browser, url, name, onError) {
  const page = await browser.newPage()
  page.on('pageerror', onError)
  await page.goto(`${url}bench/peers/page.html`)
  await page.waitForFunction(() => 'peers' in window)
  const [kind, settings] = IN_TAB[name]
  const { about, forces } = await page.evaluate(
    ([n, k, s]) => window.peers.open(n, k, s),
    [name, kind, settings],
  )
  return {
    name,
    about,
    answer: (prompt, count, text) =>
      page.evaluate(([n, p, c, t]) => window.peers.answer(n, p, c, t), [name, prompt, count, text]),
    forced: forces
      ? (prompt, ids, one) =>
          page.evaluate(([n, p, i, o]) => window.peers.forced(n, p, i, o), [name, prompt, ids, one])
      : null,
    close: () => page.close(),
  }
}

/** Greedy ids with the times of the prompt and of the tokens after it. @param {AsyncIterable<number>} tokens */
async function timed(prompt, count, tokens) {
  const started = performance.now()
  let first = 0
  const ids = []
  for await (const id of tokens) {
    first ||= performance.now()
    ids.push(id)
    if (ids.length === count) break
  }
  const ended = performance.now()
  return {
    ids,
    prefill: (1000 * prompt.length) / (first - started),
    decode: (1000 * (ids.length - 1)) / (ended - first),
  }
}

/** llama.cpp in this process: `llama.cpp-f32` on one thread of the CPU, `llama.cpp-vulkan-f16` wholly on the GPU. */
export async function openLlamaCpp(root, name) {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  const vulkan = name.includes('-vulkan-')
  const llama = await getLlama({
    gpu: vulkan ? 'vulkan' : false,
    build: 'never',
    logLevel: LlamaLogLevel.error,
  })
  if (vulkan && llama.gpu !== 'vulkan')
    throw new Error(`llama.cpp runs on ${llama.gpu || 'the CPU'} instead of Vulkan`)
  const devices = vulkan ? await llama.getGpuDeviceNames() : []
  if (vulkan && devices.length === 0) throw new Error('llama.cpp found no Vulkan device it would use')
  const model = await llama.loadModel({
    modelPath: `${root}.cache/peers/model-${weightsOf(name)}.gguf`,
    ...(vulkan ? { gpuLayers: 'max' } : {}),
  })
  const context = await model.createContext({ contextSize: 512, threads: 1, sequences: 1 })
  const sequence = context.getSequence()
  return {
    name,
    about: vulkan ? `llama.cpp Vulkan, ${devices.join(', ')}` : 'llama.cpp CPU, 1 thread',
    async answer(prompt, count) {
      await sequence.clearHistory()
      return timed(prompt, count, sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true }))
    },
    forced: null,
    close: () => llama.dispose(),
  }
}

/** The built library in this process, on the device that Dawn finds: what stands beside llama.cpp Vulkan on a real GPU. */
export async function openInNode(root, name, vendor) {
  const { loadModel } = await import(`${root}${LIBRARY}`)
  const model = await loadModel(`${root}${CHECKPOINT}`, { weights: weightsOf(name) })
  const { backend, variant, weights } = model.info
  if (vendor && !backend.toLowerCase().includes(vendor.toLowerCase()))
    throw new SetupError(`The library runs on "${backend}", not on a device of "${vendor}".`, 'See --vendor.')
  const ids = async function* (prompt, count) {
    for await (const token of model.generate(prompt, { temperature: 0, maxTokens: count, stop: [] }))
      yield token.id
  }
  return {
    name,
    about: `${backend} ${variant.name} ${weights}, Node`,
    answer: (prompt, count) => timed(prompt, count, ids(prompt, count)),
    forced: null,
    close: () => model.dispose(),
  }
}
