import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GgmlTypeName } from '../src/formats/gguf/ggmlTypes.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel, type Model } from '../src/index.ts'
import { ggufBytes, SIZES } from './checkpoints.ts'
import { spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES, type Shape } from './shapes.ts'

/** Types of a file, each with the one of about as many bits that is packed as the kernels like it best. */
const BESIDE: Readonly<Partial<Record<GgmlTypeName, GgmlTypeName>>> = {
  Q4_K: 'Q4_0',
  Q4_1: 'Q4_0',
  Q6_K: 'Q8_0',
  BF16: 'F16',
}
/** Tokens whose time is taken, behind the first, which is the prompt's: steps are submitted ahead, so of a few tokens some are done before the clock starts. */
const TOKENS = 24

interface Entry {
  readonly type: GgmlTypeName
  readonly model: Model
  /** Of all matrices and vectors: a token reads each once. */
  readonly bytes: number
  readonly wall: number[]
  readonly cpu: number[]
}

async function openEntry(shape: Shape, type: GgmlTypeName, device: GPUDevice): Promise<Entry> {
  const folder = mkdtempSync(join(tmpdir(), 'tokenscope-decode-'))
  try {
    const file = join(folder, 'model.gguf')
    writeFileSync(file, ggufBytes(shape, type))
    const model = await loadModel(file, { device, contextLength: 256 })
    const bytes = (await model.memory()).byLabel['weights'] ?? NaN
    return { type, model, bytes, wall: [], cpu: [] }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Milliseconds of a token, of the clock and of all threads' processors. */
async function decode({ model, wall, cpu }: Entry, first: number): Promise<void> {
  let started = 0
  let used = process.cpuUsage()
  let tokens = 0
  const ids = [first, 2, 3, 4]
  for await (const { index } of model.generate(ids, { temperature: 0, maxTokens: TOKENS + 1, stop: [] })) {
    tokens = index
    if (index > 0) continue
    started = performance.now()
    used = process.cpuUsage()
  }
  const { user, system } = process.cpuUsage(used)
  wall.push((performance.now() - started) / tokens)
  cpu.push((user + system) / 1e3 / tokens)
}

/** Decode steps of whole models by the type of their file, in turn; least times, by byte of weights that a token reads. */
export async function benchFormatDecode(
  { device }: OpenedDevice,
  emit: Emit,
  options: SuiteOptions,
): Promise<void> {
  const shapes = SHAPES.filter(
    ({ name }) => (options.shapes ?? Object.keys(SIZES)).includes(name) && name in SIZES,
  )
  const pairs = Object.entries(BESIDE) as [GgmlTypeName, GgmlTypeName][]
  const wanted = pairs.filter(([type]) => options.formats?.includes(type.toLowerCase()) ?? true)
  for (const shape of shapes) {
    const entries = new Map<GgmlTypeName, Entry>()
    for (const type of new Set(wanted.flat())) entries.set(type, await openEntry(shape, type, device))
    for (let round = 0; round <= options.rounds; round++) {
      for (const entry of entries.values()) await decode(entry, 10 + round)
    }
    for (const [type, besideType] of wanted) {
      const [own, beside] = [entries.get(type), entries.get(besideType)]
      if (own && beside) emitRatio(emit, { own, beside, shape: shape.name, rounds: options.rounds })
    }
    for (const { model } of entries.values()) await model.dispose()
  }
}

function emitRatio(
  emit: Emit,
  { own, beside, shape, rounds }: { own: Entry; beside: Entry; shape: string; rounds: number },
): void {
  // The first round compiles.
  const least = (times: readonly number[]): number => Math.min(...times.slice(1))
  const perByte = (which: 'wall' | 'cpu') =>
    least(own[which]) / own.bytes / (least(beside[which]) / beside.bytes)
  emit({
    name: 'format.decode',
    value: least(own.wall),
    unit: 'ms',
    format: own.type.toLowerCase(),
    shape,
    rounds,
    spread: spread(own.wall.slice(1)),
    weightBytes: own.bytes,
    beside: beside.type.toLowerCase(),
    msOfBeside: least(beside.wall),
    weightBytesOfBeside: beside.bytes,
    timeOfBeside: perByte('wall'),
    cpuOfBeside: perByte('cpu'),
  })
}
