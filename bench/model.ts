import { fileURLToPath } from 'node:url'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel, type Counters, type Model } from '../src/index.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'

const MODEL = fileURLToPath(new URL('../public/models/tales-3m', import.meta.url))
const PROMPT_TOKENS = 128
const NEW_TOKENS = 64

const prompt = (length: number): number[] => Array.from({ length }, (_, i) => (i * 37) % 4000)

function perToken(before: Counters, after: Counters, tokens: number) {
  const of = (key: keyof Counters): number => (after[key] - before[key]) / tokens
  return {
    dispatches: of('dispatches'),
    passes: of('passes'),
    submits: of('submits'),
    uploaded: of('bytesUploaded'),
  }
}

/** Milliseconds between tokens of one answer; the first entry spans the prompt too. */
async function generateTimes(model: Model, ids: readonly number[], maxTokens: number): Promise<number[]> {
  const times: number[] = []
  let last = performance.now()
  for await (const token of model.generate(ids, { temperature: 0, maxTokens, stop: [] })) {
    const now = performance.now()
    times.push(now - last)
    last = now
    if (token.finish !== null) break
  }
  return times
}

/** The bundled model end to end: load, prefill, decode, and what a token costs besides the GPU. */
export async function benchModel(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  for (const weights of ['f16', 'f32', 'q8_0'] as const) {
    const started = performance.now()
    const stages: Record<string, number> = {}
    const model = await loadModel(MODEL, {
      device,
      weights,
      variant: options.variant,
      onProgress: ({ stage }) => (stages[stage] ??= performance.now() - started),
    })
    const loaded = performance.now() - started
    await generateTimes(model, prompt(PROMPT_TOKENS), 4) // warms every program up
    const common = {
      variant: model.info.variant.name,
      shape: 'tales-3m',
      format: weights,
      rounds: options.rounds,
    }
    const prefill: number[] = []
    const decode: number[] = []
    let counts = {}
    for (let round = 0; round < options.rounds; round++) {
      // A prompt nobody has seen, so that no page is reused.
      const ids = [round + 1, ...prompt(PROMPT_TOKENS - 1)]
      const before = await model.counters()
      const [first = 0, ...rest] = await generateTimes(model, ids, NEW_TOKENS)
      counts = perToken(before, await model.counters(), rest.length + 1)
      prefill.push((1000 * ids.length) / first)
      decode.push((1000 * rest.length) / rest.reduce((sum, ms) => sum + ms, 0))
    }
    const { gpuBytes, byLabel } = await model.memory()
    emit({ ...common, name: 'model.load', value: loaded, unit: 'ms', stages })
    emit({ ...common, name: 'model.memory', value: gpuBytes, unit: 'bytes', byLabel })
    emit({
      ...common,
      name: 'model.prefill',
      value: median(prefill),
      unit: 'tok/s',
      spread: spread(prefill),
      promptTokens: PROMPT_TOKENS,
    })
    emit({
      ...common,
      name: 'model.decode',
      value: median(decode),
      unit: 'tok/s',
      spread: spread(decode),
      ...counts,
    })
    await model.dispose()
  }
}
