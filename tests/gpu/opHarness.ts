/**
 * Runs steps of a program on tensors a test hands in: real kernels, bindings, parameters and grids, no model. Every buffer
 * a kernel may write is filled with a NaN pattern and ends in guard words; a changed guard fails the run.
 */
import { invariant } from '../../src/errors.ts'
import { BufferLedger, type LedgerBuffer } from '../../src/gpu/ledger.ts'
import { PipelineCache } from '../../src/gpu/pipelines.ts'
import { parseVariant } from '../../src/gpu/variants.ts'
import { KV_F32, type KvFormat } from '../../src/ops/kvFormats.ts'
import { tensorBytes } from '../../src/program/arena.ts'
import { packBatch, type BatchRow } from '../../src/run/batch.ts'
import { bindProgram, encodeSteps, type BindResources } from '../../src/run/bind.ts'
import type { AdapterStack, MatrixView } from '../../src/ops/operands.ts'
import type { Attrs, FoldedNorm, OpName } from '../../src/program/attrs.ts'
import { shapeOf, type Axis, type ParamRef, type Step, type StepOf } from '../../src/program/step.ts'
import { WeightStore } from '../../src/weights/store.ts'
import { writeMatrix, type ConvertContext } from '../../src/weights/convert.ts'
import { FORMATS } from '../../src/weights/formats/index.ts'
import { packMatrix, unpackMatrix } from '../weights/pack.ts'
import type { LoadFormat, Variant } from '../../src/api/model.ts'
import { testDevice } from './device.ts'

/** A quiet NaN with a payload of its own: what no kernel wrote. */
export const CANARY = 0x7fc1_2345
const GUARD_WORDS = 64

/** A device with one variant of the kernels; pipelines are shared by all runs. */
export interface Harness {
  variant: Variant
  pipelines: PipelineCache
}

const harnesses = new Map<string, Promise<Harness>>()

/** The harness of a variant: without features on a device at WebGPU's default limits. Null when the adapter lacks a feature. */
export async function openHarness(name: string): Promise<Harness | null> {
  const { device } = await testDevice(
    /f16|subgroups/.test(name) ? { limits: 'adapter', features: 'all' } : { limits: 'default' },
  )
  const available = { f16: device.features.has('shader-f16'), subgroups: device.features.has('subgroups') }
  if ((name.includes('f16') && !available.f16) || (name.includes('subgroups') && !available.subgroups))
    return null
  const variant = parseVariant(name, available)
  const cached = harnesses.get(name)
  const created = cached ?? Promise.resolve({ variant, pipelines: new PipelineCache(device, variant) })
  harnesses.set(name, created)
  return created
}

/** A matrix of a run, quantised as the loader does it; `parts` stack along the rows. */
export interface HarnessMatrix {
  format: LoadFormat
  cols: number
  parts: readonly { name: string; data: Float32Array; bias?: Float32Array | undefined }[]
  /** Largest buffer, to force shards. */
  maxBytes?: number | undefined
  /** Experts whose matrices the parts hold, one after the other. */
  experts?: number
}

export interface OpRun {
  /** Rows the program is recorded for; the batch may hold fewer. */
  rows: number
  logitRows?: number
  positions?: number
  batch: readonly BatchRow[]
  steps: readonly Step[]
  /** Tensors no step makes. */
  inputs?: Readonly<Record<string, Float32Array | Uint32Array>>
  matrices?: Readonly<Record<string, HarnessMatrix>>
  vectors?: Readonly<Record<string, readonly Float32Array[]>>
  /** As they lie on the GPU. */
  pages?: { k: Float32Array; v: Float32Array }
  kv?: KvFormat | undefined
  ropeTable?: Float32Array
  sampledTokens?: Uint32Array
  /** Matrices that lie on the GPU already. */
  views?: Readonly<Record<string, MatrixView>>
  /** Outputs that kernels add to: zero at the start. */
  zeroed?: readonly string[]
  /** Adapters that rows have scales for, and what they add to stacks of products. */
  adapters?: number
  adapterStacks?: Readonly<Record<string, AdapterStack>>
  /** How steps are dispatched that are not all of the forward pass. */
  dispatchesOf?: BindResources['dispatchesOf']
}

export interface OpResult {
  /** Output of every step, padding and untouched rows included. */
  tensors: ReadonlyMap<string, Float32Array>
  k: Float32Array
  v: Float32Array
  dispatches: number
}

class RunBuffers {
  readonly ledger: BufferLedger
  private readonly device: GPUDevice
  private readonly guarded: { name: string; buffer: LedgerBuffer; words: number }[] = []

  constructor(device: GPUDevice) {
    this.device = device
    this.ledger = new BufferLedger(device)
  }

  upload(name: string, data: Float32Array | Uint32Array): GPUBuffer {
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const buffer = this.ledger.create(name, data.byteLength, STORAGE | COPY_DST)
    this.device.queue.writeBuffer(buffer.gpu, 0, data as Float32Array<ArrayBuffer>)
    return buffer.gpu
  }

