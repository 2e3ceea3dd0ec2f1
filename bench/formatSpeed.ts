import type { OpenedDevice } from '../src/gpu/device.ts'
import { PipelineCache } from '../src/gpu/pipelines.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import { packBatch, type BatchRow } from '../src/run/batch.ts'
import { ALL_FORMATS, FORMAT_NAMES } from '../src/weights/formats/fileFormats.ts'
import type { FormatName } from '../src/weights/formats/index.ts'
import { planeLayout } from '../src/weights/formats/layout.ts'
import { bindProduct } from './formatProducts.ts'
import { cpuRatio, interleave, ratio, spread, type Emit, type Timing, type Work } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES } from './shapes.ts'

/** The format of about as many bits that is packed as the kernels like it best. */
const BESIDE: Readonly<Partial<Record<FormatName, FormatName>>> = {
  bf16: 'f16',
  q6_k: 'q8_0',
  f8_e4m3: 'q8_0',
  f8_e5m2: 'q8_0',
}
const PLAIN: readonly FormatName[] = ['f32', 'f16', 'q8_0', 'q4_0']
const NAMES = ['SmolLM2-135M', 'Llama-3.2-1B']
const GROUP = 128

const ONE_ROW: readonly BatchRow[] = [{ token: 0, position: 0, pages: [], slot: 0 }]

/** As many down projections of a shape as exceed the caches, one after the other. */
async function productOf(
  pipelines: PipelineCache,
  name: FormatName,
  [n, cols]: readonly [number, number],
  rotateBytes: number,
) {
  const { device, variant } = pipelines
  const layout = planeLayout(ALL_FORMATS[name], n, cols, GROUP)
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const count = Math.ceil(rotateBytes / layout.bytes)
  const buffer = (size: number): GPUBuffer => device.createBuffer({ size, usage })
  const words = packBatch(ONE_ROW, variant.workgroup)
  const io = { batch: buffer(words.byteLength), x: buffer(cols * 4), y: buffer(n * 4) }
  device.queue.writeBuffer(io.batch, 0, words)
  const matrices = Array.from({ length: count }, () => ({ buffer: buffer(layout.bytes), layout }))
  const bound = await Promise.all(
    matrices.map((w) => bindProduct(pipelines, { w, first: 0, n, rows: 1, kind: 'matvec' }, io)),
  )
  const work: Work = {
    name,
    encode(encoder) {
      const pass = encoder.beginComputePass()
      for (const product of bound) product.encode(pass)
      pass.end()
    },
  }
  return {
    work,
    bytes: count * layout.bytes,
    dispose(): void {
      for (const each of bound) each.dispose()
      for (const each of [...Object.values(io), ...matrices.map((w) => w.buffer)]) each.destroy()
    },
  }
}

/** One row through every format, and its time for a byte beside that of the plain format of about as many bits. */
export async function benchFormatSpeed(
  opened: OpenedDevice,
  emit: Emit,
  options: SuiteOptions,
): Promise<void> {
  const { device, kind, features } = opened
  const pipelines = new PipelineCache(device, chooseVariant(kind, features, options.variant))
  const shapes = SHAPES.filter(({ name }) => (options.shapes ?? NAMES).includes(name))
  const formats = FORMAT_NAMES.filter(
    (name) => !PLAIN.includes(name) && (options.formats?.includes(name) ?? true),
  )
  for (const { name: shape, hidden, intermediate } of shapes) {
    for (const format of formats) {
      // Rows of half a block do not occur; a narrow model takes the next width that has whole ones.
      const { block } = ALL_FORMATS[format]
      const sizes = [hidden, Math.ceil(intermediate / block) * block] as const
      const beside = BESIDE[format] ?? 'q4_0'
      const own = await productOf(pipelines, format, sizes, options.rotateBytes)
      const plain = await productOf(pipelines, beside, sizes, options.rotateBytes)
      const times = await interleave(device, [own.work, plain.work], options.rounds)
      const [time, other] = times as [Timing, Timing]
      emit({
        name: 'format.speed',
        value: own.bytes / time.median / 1e6,
        unit: 'GB/s',
        variant: pipelines.variant.name,
        format,
        shape: `${shape} ${sizes.join('×')}`,
        spread: spread(time.rounds.map((ms) => own.bytes / ms / 1e6)),
        rounds: options.rounds,
        beside,
        timeOfBeside: ratio(time, other) * (plain.bytes / own.bytes),
        cpuOfBeside: cpuRatio(time, other) * (plain.bytes / own.bytes),
      })
      own.dispose()
      plain.dispose()
    }
  }
}
