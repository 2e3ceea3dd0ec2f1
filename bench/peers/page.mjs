// Engines in one Chromium, on the same weights. Each is opened once and then answers round by round in turn; an answer is the
// greedy ids after a prompt, with the times of the prompt and of the tokens after it.

const MODULES = {
  onnx: './node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs',
  wllama: './node_modules/@wllama/wllama/esm/index.js',
  wllamaWasm: './node_modules/@wllama/wllama/esm/wasm/wllama.wasm',
}

/** Rates of one answer. @param {number} started @param {number} first @param {number[]} prompt @param {number[]} ids */
function rates(started, first, prompt, ids) {
  const ended = performance.now()
  return {
    ids,
    prefill: (1000 * prompt.length) / (first - started),
    decode: (1000 * (ids.length - 1)) / (ended - first),
  }
}

async function openOurs({ library, checkpoint, weights }) {
  const { loadModel } = await import(library)
  const model = await loadModel(new URL(checkpoint, location.href).href, { weights })
  return {
    about: `${model.info.backend} ${model.info.variant.name} ${model.info.weights}`,
    async answer(prompt, count) {
      const started = performance.now()
      let first = 0
      const ids = []
      for await (const token of model.generate(prompt, { temperature: 0, maxTokens: count, stop: [] })) {
        first ||= performance.now()
        ids.push(token.id)
        if (token.finish !== null) break
      }
      return rates(started, first, prompt, ids)
    },
  }
}

/** Its attention is wrong where subgroups are narrow, so the feature is withheld: hidden from `features` and never requested. */
function withholdSubgroups() {
  const has = Reflect.get(GPUSupportedFeatures.prototype, 'has')
  GPUSupportedFeatures.prototype.has = function (name) {
    return name !== 'subgroups' && has.call(this, name)
  }
  const request = Reflect.get(GPUAdapter.prototype, 'requestDevice')
  GPUAdapter.prototype.requestDevice = function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((name) => name !== 'subgroups')
    return request.call(this, { ...descriptor, requiredFeatures })
  }
}

async function openOnnx({ models, provider }) {
  if (provider === 'webgpu') withholdSubgroups()
  const ort = await import(MODULES.onnx)
  ort.env.wasm.numThreads = 1
  const sizes = await (await fetch(`${models}sizes.json`)).json()
  const { num_hidden_layers: layers, num_key_value_heads: kvHeads, head_dim: headDim, context } = sizes
  const parts = Array.from({ length: layers }, (_, n) => [`${n}.k`, `${n}.v`]).flat()
  const session = await ort.InferenceSession.create(`${models}model.onnx`, { executionProviders: [provider] })
  const shape = [1, kvHeads, context, headDim]
  const elements = kvHeads * context * headDim
  const device = provider === 'webgpu' ? await ort.env.webgpu.device : null
  if (device && [...device.features].includes('subgroups'))
    // `has` is the one that hides it
    throw new Error('subgroups were not withheld')
  /** A cache of fixed size; on the GPU the same buffer is what the attention reads and writes, as it expects. */
  const makeCache = () => {
    if (!device) return new ort.Tensor('float32', new Float32Array(elements), shape)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = device.createBuffer({ size: elements * 4, usage })
    return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape })
  }
  const cache = new Map(parts.map((part) => [part, makeCache()]))
  return {
    about: `onnxruntime-web ${ort.env.versions.web} ${provider}`,
    async answer(prompt, count) {
      let length = 0
      const forward = async (ids) => {
        length += ids.length
        const feeds = {
          ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
          seqlens: new ort.Tensor('int32', [length - 1], [1]),
          total: new ort.Tensor('int32', [length], [1]),
          ...Object.fromEntries(parts.map((part) => [`past.${part}`, cache.get(part)])),
        }
        const same = Object.fromEntries(parts.map((part) => [`present.${part}`, cache.get(part)]))
        const results = await session.run(feeds, { logits: null, ...(device ? same : allOf(parts)) })
        if (!device) for (const part of parts) cache.set(part, results[`present.${part}`])
        return results.logits.data.reduce((best, value, i, all) => (value > all[best] ? i : best), 0)
      }
      const started = performance.now()
      const ids = [await forward(prompt)]
      const first = performance.now()
      while (ids.length < count) ids.push(await forward([ids.at(-1)]))
      return rates(started, first, prompt, ids)
    },
  }
}

/** @param {readonly string[]} parts outputs to be made afresh */
const allOf = (parts) => Object.fromEntries(parts.map((part) => [`present.${part}`, null]))

/** Takes text, so its answers are compared as text; the rates are llama.cpp's own. */
async function openWllama({ models }) {
  const { Wllama, LoggerWithoutDebug } = await import(MODULES.wllama)
  const wllama = new Wllama(
    { default: new URL(MODULES.wllamaWasm, location.href).href },
    { logger: LoggerWithoutDebug },
  )
  const file = await (await fetch(`${models}model.gguf`)).blob()
  await wllama.loadModel([file], { n_ctx: 512, n_threads: 1, n_gpu_layers: 0 })
  return {
    about: `wllama ${await wllama.getLibllamaVersion?.()} wasm, 1 thread`,
    async answer(prompt, count, text) {
      const result = await wllama.createCompletion({
        prompt: text,
        max_tokens: count,
        temperature: 0,
        cache_prompt: false,
        ignore_eos: true,
      })
      const { prompt_per_second: prefill, predicted_per_second: decode } = result.timings ?? {}
      return { text: result.choices[0].text, prefill, decode }
    },
  }
}

const OPENERS = { ours: openOurs, onnx: openOnnx, wllama: openWllama }
const opened = new Map()

window.peers = {
  async open(name, kind, options) {
    const engine = await OPENERS[kind](options)
    opened.set(name, engine)
    return engine.about
  },
  answer: (name, prompt, count, text) => opened.get(name).answer(prompt, count, text),
}
