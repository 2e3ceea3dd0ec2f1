import { invariant } from '../src/errors.ts'
import type { ParsedAdapter } from '../src/adapters/types.ts'
import { BufferLedger } from '../src/gpu/ledger.ts'
import { PipelineCache } from '../src/gpu/pipelines.ts'
import { AdapterBank } from '../src/adapters/adapterBuffers.ts'
import { planArena } from '../src/program/arena.ts'
import { batchWords, EDIT_SLOT, packBatch, type BatchRow } from '../src/run/batch.ts'
import { bindProgram, type BoundStep } from '../src/run/bind.ts'
import { PAGE } from '../src/run/cache.ts'
import { recordDecoder } from '../src/arch/decoder.ts'
import { lower } from '../src/program/fuse.ts'
import { NO_CHANGES, type StepChanges } from '../src/program/program.ts'
import { WeightReader } from '../src/weights/reader.ts'
import { planMatrices, WeightStore } from '../src/weights/store.ts'
import type { Variant, WeightFormat } from '../src/api/model.ts'
import { fillBuffer } from './harness.ts'
import { decoderSpec, type Shape } from './shapes.ts'

export interface SyntheticOptions {
  shape: Shape
  layers: number
  format: WeightFormat
  variant: Variant
  /** Rows of the head; a whole vocabulary would only repeat what one part of it shows. */
  vocab?: number
  context?: number
}

/** Scales of a row under the adapter of slot 0. */
const ADAPTED = Float32Array.from({ length: EDIT_SLOT + 1 }, (_, slot) => (slot === 0 ? 1 : 0))
const STORAGE = 0x80 | 0x8 | 0x4 // STORAGE | COPY_DST | COPY_SRC, before a device has brought the names

export interface BindOptions {
  logitRows?: number
  /** An adapter at scale 1 on every row. */
  bank?: AdapterBank | null
}

/** Layers of a published shape with random weights on the GPU, and programs bound to them. */
export class Synthetic {
  readonly ledger: BufferLedger
  readonly spec
  readonly layers: number
  private readonly store: WeightStore
  private readonly matrices = new Set<string>()
  private readonly pipelines: PipelineCache
  private readonly context: number
  private readonly device: GPUDevice

  constructor(device: GPUDevice, options: SyntheticOptions) {
    const { shape, layers, format, variant, vocab = 4096, context = 256 } = options
    this.device = device
    this.layers = layers
    this.context = context
    this.spec = decoderSpec(shape, layers, vocab, context)
    this.ledger = new BufferLedger(device)
    this.pipelines = new PipelineCache(device, variant)
    this.store = new WeightStore(device, this.ledger)
    const { plans } = planMatrices(this.spec, format)
    plans.forEach((plan, seed) => {
      for (const { name } of [plan, ...plan.parts]) this.matrices.add(name)
      for (const { buffer } of this.store.addMatrix(plan).shards) fillBuffer(device, buffer.gpu, seed)
    })
    const norms = [
      'final_norm',
      ...this.spec.weights.layers.flatMap((_, n) => [`layers.${n}.attn_norm`, `layers.${n}.mlp_norm`]),
    ]
    for (const name of norms) this.store.writeVector(name, [new Float32Array(shape.hidden).fill(1)])
  }

  /** Bytes of a step's matrix, or of its part of one, in the chosen format. */
  matrixBytes(name: string): number {
    const { matrix, begin, end } = this.store.view(name)
    const bytes = matrix.shards.reduce((sum, { buffer }) => sum + buffer.bytes, 0)
    return (bytes * (end - begin)) / matrix.rows
  }

  hasMatrix(name: string): boolean {
    return this.matrices.has(name)
  }

