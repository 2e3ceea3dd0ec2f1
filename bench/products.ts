import type { OpenedDevice } from '../src/gpu/device.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import type { Variant, LoadFormat } from '../src/api/model.ts'
import { invariant } from '../src/errors.ts'
import { Ceilings } from './ceilings.ts'
import { interleave, pipelineOf, ratio, spread, type Emit, type Timing, type Work } from './harness.ts'
import matmulNaive from './shaders/matmul_naive.wgsl?raw'
import { SHAPES, shapeNamed } from './shapes.ts'
import { encodeSteps, Synthetic } from './synthetic.ts'

const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']

export interface SuiteOptions {
  readonly rounds: number
  /** Bytes that must pass before a buffer is read again: more than the caches hold. */
  readonly rotateBytes: number
  readonly variant: string | undefined
  /** Vendor the adapter must have. */
  readonly vendor: string | undefined
  /** Names of bench/shapes.ts and formats to keep to; absent: all of a suite's. */
  readonly shapes: readonly string[] | undefined
  readonly formats: readonly string[] | undefined
}

function variantFor({ kind, features }: OpenedDevice, { variant }: SuiteOptions): Variant {
  return chooseVariant(kind, features, variant)
}

/** A step in every layer, or the head, in one pass: the layers' matrices are what rotates. */
async function stepWork(
  name: string,
  { model, step, repeats }: Pick<Target, 'model' | 'step' | 'repeats'>,
  rows: number,
): Promise<Work> {
  const bound = await model.bind(rows, 0, false, { logitRows: step === 'logits' ? rows : 1 })
  const steps = bound.filter((each) => each.step.name.split('.').at(-1) === step)
  const repeated = Array.from({ length: repeats }, () => steps).flat()
  return { name, encode: (encoder) => encodeSteps(encoder, repeated) }
}

/** On a GPU so many times in one submit, so that what a submit costs is lost in it. */
const GPU_REPEATS = 16
/** Least bytes of a dispatch that is measured for bandwidth on a GPU. */
const GPU_BYTES = 64 * 1024 * 1024

/** The product that bandwidth is measured on: `times` matrices of `bytes` bytes, read one after the other. */
interface Target {
  step: string
  bytes: number
  times: number
  /** Times that all of it is gone through in one submit. */
  repeats: number
  outputs: number
  inputs: number
  model: Synthetic
}

/**
 * On a CPU adapter the down projections of as many layers of a 1B model as exceed the caches. On a GPU one head so large that every
 * format reads more than 64 MB a dispatch, because a launch costs what a layer's matrix does.
 */
function bandwidthTarget(opened: OpenedDevice, format: LoadFormat, options: SuiteOptions): Target {
  const { device, kind } = opened
  const shape = shapeNamed('Llama-3.2-1B')
  const variant = variantFor(opened, options)
  if (kind === 'gpu') {
    const vocab = 1 << 18
    const model = new Synthetic(device, { shape, layers: 1, format, variant, vocab })
    const bytes = model.matrixBytes('embed')
    invariant(bytes >= GPU_BYTES, 'a dispatch reads 64 MB or more')
    const repeats = GPU_REPEATS
    return { step: 'logits', bytes, times: 1, repeats, outputs: vocab, inputs: shape.hidden, model }
  }
  const probe = new Synthetic(device, { shape, layers: 1, format, variant })
  const bytes = probe.matrixBytes('layers.0.mlp.down')
  probe.dispose()
  const times = Math.ceil(options.rotateBytes / bytes)
  const model = new Synthetic(device, { shape, layers: times, format, variant })
  return { step: 'resid', bytes, times, repeats: 1, outputs: shape.hidden, inputs: shape.intermediate, model }
}

