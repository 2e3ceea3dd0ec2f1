// Engines in one Chromium, on the same weights. Each is opened once and then answers round by round in turn; an answer is the
// greedy ids after a prompt, with the times of the prompt and of the tokens after it. `forced` gives logits where ids are given.

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

/** @param {ArrayLike<number>} values */
const argmax = (values) =>
  Array.from(values).reduce((best, value, i, all) => (value > all[best] ? i : best), 0)

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
    async forced(prompt, ids) {
      const { data, shape } = await model.logits([...prompt, ...ids])
      const vocab = shape[1]
      const rows = ids.map((_, i) => prompt.length - 1 + i)
      return rows.map((row) => Array.from(data.subarray(row * vocab, (row + 1) * vocab)))
    },
  }
}

/** Hides subgroups, and what brings them along, from `features` and never requests them: a device without. */
function withholdSubgroups() {
  const requested = []
  const has = Reflect.get(GPUSupportedFeatures.prototype, 'has')
  GPUSupportedFeatures.prototype.has = function (name) {
    return !/subgroup/.test(name) && has.call(this, name)
  }
  const request = Reflect.get(GPUAdapter.prototype, 'requestDevice')
  GPUAdapter.prototype.requestDevice = function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((name) => !/subgroup/.test(name))
    requested.push(...requiredFeatures)
    return request.call(this, { ...descriptor, requiredFeatures })
  }
  return requested
}

/** What the fused graph is fed besides the ids: a cache of fixed size, on the GPU one buffer that is read and written. */
function fusedFeeds(ort, device, { num_key_value_heads: kvHeads, head_dim: headDim, context }, parts) {
  const shape = [1, kvHeads, context, headDim]
  const elements = kvHeads * context * headDim
  const makeCache = () => {
    if (!device) return new ort.Tensor('float32', new Float32Array(elements), shape)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = device.createBuffer({ size: elements * 4, usage })
    return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape })
  }
  const cache = new Map(parts.map((part) => [part, makeCache()]))
  return {
    start() {},
    feeds: (before, count) => ({
      seqlens: new ort.Tensor('int32', [before + count - 1], [1]),
      total: new ort.Tensor('int32', [before + count], [1]),
    }),
    cache,
    outputs: Object.fromEntries(parts.map((part) => [`present.${part}`, device ? cache.get(part) : null])),
    keep(part, made) {
      if (!device) cache.set(part, made)
    },
  }
}

/** The plain graph's: a cache that grows, from one masked position on, because an empty tensor is not for every provider. */
function plainFeeds(ort, sizes, parts) {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = sizes
  const cache = new Map()
  const int64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [values.length])
  return {
    start() {
      for (const part of parts) {
        cache.get(part)?.dispose()
        cache.set(part, new ort.Tensor('float32', new Float32Array(kvHeads * headDim), [kvHeads, 1, headDim]))
      }
    },
    feeds(before, count) {
      const total = 1 + before + count
      const mask = new Float32Array(count * total)
      for (let row = 0; row < count; row++) {
        mask[row * total] = -1e9
        mask.fill(-1e9, row * total + before + row + 2, (row + 1) * total)
      }
      return {
        positions: int64(Array.from({ length: count }, (_, i) => before + i)),
        mask: new ort.Tensor('float32', mask, [count, total]),
        by_head: int64([heads, count, total]),
        by_group: int64([kvHeads, (heads / kvHeads) * count, total]),
      }
    },
    cache,
    outputs: Object.fromEntries(parts.map((part) => [`present.${part}`, null])),
    keep(part, made) {
      cache.get(part).dispose()
      cache.set(part, made)
    },
  }
}

