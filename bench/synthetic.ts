import { AdapterBuffers } from '../src/adapters/adapterBuffers.ts'
import type { ParsedAdapter } from '../src/adapters/types.ts'
import type { LoadFormat, Variant } from '../src/api/model.ts'
import type { ModelDescription } from '../src/arch/spec.ts'
import { invariant } from '../src/errors.ts'
import { BufferLedger } from '../src/gpu/ledger.ts'
import { MATVEC_ROWS } from '../src/ops/linear.ts'
import { planArena } from '../src/program/arena.ts'
import { EDIT_SLOT, PAGE } from '../src/program/batchLayout.ts'
import { withAdapters } from '../src/program/changes.ts'
import { fuse } from '../src/program/fuse.ts'
import type { Program, ProgramSize } from '../src/program/step.ts'
import { batchWords, packBatch, plainLogits, type BatchRow } from '../src/run/batch.ts'
import type { BindResources, BoundStep } from '../src/run/bind.ts'
import { KV_F32 } from '../src/ops/kvFormats.ts'
import { cacheLayers, PagePool } from '../src/run/pagePool.ts'
import { Executor } from '../src/run/executor.ts'
import { RopeTables } from '../src/run/ropeTable.ts'
import { FORMATS } from '../src/weights/formats/index.ts'
import { planMatrices, type StoredMatrixType } from '../src/weights/plan.ts'
import { WeightReader } from '../src/weights/reader.ts'
import { WeightStore } from '../src/weights/store.ts'
import { fillBuffer } from './harness.ts'
import { llamaOf, type Shape } from './shapes.ts'

export interface SyntheticOptions {
  shape: Shape
  layers: number
  format: LoadFormat
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
  /** Adapters at scale 1 on every row. */
  adapters?: AdapterBuffers | null
}

/** Layers of a published shape with random weights on the GPU, and programs bound to them. */
export class Synthetic {
  readonly ledger: BufferLedger
  readonly model: ModelDescription
  readonly #executor: Executor
  readonly #weights: WeightStore
  readonly #ropeTables: RopeTables
  readonly #context: number