  /** A buffer kernels may write: canaries, then guards. `initial` stands at its start. */
  writable(name: string, words: number, initial?: Float32Array): GPUBuffer {
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
    const fill = new Uint32Array(words + GUARD_WORDS).fill(CANARY)
    if (initial) fill.set(new Uint32Array(initial.buffer, initial.byteOffset, initial.length))
    const buffer = this.ledger.create(name, fill.byteLength, STORAGE | COPY_DST | COPY_SRC)
    this.device.queue.writeBuffer(buffer.gpu, 0, fill)
    this.guarded.push({ name, buffer, words })
    return buffer.gpu
  }

  /** Everything writable after the run; throws where a guard changed. */
  async readAll(encoder: GPUCommandEncoder): Promise<Map<string, Float32Array>> {
    const total = this.guarded.reduce((sum, { buffer }) => sum + buffer.bytes, 0)
    const { MAP_READ, COPY_DST } = GPUBufferUsage
    const staging = this.ledger.create('staging', total, MAP_READ | COPY_DST)
    let at = 0
    for (const { buffer } of this.guarded) {
      encoder.copyBufferToBuffer(buffer.gpu, 0, staging.gpu, at, buffer.bytes)
      at += buffer.bytes
    }
    this.device.queue.submit([encoder.finish()])
    await staging.gpu.mapAsync(GPUMapMode.READ)
    const mapped = staging.gpu.getMappedRange().slice(0)
    at = 0
    const result = new Map<string, Float32Array>()
    for (const { name, buffer, words } of this.guarded) {
      const guard = new Uint32Array(mapped, at + words * 4, GUARD_WORDS)
      if (guard.some((word) => word !== CANARY)) throw new Error(`${name} was written past its end`)
      result.set(name, new Float32Array(mapped, at, words))
      at += buffer.bytes
    }
    return result
  }
}

async function loadMatrices(context: ConvertContext, matrices: OpRun['matrices'] = {}) {
  const stores = new Map<string, WeightStore>()
  for (const [name, { format, cols, parts, maxBytes, experts }] of Object.entries(matrices)) {
    const own = new WeightStore(context.pipelines.device, context.ledger, maxBytes)
    own.addMatrix({
      name,
      cols,
      format: FORMATS[format],
      ...(experts === undefined ? {} : { experts }),
      parts: parts.map((part) => ({
        name: part.name,
        rows: part.data.length / cols,
        bias: part.bias !== undefined,
      })),
    })
    stores.set(name, own)
    for (const { name: part, data, bias } of parts) {
      await writeMatrix(own.view(part), data, context)
      if (bias) own.writeBias(part, bias)
      stores.set(part, own)
    }
  }
  return stores
}

function notHere(what: string): never {
  throw new Error(`this run has no ${what}`)
}

/** Runs the steps and reads back all they may have written. */
export async function runSteps({ pipelines }: Harness, run: OpRun): Promise<OpResult> {
  const { device } = pipelines
  const buffers = new RunBuffers(device)
  const { ledger } = buffers
  const stores = await loadMatrices({ pipelines, ledger }, run.matrices)
  const vectors = new WeightStore(device, ledger)
  for (const [name, parts] of Object.entries(run.vectors ?? {})) vectors.writeVector(name, parts)
  const tensors = new Map<string, GPUBuffer>()
  for (const [name, data] of Object.entries(run.inputs ?? {})) tensors.set(name, buffers.upload(name, data))
  for (const step of run.steps) {
    const words = tensorBytes(shapeOf(step)) / 4
    const zeros = run.zeroed?.includes(step.name) ? new Float32Array(words) : undefined
    tensors.set(step.name, buffers.writable(step.name, words, zeros))
  }
  const pool = run.pages ?? { k: new Float32Array(4), v: new Float32Array(4) }
  const k = buffers.writable('pages.k', pool.k.length, pool.k)
  const v = buffers.writable('pages.v', pool.v.length, pool.v)
  const program = {
    rows: run.rows,
    logitRows: run.logitRows ?? 0,
    positions: run.positions ?? 1,
    steps: run.steps,
  }
  const table = buffers.upload('rope', run.ropeTable ?? new Float32Array(4))
  const resources: BindResources = {
    batch: buffers.upload('batch', packBatch(run.batch, pipelines.variant.workgroup, run.adapters ?? 0)),
    ropeTable: () => table,
    sampledTokens: buffers.upload('sampled-tokens', run.sampledTokens ?? new Uint32Array(16)),
    tensor(name: string): GPUBuffer {
      const buffer = tensors.get(name)
      invariant(buffer, `the run has a tensor ${name}`)
      return buffer
    },
    scratch: (bytes: number) => buffers.writable('parts', bytes / 4),
    ...(run.dispatchesOf ? { dispatchesOf: run.dispatchesOf } : {}),
    matrix(name: string) {
      const view = run.views?.[name]
      if (view) return view
      const store = stores.get(name)
      invariant(store, `the run has a matrix ${name}`)
      return store.view(name)
    },
    vector: (name: string) => vectors.vector(name).gpu,
    pages: () => ({ k, v, format: run.kv ?? KV_F32 }),
    adapterStack: (name: string) => run.adapterStacks?.[name] ?? notHere(`adapters on ${name}`),
    embedLora: () => notHere('adapters on the embedding'),
    edits: (step: string) => notHere(`edits at ${step}`),
    replacedBy: (step: string) => notHere(`replacements of ${step}`),
  }
  try {
    const bound = await bindProgram(program, resources, pipelines, ledger)
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encodeSteps(pass, bound.steps)
    pass.end()
    const all = await buffers.readAll(encoder)
    const none = new Float32Array()
    return {
      tensors: new Map(run.steps.map(({ name }) => [name, all.get(name) ?? none])),
      k: all.get('pages.k') ?? none,
      v: all.get('pages.v') ?? none,
      dispatches: bound.dispatchCount,
    }
  } finally {
    ledger.destroyAll()
  }
}

