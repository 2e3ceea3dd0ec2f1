import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadFormat } from '../src/api/model.ts'
import type { GgufField } from '../src/formats/gguf/fields.ts'
import { ggmlBytes, type GgmlTypeName } from '../src/formats/gguf/ggmlTypes.ts'
import { NameMap } from '../src/formats/gguf/names.ts'
import { writeGguf } from '../src/formats/gguf/write.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel } from '../src/index.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { configOf, SHAPES, tensorShapes, type Shape } from './shapes.ts'

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

/** Layers and tokens of each shape: whole, or as much as a file of a gigabyte holds. */
const SIZES: Readonly<Record<string, { layers: number; vocab: number }>> = {
  'SmolLM2-135M': { layers: 30, vocab: 49_152 },
  'Llama-3.2-1B': { layers: 3, vocab: 32_768 },
}
const BLOCK = 256

/** Bytes of any weights: halves of ordinary size wherever a format has halves on even bytes. */
function bytesOf(count: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(count / 4))
  let state = seed + 12_345
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = (state & 0x83ff_83ff) | 0x2800_2800
  }
  return new Uint8Array(words.buffer, 0, count)
}

/** The same with ordinary powers of two as the scales of blocks of 17 bytes: any byte would be too large for most. */
function withPowers(data: Uint8Array): Uint8Array {
  for (let at = 0; at < data.length; at += 17) data[at] = 116 + ((data[at] ?? 0) & 7)
  return data
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Narrow rows are kept in Q5_0 or F16, as converters keep them. */
function typeFor(type: GgmlTypeName, shape: readonly number[]): GgmlTypeName {
  if (shape.length === 1) return 'F32'
  const cols = shape.at(-1) ?? 0
  return /_K$|_XS$/.test(type) && cols % BLOCK !== 0 ? 'Q5_0' : type
}

function ggufBytes(shape: Shape, { type }: Load): Uint8Array {
  const { layers, vocab } = SIZES[shape.name] ?? { layers: 1, vocab: 1024 }
  const names = new NameMap('llama')
  const u32 = (value: number): GgufField => ({ type: 'uint32', value })
  const fields = new Map<string, GgufField>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['llama.block_count', u32(layers)],
    ['llama.context_length', u32(2048)],
    ['llama.embedding_length', u32(shape.hidden)],
    ['llama.feed_forward_length', u32(shape.intermediate)],
    ['llama.attention.head_count', u32(shape.heads)],
    ['llama.attention.head_count_kv', u32(shape.kvHeads)],
    ['llama.attention.key_length', u32(shape.headDim)],
    ['llama.attention.value_length', u32(shape.headDim)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
  ])
  const tensors = Object.entries(tensorShapes(shape, layers, vocab)).map(([name, size], i) => {
    const own = typeFor(type, size)
    const module = name.replace(/\.weight$/, '')
    const gguf = `${names.fileName(module)?.gguf ?? module}.weight`
    const data = bytesOf(ggmlBytes(own, elements(size)), i)
    return { name: gguf, type: own, shape: size, data: own === 'MXFP4' ? withPowers(data) : data }
  })
  return writeGguf(fields, tensors)
}

/** A checkpoint of floats under its folder, whose file measures so many bytes. */
function writeFolder(folder: string, shape: Shape, { type }: Load): number {
  const { layers, vocab } = SIZES[shape.name] ?? { layers: 1, vocab: 1024 }
  const each = type === 'F32' ? 4 : 2
  let at = 0
  const entries = Object.entries(tensorShapes(shape, layers, vocab)).map(([name, size]) => {
    const begin = at
    at += elements(size) * each
    return [name, { dtype: type, shape: size, data_offsets: [begin, at] }]
  })
  const json = JSON.stringify(Object.fromEntries(entries))
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([length, text, bytesOf(at, 1)]))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape, layers, vocab, 2048)))
  return 8 + text.length + at
}

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
  /** Bytes that JavaScript held more at most than before. */
  readonly heap: number
  readonly gpuBytes: number
}

async function timeLoad(source: string, device: GPUDevice, weights: Load['weights']): Promise<Timed> {
  globalThis.gc?.()
  const before = held()
  let most = before
  const sample = setInterval(() => (most = Math.max(most, held())), 5)
  const used = process.cpuUsage()
  const started = performance.now()
  const model = await loadModel(source, { device, weights, contextLength: 256 })
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(used)
  clearInterval(sample)
  const { gpuBytes } = model.info
  await model.dispose()
  return { ms, cpu: (user + system) / 1e3, heap: Math.max(most, held()) - before, gpuBytes }
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
          const file = ggufBytes(shape, load)
          source = join(folder, 'model.gguf')
          writeFileSync(source, file)
          bytes = file.length
        } else bytes = writeFolder(folder, shape, load)
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
          heapGrowthMB: Math.max(...times.map(({ heap }) => heap)) / 2 ** 20,
          copyMBs: median(copies),
          ofCopy: Math.max(...rates) / Math.max(...copies),
        })
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
  }
}