  constructor(device: GPUDevice, options: SyntheticOptions) {
    const { shape, layers, format, variant, vocab = 4096, context = 256 } = options
    this.#context = context
    this.model = llamaOf(shape, layers, vocab, context)
    this.ledger = new BufferLedger(device)
    this.#executor = new Executor(device, this.ledger, variant)
    this.#weights = new WeightStore(device, this.ledger)
    const stored = (): StoredMatrixType => ({ format: FORMATS.f32 })
    planMatrices(this.model, { asked: format, stored }).plans.forEach((plan, seed) => {
      for (const { buffer } of this.#weights.addMatrix(plan).shards) fillBuffer(device, buffer.gpu, seed)
    })
    for (const { name, role, shape } of this.model.params)
      if (role === 'vector') this.#weights.writeVector(name, [new Float32Array(shape[0] ?? 0).fill(1)])
    const forward = this.model.record({ rows: 1, logitRows: 1, positions: context })
    this.#ropeTables = new RopeTables(this.#executor, forward)
  }

  /** Bytes of a matrix, or of its part of a stack, in the chosen format. */
  matrixBytes(name: string): number {
    const { matrix, begin, end } = this.#weights.view(name)
    const bytes = matrix.shards.reduce((sum, { buffer }) => sum + buffer.bytes, 0)
    return (bytes * (end - begin)) / matrix.rows
  }

  /** An adapter laid out on the GPU as the engine does it. */
  layAdapter(parsed: ParsedAdapter): Promise<AdapterBuffers> {
    const executor = this.#executor
    const weights = this.#weights
    const reader = new WeightReader({
      weights,
      pipelines: executor.pipelines,
      ledger: this.ledger,
      read: (source, offset, bytes) => executor.read(source, offset, bytes),
    })
    return AdapterBuffers.build([{ slot: 0, parsed }], { model: this.model, executor, weights, reader })
  }

  /** The lowered program for `rows` rows at `position`, bound to buffers of its own. All sequences are apart. */
  async bind(
    rows: number,
    position: number,
    sameSequence: boolean,
    { logitRows = 1, adapters = null }: BindOptions = {},
  ): Promise<readonly BoundStep[]> {
    const program = this.#lower({ rows, logitRows, positions: this.#context }, adapters)
    const perSequence = Math.ceil(this.#context / PAGE)
    const sequences = sameSequence ? 1 : rows
    const tables = Array.from({ length: sequences }, (_, s) =>
      Array.from({ length: perSequence }, (_, i) => s * perSequence + i),
    )
    const list = Array.from({ length: rows }, (_, i): BatchRow => ({
      token: i,
      position: sameSequence ? position + i : position,
      pages: tables[sameSequence ? 0 : i] ?? [],
      slot: 0,
      scales: adapters ? ADAPTED : undefined,
      logits: i >= rows - logitRows ? plainLogits(i - rows + logitRows) : undefined,
    }))
    const { device, pipelines } = this.#executor
    const batch = this.#create('batch', batchWords(rows, sequences, perSequence) * 4)
    const words = packBatch(list, pipelines.variant.workgroup, adapters ? EDIT_SLOT + 1 : 0)
    device.queue.writeBuffer(batch, 0, words)
    const resources = this.#resources(program, adapters, this.#pages(perSequence * sequences))
    return (await this.#executor.bind(program, { ...resources, batch })).steps
  }

  #lower(size: ProgramSize, adapters: AdapterBuffers | null): Program {
    const recorded = this.model.record(size)
    return fuse(adapters ? withAdapters(recorded, adapters) : recorded, {
      observed: [],
      isSingleBuffer: (name) => this.#weights.isSingleBuffer(name),
      foldRows: MATVEC_ROWS,
    })
  }

  #create(label: string, size: number): GPUBuffer {
    return this.ledger.create(label, size, STORAGE).gpu
  }

  /** A cache full of small numbers. */
  #pages(count: number): PagePool {
    const layers = cacheLayers(this.model.record({ rows: 1, logitRows: 0, positions: 1 }))
    const pool = new PagePool(this.ledger, layers, { pages: count, most: count, format: KV_F32 })
    layers.forEach((_, n) => {
      const { k, v } = pool.layer(n)
      fillBuffer(this.#executor.device, k, 2 * n)
      fillBuffer(this.#executor.device, v, 2 * n + 1)
    })
    return pool
  }

  #resources(
    program: Program,
    adapters: AdapterBuffers | null,
    pool: PagePool,
  ): Omit<BindResources, 'batch'> {
    const { slots, bytes } = planArena(program, new Set(['logits']))
    const arena = bytes.map((size, i) => this.#create(`activations:${i}`, size))
    arena.forEach((buffer, i) => fillBuffer(this.#executor.device, buffer, i))
    const logits = this.#create('logits', program.logitRows * this.model.vocab * 4)
    let parts: GPUBuffer | null = null
    return {
      sampledTokens: this.#create('sampled-tokens', 64),
      ropeTable: (table) => this.#ropeTables.get(table),
      tensor: (name) => {
        const buffer = name === 'logits' ? logits : arena[slots.get(name) ?? -1]
        invariant(buffer, `${name} has a buffer`)
        return buffer
      },
      scratch: (size) => (parts ??= this.#create('parts', size)),
      matrix: (name) => adapters?.matrix(name) ?? this.#weights.view(name),
      vector: (name) => (adapters?.vector(name) ?? this.#weights.vector(name)).gpu,
      pages: (layer) => pool.layer(layer),
      adapterStack: (name) => adapters?.adapterStack(name) ?? notHere(),
      embedLora: notHere,
      edits: notHere,
      replacedBy: (step, nth) => adapters?.replacedBy(step, nth) ?? notHere(),
    }
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