/** A session with what its feeds need; `device` is null on the CPU. */
async function openSession({ models, provider, graph, subgroups }) {
  const requested = subgroups ? [] : withholdSubgroups()
  const ort = await import(MODULES.onnx)
  ort.env.wasm.numThreads = 1
  const sizes = await (await fetch(`${models}sizes.json`)).json()
  const parts = Array.from({ length: sizes.num_hidden_layers }, (_, n) => [`${n}.k`, `${n}.v`]).flat()
  const onGpu = provider === 'webgpu'
  const session = await ort.InferenceSession.create(
    `${models}${graph === 'plain' ? 'model-plain' : 'model'}.onnx`,
    {
      executionProviders: [provider],
      ...(onGpu && graph === 'plain'
        ? {
            preferredOutputLocation: Object.fromEntries(
              parts.map((part) => [`present.${part}`, 'gpu-buffer']),
            ),
          }
        : {}),
    },
  )
  const device = onGpu ? await ort.env.webgpu.device : null
  const has = device ? [...device.features].includes('subgroups') : null
  if (device && !subgroups && has)
    throw new Error(
      `subgroups were not withheld; requested: ${requested.join(', ') || 'nothing through the page'}`,
    )
  const own = graph === 'plain' ? plainFeeds(ort, sizes, parts) : fusedFeeds(ort, device, sizes, parts)
  const about = [`onnxruntime-web ${ort.env.versions.web} ${provider} ${graph}`]
  if (device) about.push(has ? 'subgroups' : 'no subgroups')
  return { ort, session, own, parts, about: about.join(', ') }
}

async function openOnnx({ models, provider, graph = 'fused', subgroups = true }) {
  const { ort, session, own, parts, about } = await openSession({ models, provider, graph, subgroups })
  let length = 0
  const restart = () => {
    length = 0
    own.start()
  }
  const forward = async (ids) => {
    const feeds = {
      ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
      ...own.feeds(length, ids.length),
      ...Object.fromEntries(parts.map((part) => [`past.${part}`, own.cache.get(part)])),
    }
    length += ids.length
    const results = await session.run(feeds, { logits: null, ...own.outputs })
    for (const part of parts) own.keep(part, results[`present.${part}`])
    return results.logits.data
  }
  return {
    about,
    async answer(prompt, count) {
      restart()
      const started = performance.now()
      const ids = [argmax(await forward(prompt))]
      const first = performance.now()
      while (ids.length < count) ids.push(argmax(await forward([ids.at(-1)])))
      return rates(started, first, prompt, ids)
    },
    async forced(prompt, ids, one) {
      restart()
      const rows = []
      if (one) for (const id of prompt.slice(0, -1)) await forward([id])
      rows.push(Array.from(await forward(one ? prompt.slice(-1) : prompt)))
      for (const id of ids.slice(0, -1)) rows.push(Array.from(await forward([id])))
      return rows
    },
  }
}

/** Takes text: given ids, version 3.8.1 fails. The rates are llama.cpp's own; ids come from a second answer to the same prompt, because asking for them takes time. */
async function openWllama({ models, weights }) {
  const { Wllama, LoggerWithoutDebug } = await import(MODULES.wllama)
  const wllama = new Wllama(
    { default: new URL(MODULES.wllamaWasm, location.href).href },
    { logger: LoggerWithoutDebug },
  )
  const file = await (await fetch(`${models}model-${weights}.gguf`)).blob()
  await wllama.loadModel([file], { n_ctx: 512, n_threads: 1, n_gpu_layers: 0 })
  const complete = (prompt, count, more) =>
    wllama.createCompletion({
      prompt,
      max_tokens: count,
      temperature: 0,
      cache_prompt: false,
      ignore_eos: true,
      ...more,
    })
  return {
    about: `wllama ${Wllama.getLibllamaVersion()} wasm, 1 thread, ${weights}`,
    async answer(prompt, count, text) {
      const { timings, usage } = await complete(text, count, {})
      if (usage.prompt_tokens !== prompt.length)
        throw new Error(`wllama makes ${usage.prompt_tokens} tokens of the prompt, not ${prompt.length}`)
      const { choices } = await complete(text, count, { logprobs: 1 })
      const ids = choices[0].logprobs?.content?.map(({ id }) => id) ?? null
      return { ids, prefill: timings.prompt_per_second, decode: timings.predicted_per_second }
    },
  }
}

const OPENERS = { ours: openOurs, onnx: openOnnx, wllama: openWllama }
const opened = new Map()

window.peers = {
  async open(name, kind, options) {
    const engine = await OPENERS[kind](options)
    opened.set(name, engine)
    return { about: engine.about, forces: 'forced' in engine }
  },
  answer: (name, prompt, count, text) => opened.get(name).answer(prompt, count, text),
  forced: (name, prompt, ids, one) => opened.get(name).forced(prompt, ids, one),
}
