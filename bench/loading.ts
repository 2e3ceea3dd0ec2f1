import { BufferLedger } from '../src/gpu/ledger.ts'
import { invariant } from '../src/errors.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { PipelineCache } from '../src/gpu/pipelines.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import { FORMAT_NAMES, ALL_FORMATS } from '../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../src/weights/formats/index.ts'
import { fileBytes, planeLayout } from '../src/weights/formats/layout.ts'
import { SOURCE_BYTES, WeightRelay, type Planes, type SourceType } from '../src/weights/relay.ts'
import { WeightStage } from '../src/weights/stage.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'

/** Weights of a matrix: those of a feed-forward layer of a 1B model. */
const [ROWS, COLS] = [8192, 2048]
/** Bytes that a file hands over at a time. */
const CHUNK = 1 << 20
/** Least bytes of a load that is timed. */
const LOAD_BYTES = 64 * 1024 * 1024

interface Load {
  format: FormatName
  source: 'blocks' | SourceType
}

const LOADS: readonly Load[] = [
  ...FORMAT_NAMES.map((format) => ({ format, source: 'blocks' as const })),
  ...(['F32', 'F16', 'BF16'] as const).flatMap((source) =>
    (['q8_0', 'q4_0'] as const).map((format) => ({ format, source })),
  ),
  { format: 'f16', source: 'F32' },
  { format: 'f32', source: 'BF16' },
]

/** Bytes with no zeros and no period that a page of memory has. */
function fileOf(bytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  let state = 12345
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[i] = (state & 0x83ff_83ff) | 0x2800_2800
  }
  return new Uint8Array(words.buffer, 0, bytes)
}

/** MB/s of copying the file in memory, chunk by chunk into fresh memory: what no loader can beat. */
function copyRate(file: Uint8Array<ArrayBuffer>): number {
  const started = performance.now()
  let sum = 0
  for (let at = 0; at < file.length; at += CHUNK) sum += file.slice(at, at + CHUNK).length
  invariant(sum === file.length, 'all of the file is copied')
  return file.length / (performance.now() - started) / 1e3
}

/** MB/s of a file's bytes until they lie in planes, `times` matrices one after the other. */
async function loadRate(
  stage: WeightStage,
  { source }: Load,
  planes: readonly Planes[],
  file: Uint8Array<ArrayBuffer>,
): Promise<number> {
  const started = performance.now()
  for (const target of planes) {
    stage.begin({ bytes: file.length, source, parts: [{ target, row: 0, rows: ROWS, from: 0 }] })
    for (let at = 0; at < file.length; at += CHUNK) await stage.add(file.subarray(at, at + CHUNK))
    await stage.end()
  }
  await stage.finish()
  return (file.length * planes.length) / (performance.now() - started) / 1e3
}

/** Into the device, by format: file bytes in memory over the time until the planes are made, beside an in-memory copy. */
export async function benchLoading(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device, kind, features } = opened
  const pipelines = new PipelineCache(device, chooseVariant(kind, features, options.variant))
  const stage = new WeightStage(device, new BufferLedger(device), new WeightRelay(pipelines))
  const wanted = LOADS.filter(({ format }) => options.formats?.includes(format) ?? true)
  for (const load of wanted) {
    const format = ALL_FORMATS[load.format]
    const bytes =
      load.source === 'blocks' ? fileBytes(format, ROWS, COLS) : ROWS * COLS * SOURCE_BYTES[load.source]
    const file = fileOf(bytes)
    const layout = planeLayout(format, ROWS, COLS)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
    const planes = Array.from({ length: Math.ceil(LOAD_BYTES / bytes) }, () => ({
      buffer: device.createBuffer({ size: layout.bytes, usage }),
      layout,
    }))
    await loadRate(stage, load, planes, file) // compiles, and touches every page
    const rates: number[] = []
    const copies: number[] = []
    for (let round = 0; round < options.rounds; round++) {
      rates.push(await loadRate(stage, load, planes, file))
      copies.push(copyRate(file))
    }
    emit({
      name: 'load.rate',
      value: median(rates),
      unit: 'MB/s',
      format: load.format,
      source: load.source,
      shape: `${planes.length} × ${ROWS}×${COLS}`,
      spread: spread(rates),
      rounds: options.rounds,
      copyMBs: median(copies),
      ofCopy: Math.max(...rates) / Math.max(...copies),
      bytesPerWeight: layout.bytes / (ROWS * COLS),
      stagedBytes: stage.bytes,
    })
    for (const { buffer } of planes) buffer.destroy()
  }
  stage.dispose()
}