/** Matvec bandwidth per weight format beside three read kernels, the copy and f32, at the shape of a 1B model. */
export async function benchMatvec(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device, kind } = opened
  const ceilings = new Ceilings(device, options.rotateBytes)
  const reads = await ceilings.works(
    kind === 'cpu' ? 32 : 256,
    kind === 'cpu' ? 64 : 4096,
    kind === 'cpu' ? 1 : 4,
  )
  const f32 = bandwidthTarget(opened, 'f32', options)
  const f32Work = await stepWork('f32', f32, 1)
  for (const format of FORMATS) {
    const target = format === 'f32' ? f32 : bandwidthTarget(opened, format, options)
    const { bytes, outputs, inputs, model, repeats } = target
    const matrices = target.times * repeats
    const works = [await stepWork('1 row', target, 1), await stepWork('8 rows', target, 8)]
    const times = await interleave(device, [...works, f32Work, ...reads], options.rounds)
    const [rows1, rows8, beside, ...ceiling] = times as [Timing, Timing, Timing, ...Timing[]]
    const copy = ceiling.at(-1) as Timing
    const read = ceiling.slice(0, 3).reduce((best, each) => (each.median < best.median ? each : best))
    const total = bytes * matrices
    emit({
      name: 'matvec.bandwidth',
      value: total / rows1.median / 1e6,
      unit: 'GB/s',
      variant: variantFor(opened, options).name,
      shape: `Llama-3.2-1B ${outputs}×${inputs}`,
      format,
      spread: spread(rows1.rounds.map((ms) => total / ms / 1e6)),
      rounds: options.rounds,
      ofFastestRead: ratio(read, rows1) * (total / ceilings.bytes),
      fastestRead: read.name,
      readGBs: ceilings.bytes / read.median / 1e6,
      copyGBs: (2 * ceilings.bytes) / copy.median / 1e6,
      ofCopy: ratio(copy, rows1) * (total / (2 * ceilings.bytes)),
      gflops: (2 * outputs * inputs * matrices) / rows1.median / 1e6,
      msPerMatrix: rows1.median / matrices,
      timeOfF32: ratio(rows1, beside) * ((f32.times * f32.repeats) / matrices),
      eightRowsCost: ratio(rows8, rows1),
      bytesPerDispatch: bytes,
      rotatedBytes: ceilings.bytes / ceilings.repeats,
    })
    if (format !== 'f32') model.dispose()
  }
  f32.model.dispose()
  ceilings.dispose()
}

/** Shape of the product beside the naive matmul; larger ones would wait minutes for it on a CPU adapter. */
const NAIVE_SHAPE = 'SmolLM2-135M'

/** Prefill-sized products; at the smallest shape beside the naive tiled matmul, in the same rounds. */
export async function benchPrefill(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  const variant = variantFor(opened, options)
  const rows = 128
  for (const shape of SHAPES) {
    const { name, hidden, intermediate } = shape
    const model = new Synthetic(device, { shape, layers: 1, format: 'f32', variant })
    const naive = name === NAIVE_SHAPE ? await naiveWork(device, rows, intermediate, hidden) : null
    const works = [
      await stepWork('ours', { model, step: 'resid', repeats: 1 }, rows),
      ...(naive ? [naive.work] : []),
    ]
    const [ours, other] = (await interleave(device, works, options.rounds)) as [Timing, Timing | undefined]
    const rate = (ms: number): number => (2 * rows * intermediate * hidden) / ms / 1e6
    emit({
      name: 'matmul.rate',
      value: rate(ours.median),
      unit: 'GFLOP/s',
      variant: variant.name,
      shape: `${name} mlp.down × ${rows} rows`,
      format: 'f32',
      spread: spread(ours.rounds.map(rate)),
      rounds: options.rounds,
      ...(other ? { timesNaive: ratio(other, ours), naiveGflops: rate(other.median) } : {}),
    })
    model.dispose()
    naive?.dispose()
  }
}

async function naiveWork(device: GPUDevice, rows: number, k: number, n: number) {
  const pipeline = await pipelineOf(device, 'matmul_naive', matmulNaive)
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const sizes = [rows * k * 4, n * k * 4, rows * n * 4]
  const buffers = sizes.map((size) => device.createBuffer({ size, usage }))
  const params = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(params, 0, new Uint32Array([rows, k, n, 0]))
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [params, ...buffers].map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const work: Work = {
    name: 'naive',
    encode(encoder) {
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(n / 8, rows / 8)
      pass.end()
    },
  }
  return { work, dispose: () => [params, ...buffers].forEach((buffer) => buffer.destroy()) }
}