  /** An adapter laid out on the GPU as the engine does it. */
  adapterBank(parsed: ParsedAdapter): Promise<AdapterBank> {
    const { device, ledger, spec, store } = this
    const read = async (source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> => {
      const staging = ledger.create('staging', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(source, offset, staging.gpu, 0, bytes)
      device.queue.submit([encoder.finish()])
      await staging.gpu.mapAsync(GPUMapMode.READ)
      const values = staging.gpu.getMappedRange().slice(0, bytes)
      ledger.destroy(staging)
      return values
    }
    const reader = new WeightReader({ read, weights: store })
    return AdapterBank.build([{ slot: 0, parsed }], { spec, device, ledger, weights: store, reader })
  }

  /** The lowered program for `rows` rows at `position`, bound to buffers of its own. All sequences are apart. */
  async bind(
    rows: number,
    position: number,
    sameSequence: boolean,
    { logitRows = 1, bank = null }: BindOptions = {},
  ): Promise<readonly BoundStep[]> {
    const { device, ledger, spec, context } = this
    const whole = (name: string): boolean => this.store.isWhole(name)
    const changes: StepChanges = { ...NO_CHANGES, ranks: (group) => bank?.ranks(group) ?? 0 }
    const program = lower(recordDecoder(spec, { rows, logitRows, positions: context }, changes), {
      observed: [],
      whole,
    })
    const { slots, bytes } = planArena(program, new Set(['logits']))
    const create = (label: string, size: number): GPUBuffer => ledger.create(label, size, STORAGE).gpu
    const arena = bytes.map((size, i) => create(`activations:${i}`, size))
    arena.forEach((buffer, i) => fillBuffer(device, buffer, i))
    const logits = create('logits', logitRows * spec.vocab * 4)
    const perSequence = Math.ceil(context / PAGE)
    const sequences = sameSequence ? 1 : rows
    const pageBytes = PAGE * spec.kvHeads * spec.headDim * 4
    const pages = Array.from({ length: this.layers }, (_, layer) => {
      const k = create('cache:k', perSequence * sequences * pageBytes)
      const v = create('cache:v', perSequence * sequences * pageBytes)
      fillBuffer(device, k, 2 * layer)
      fillBuffer(device, v, 2 * layer + 1)
      return { k, v }
    })
    let parts: GPUBuffer | null = null
    const batch = create('batch', batchWords(rows, sequences, perSequence) * 4)
    const tables = Array.from({ length: sequences }, (_, s) =>
      Array.from({ length: perSequence }, (_, i) => s * perSequence + i),
    )
    const list = Array.from({ length: rows }, (_, i): BatchRow => ({
      token: i,
      position: sameSequence ? position + i : position,
      pages: tables[sameSequence ? 0 : i] ?? [],
      slot: 0,
      scales: bank ? ADAPTED : undefined,
      logits:
        i >= rows - logitRows
          ? {
              ringRow: i - rows + logitRows,
              candidates: 1,
              inverseTemperature: 0,
              topK: 0,
              topP: 1,
              minP: 0,
              seed: [0, 0],
              counter: 0,
            }
          : undefined,
    }))
    device.queue.writeBuffer(
      batch,
      0,
      packBatch(list, this.pipelines.variant.workgroup, bank ? EDIT_SLOT + 1 : 0),
    )
    const bound = await bindProgram(
      program,
      {
        batch,
        ropeTable: create('rope', context * spec.headDim * 4),
        drawn: create('drawn', 64),
        tensor: (name) => {
          const buffer = name === 'logits' ? logits : arena[slots.get(name) ?? -1]
          invariant(buffer, `${name} has a buffer`)
          return buffer
        },
        scratch: (size) => (parts ??= create('parts', size)),
        matrix: (name) => this.store.view(name),
        vector: (name) => this.store.vector(name).gpu,
        pages: (layer) => pages[layer] ?? notHere(),
        adapterGroup: (name) => bank?.adapterGroup(name) ?? notHere(),
        embedLora: notHere,
        edits: notHere,
        replacedBy: notHere,
      },
      this.pipelines,
      ledger,
    )
    return bound.steps
  }

  dispose(): void {
    this.ledger.destroyAll()
  }
}

function notHere(): never {
  throw new Error('a program of the bench has no such adapters and no edits')
}

/** Encodes steps into one pass, as a forward does. */
export function encodeSteps(encoder: GPUCommandEncoder, steps: readonly BoundStep[]): void {
  const pass = encoder.beginComputePass()
  for (const { dispatches } of steps) {
    for (const { pipeline, group, grid } of dispatches) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2])
    }
  }
  pass.end()
}
