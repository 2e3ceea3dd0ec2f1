import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadFormat } from '../src/api/model.ts'
import type { GgmlTypeName } from '../src/formats/gguf/ggmlTypes.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel } from '../src/index.ts'
import { ggufBytes, SIZES, writeFolder } from './checkpoints.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES } from './shapes.ts'

/** A file, and what becomes of its weights. */
interface Load {
  readonly type: GgmlTypeName
  readonly file: 'gguf' | 'safetensors'
  readonly weights: LoadFormat | 'auto'
}

const GGUF_TYPES = [
  'F16',
  'BF16',
  'Q8_0',
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'IQ4_NL',
  'MXFP4',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K',
  'IQ4_XS',
] as const

const LOADS: readonly Load[] = [
  { type: 'BF16', file: 'safetensors', weights: 'auto' },
  { type: 'F16', file: 'safetensors', weights: 'auto' },
  { type: 'F32', file: 'safetensors', weights: 'auto' },
  ...GGUF_TYPES.map((type) => ({ type, file: 'gguf' as const, weights: 'auto' as const })),
  { type: 'BF16', file: 'safetensors', weights: 'q8_0' },
  { type: 'BF16', file: 'safetensors', weights: 'q4_0' },
]

/** MB/s of copying as many bytes in memory, to where nothing was yet: what no loader can beat. */
function copyRate(bytes: number): number {
  const file = new Uint8Array(bytes).fill(7)
  const started = performance.now()
  const { length } = file.slice()
  return length / (performance.now() - started) / 1e3
}

const held = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

interface Timed {
  readonly ms: number
  /** Processor time of all threads. */
  readonly cpu: number
  readonly gpuBytes: number
}

/** Bytes that JavaScript holds more at most than before. A load of its own: a collection on demand makes the next one slower. */
async function heapGrowth(source: string, device: GPUDevice, weights: Load['weights']): Promise<number> {
  globalThis.gc?.()
  const before = held()
  let most = before
  const sample = setInterval(() => (most = Math.max(most, held())), 5)
  await timeLoad(source, device, weights)
  clearInterval(sample)
  return Math.max(most, held()) - before
}

async function timeLoad(source: string, device: GPUDevice, weights: Load['weights']): Promise<Timed> {
  const used = process.cpuUsage()
  const started = performance.now()
  const model = await loadModel(source, { device, weights, contextLength: 256 })
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(used)
  const { gpuBytes } = model.info
  await model.dispose()
  return { ms, cpu: (user + system) / 1e3, gpuBytes }
}

/** Whole models from warm files: file bytes over the time of `loadModel` on an open device, the second one and later. */
export async function benchWholeLoad(
  { device }: OpenedDevice,
  emit: Emit,
  options: SuiteOptions,
): Promise<void> {
  const wanted = LOADS.filter(({ type }) => options.formats?.includes(type.toLowerCase()) ?? true)
  const shapes = SHAPES.filter(
    ({ name }) => (options.shapes ?? Object.keys(SIZES)).includes(name) && name in SIZES,
  )
  for (const shape of shapes) {
    for (const load of wanted) {
      const folder = mkdtempSync(join(tmpdir(), 'tokenscope-load-'))
      try {
        let source = folder
        let bytes = 0
        if (load.file === 'gguf') {
          const file = ggufBytes(shape, load.type)
          source = join(folder, 'model.gguf')
          writeFileSync(source, file)
          bytes = file.length
        } else bytes = writeFolder(folder, shape, load.type)
        await timeLoad(source, device, load.weights)
        const times: Timed[] = []
        const copies: number[] = []
        for (let round = 0; round < options.rounds; round++) {
          times.push(await timeLoad(source, device, load.weights))
          copies.push(copyRate(bytes))
        }
        const rates = times.map(({ ms }) => bytes / ms / 1e3)
        emit({
          name: 'load.model',
          value: median(rates),
          unit: 'MB/s',
          format: load.weights === 'auto' ? load.type.toLowerCase() : load.weights,
          source: `${load.type} ${load.file}`,
          shape: shape.name,
          spread: spread(rates),
          rounds: options.rounds,
          cpuMs: Math.min(...times.map(({ cpu }) => cpu)),
          fileBytes: bytes,
          gpuBytes: times[0]?.gpuBytes,
          heapGrowthMB: (await heapGrowth(source, device, load.weights)) / 2 ** 20,
          copyMBs: median(copies),
          ofCopy: Math.max(...rates) / Math.max(...copies),
        })
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
  }
}