/** `[rows, width]` */
export const features = (rows: number, width: number): Axis[] => [
  { kind: 'rows', size: rows },
  { kind: 'features', size: width },
]

/** `[heads, rows, positions]` */
export const attended = (heads: number, rows: number, positions: number): Axis[] => [
  { kind: 'heads', size: heads },
  { kind: 'rows', size: rows },
  { kind: 'positions', size: positions },
]

/** `[keys and values, rows, width]` */
export const kept = (rows: number, width: number): Axis[] => [
  { kind: 'kv', size: 2 },
  ...features(rows, width),
]

/** A parameter by the name a run has its buffer under. */
export const param = (name: string, role: ParamRef['role'] = 'vector'): ParamRef => ({
  name,
  role,
  tensor: name,
  layout: 'out_in',
  rows: null,
  shape: [],
})

/** A norm over whole rows, as kernels fold it in. */
export function rowNorm(kind: FoldedNorm['kind'], width: number, eps: number): FoldedNorm {
  return kind === 'rms_norm' ? { kind, width, eps, offset: 0 } : { kind, width, eps, biased: true }
}

interface StepParts<O extends OpName> {
  inputs: readonly string[]
  attrs: Attrs[O]
  axes: readonly Axis[]
  params?: readonly ParamRef[]
  rows?: Step['rows']
}

/** A step of layer 0. */
export function opStep<O extends OpName>(
  name: string,
  op: O,
  { inputs, attrs, axes, params = [], rows = 'all' }: StepParts<O>,
): Step {
  const step: StepOf<O> = {
    name,
    op,
    layer: 0,
    inputs,
    params,
    attrs,
    axes,
    stream: null,
    saves: [],
    rows,
    flops: 0,
    covers: [],
  }
  // A generic step of op O is one of the union; TypeScript does not follow that through the mapped type.
  return step as unknown as Step
}

/** What the GPU computes with: the weights after storage in `format`. */
export function stored(format: LoadFormat, cols: number, data: Float32Array): Float32Array {
  const rows = data.length / cols
  return unpackMatrix(format, rows, cols, packMatrix(format, rows, cols, data))
}

/** Rows of one sequence from position 0, in page 0 upwards. */
export function plainRows(count: number): BatchRow[] {
  const pages = Array.from({ length: Math.ceil(count / 32) }, (_, i) => i)
  return Array.from({ length: count }, (_, position) => ({ token: 0, position, pages, slot: 0 }))
}

/**
 * What ops may be off by, against f64 over the weights as stored: f32 sums alone give about 1e-13. 1e-7 leaves room for
 * `exp`, `tanh` and `inverseSqrt` of other devices, which WGSL lets be off by many ulp.
 */
export const F32 = 1e-7
/** Values here are of order 1: a row of smaller ones (an activation far below zero) counts as one of this RMS. */
const RMS_FLOOR = 0.01

/**
 * Largest NMSE of a row of [rows, width], so that one row with outliers hides no other; fails unless the rows after them
 * still hold the canary.
 */
export function worstRow(
  got: Float32Array,
  expected: ArrayLike<number>,
  rows: number,
  width: number,
): number {
  if (!untouched(got.subarray(rows * width))) throw new Error('rows past the count were written')
  let worst = 0
  for (let r = 0; r < rows; r++) {
    let difference = 0
    let energy = 0
    for (let i = r * width; i < (r + 1) * width; i++) {
      difference += ((got[i] ?? NaN) - (expected[i] ?? NaN)) ** 2
      energy += (expected[i] ?? NaN) ** 2
    }
    const error = difference / Math.max(energy, width * RMS_FLOOR ** 2)
    worst = error <= worst ? worst : error
  }
  return worst
}

/** True when every word still holds the canary. */
export function untouched(data: Float32Array): boolean {
  return new Uint32Array(data.buffer, data.byteOffset, data.length).every((word) => word === CANARY)
}
