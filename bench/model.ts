import { fileURLToPath } from 'node:url'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel, type Counters, type Model } from '../src/index.ts'
import type { LoadFormat } from '../src/api/model.ts'
import { median, spread, type Emit } from './harness.ts'
import { DeviceMeter, readbackTime } from './meter.ts'
import type { SuiteOptions } from './products.ts'

export const TALES_FOLDER = fileURLToPath(new URL('../public/models/tales-3m', import.meta.url))
const FORMATS: readonly LoadFormat[] = ['f16', 'f32', 'q8_0', 'q4_0']
const PROMPTS = [32, 64, 128, 256, 384]
const DECODE_PROMPT = 128
const NEW_TOKENS = 64

/** A prompt that no other has begun like, so that no page of the cache is reused. */
let prompts = 0
export const freshPrompt = (length: number): number[] => {
  const first = ++prompts
  return Array.from({ length }, (_, i) => (i === 0 ? first : (i * 37) % 4000))
}

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
export async function generateTimes(
  model: Model,
  ids: readonly number[],
  maxTokens: number,
  onFirst: () => Promise<void> = () => Promise.resolve(),
): Promise<number[]> {
  const times: number[] = []
  let last = performance.now()
  for await (const token of model.generate(ids, { temperature: 0, maxTokens, stop: [] })) {
    times.push(performance.now() - last)
    if (times.length === 1) await onFirst()
    last = performance.now()
    if (token.finish !== null) break
  }
  return times
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

interface Bench {
  model: Model
  meter: DeviceMeter
  device: GPUDevice
  emit: Emit
  rounds: number
  common: { variant: string; shape: string; format: LoadFormat; rounds: number }
}

/** Tokens per second of prompts of several lengths, in turn. */
async function prefillRates({ model, emit, rounds, common }: Bench): Promise<void> {
  const rates = PROMPTS.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, length] of PROMPTS.entries()) {
      const [first = NaN] = await generateTimes(model, freshPrompt(length), 1)
      if (round > 0) rates[i]?.push((1000 * length) / first) // the first compiles
    }
  }
  for (const [i, promptTokens] of PROMPTS.entries()) {
    const own = rates[i] ?? []
    emit({
      ...common,
      name: 'model.prefill',
      value: median(own),
      unit: 'tok/s',
      best: Math.max(...own),
      spread: spread(own),
      promptTokens,
    })
  }
}

/** A decode step as it runs, ahead of the host, and its parts: encoding, the GPU's pass, and what one readback takes by itself. */
async function decodeStep(bench: Bench): Promise<void> {
  const { model, meter, device, emit, rounds, common } = bench
  const taken = { step: [] as number[], encode: [] as number[], gpu: [] as number[] }
  let counts = {}
  for (let round = 0; round <= rounds; round++) {
    let before = await model.counters()
    const times = await generateTimes(model, freshPrompt(DECODE_PROMPT), NEW_TOKENS, async () => {
      before = await model.counters()
      meter.start()
    })
    const parts = await meter.stop()
    if (round === 0) continue // compiles
    counts = perToken(before, await model.counters(), parts.forwards)
    taken.step.push((1000 * sum(times.slice(1))) / (times.length - 1))
    taken.encode.push(parts.encode)
    if (parts.gpu !== null) taken.gpu.push(parts.gpu)
  }
  const rates = taken.step.map((microseconds) => 1e6 / microseconds)
  const best = Math.max(...rates)
  emit({
    ...common,
    ...counts,
    name: 'model.decode',
    value: median(rates),
    unit: 'tok/s',
    best,
    spread: spread(rates),
  })
  emit({
    ...common,
    name: 'model.step',
    value: median(taken.step),
    unit: 'µs',
    least: Math.min(...taken.step),
    spread: spread(taken.step),
    encode: median(taken.encode),
    gpu: taken.gpu.length === 0 ? null : median(taken.gpu),
    readback: 1000 * (await readbackTime(device, 50)),
  })
}

/** The bundled model end to end: load, memory, prefill, decode, and what a token costs besides the GPU. */
export async function benchModel(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  const meter = new DeviceMeter(device)
  for (const weights of FORMATS.filter((format) => options.formats?.includes(format) ?? true)) {
    meter.peakBytes = meter.liveBytes
    const base = meter.liveBytes
    const started = performance.now()
    const stages: Record<string, number> = {}
    const model = await loadModel(TALES_FOLDER, {
      device,
      weights,
      variant: options.variant,
      onProgress: ({ stage }) => (stages[stage] ??= performance.now() - started),
    })
    const loaded = performance.now() - started
    const peakOfLoad = meter.peakBytes - base
    const { rounds } = options
    const common = { variant: model.info.variant.name, shape: 'tales-3m', format: weights, rounds }
    emit({ ...common, rounds: 1, name: 'model.load', value: loaded, unit: 'ms', stages })
    const bench = { model, meter, device, emit, rounds, common }
    await decodeStep(bench)
    await prefillRates(bench)
    const { gpuBytes, byLabel } = await model.memory()
    emit({
      ...common,
      name: 'model.memory',
      value: gpuBytes,
      unit: 'bytes',
      byLabel,
      peakOfLoad,
      peak: meter.peakBytes - base,
      processPeak: process.resourceUsage().maxRSS * 1024,
    })
    await model.dispose()
  }
}
