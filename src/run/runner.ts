import { TokenscopeError, invariant } from '../errors.ts'
import type { OpenedDevice } from '../gpu/device.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { PipelineCache } from '../gpu/pipelines.ts'
import { splitPositions } from '../ops/attention.ts'
import { selectKernel, RECORD_BYTES } from '../ops/select.ts'
import type { Counters, Variant } from '../api/model.ts'
import { AdapterBank, type PlacedAdapter } from '../adapters/adapterBuffers.ts'
import { batchWords, EDIT_SLOT, packBatch, type BatchRow } from './batch.ts'
import { encodeProgram, type BindResources, type BoundDispatch, type BoundProgram } from './bind.ts'
import { cacheBytesPerPosition, MAX_SEQUENCES, PAGE, PagePool, SequenceStore } from './cache.ts'
import { recordDecoder } from '../arch/decoder.ts'
import { LivePrograms } from './livePrograms.ts'
import { lower } from '../program/fuse.ts'
import { NO_CHANGES, type Program, type ProgramSize, type StepChanges } from '../program/program.ts'
import type { EditSet } from './editSet.ts'
import { ropeTable } from './ropeTable.ts'
import type { DecoderSpec } from '../arch/spec.ts'
import { WeightReader } from '../weights/reader.ts'
import type { WeightStore } from '../weights/store.ts'

/** Row counts that programs are recorded for; a forward takes the next larger. */
export const ROW_BUCKETS = [1, 2, 4, 8, 32, 128] as const
export const MAX_ROWS = 128
/** Most rows of one forward whose logits are wanted. */
export const MAX_LOGIT_ROWS = 8
/** Bytes of the ring that keeps the logits of generated tokens. */
const RING_BYTES = 64 * 1024 * 1024
/** Bytes of cache that may be spent on keeping more than one full context. */
const SPARE_CACHE_BYTES = 64 * 1024 * 1024

export function rowBucket(rows: number): number {
  const bucket = ROW_BUCKETS.find((size) => rows <= size)
  invariant(bucket !== undefined, `${rows} rows exceed the largest bucket`)
  return bucket
}

/** What a forward runs under besides the weights. */
export interface ForwardChanges {
  bank: AdapterBank | null
  edits: EditSet | null
}

export interface RunnerOptions {
  opened: OpenedDevice
  variant: Variant
  spec: DecoderSpec
  context: number
  ledger: BufferLedger
  weights: WeightStore
  /** Made to propose tokens to another runner: room for one text, logits of one forward. */
  guide?: boolean
}

/** Buffers of one model that live as long as it does, and the programs bound to them. */
export class Runner {
  readonly device: GPUDevice
  readonly ledger: BufferLedger
  readonly pipelines: PipelineCache
  readonly spec: DecoderSpec
  readonly context: number
  readonly weights: WeightStore
  readonly pool: PagePool
  readonly sequences: SequenceStore
  /** Logits of the last tokens: `[ringRows, vocab]`. */
  readonly logits: LedgerBuffer
  readonly ringRows: number
  /** What `select` writes: one record per logit row. */
  readonly records: LedgerBuffer
  readonly batch: LedgerBuffer
  private readonly rope: LedgerBuffer
  private readonly drawn: LedgerBuffer
  /** Space between the two halves of decode attention. */
  readonly scratch: LedgerBuffer
  private programs: LivePrograms
  private edited: LivePrograms | null = null
  private turn: Promise<unknown> = Promise.resolve()
  private select: { dispatch: Omit<BoundDispatch, 'grid'>; params: LedgerBuffer } | null = null
  private readonly tally = {
    forwards: 0,
    rows: 0,
    submits: 0,
    passes: 0,
    dispatches: 0,
    bytesUploaded: 0,
    readbacks: 0,
  }

  constructor({ opened, variant, spec, context, ledger, weights, guide = false }: RunnerOptions) {
    this.device = opened.device
    this.ledger = ledger
    this.pipelines = new PipelineCache(opened.device, variant)
    this.spec = spec
    this.context = context
    this.weights = weights
    const perContext = Math.ceil(context / PAGE)
    const spare = Math.min(4, Math.floor(SPARE_CACHE_BYTES / (cacheBytesPerPosition(spec) * context)))
    const contexts = guide ? 1 : Math.max(1, spare)
    this.pool = new PagePool(ledger, spec, perContext * contexts + 1)
    this.sequences = new SequenceStore(opened.device, this.pool)
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM } = GPUBufferUsage
    const limit = Math.min(RING_BYTES, opened.device.limits.maxStorageBufferBindingSize)
    const kept = guide ? MAX_LOGIT_ROWS : Math.min(context, Math.floor(limit / (spec.vocab * 4)))
    this.ringRows = Math.max(MAX_LOGIT_ROWS, kept)
    this.logits = ledger.create('logits', this.ringRows * spec.vocab * 4, STORAGE | COPY_SRC)
    this.records = ledger.create('records', MAX_LOGIT_ROWS * RECORD_BYTES, STORAGE | COPY_SRC)
    const words = batchWords(MAX_ROWS, MAX_SEQUENCES, perContext)
    this.batch = ledger.create('batch', words * 4, STORAGE | COPY_DST)
    this.drawn = ledger.create('drawn', MAX_SEQUENCES * 4, STORAGE)
    this.rope = this.makeRopeTable(STORAGE | COPY_DST)
    const splits = Math.ceil(context / splitPositions(variant))
    this.scratch = ledger.create(
      'activations:parts',
      8 * spec.heads * splits * (spec.headDim + 4) * 4,
      STORAGE | UNIFORM,
    )
    this.programs = new LivePrograms(this, { bank: null, edits: null })
  }

  private makeRopeTable(usage: GPUBufferUsageFlags): LedgerBuffer {
    const { positions } = this.spec
    if (positions.kind !== 'rope') return this.ledger.create('rope', 16, usage)
    const { cos, sin } = ropeTable(positions, this.context)
    const half = positions.rotaryDim / 2
    const table = new Float32Array(this.context * positions.rotaryDim)
    for (let p = 0; p < this.context; p++) {
      table.set(cos.subarray(p * half, (p + 1) * half), p * positions.rotaryDim)
      table.set(sin.subarray(p * half, (p + 1) * half), p * positions.rotaryDim + half)
    }
    const buffer = this.ledger.create('rope', table.byteLength, usage)
    this.device.queue.writeBuffer(buffer.gpu, 0, table)
    return buffer
  }

  /** The adapters on the GPU. */
  get bank(): AdapterBank | null {
    return this.programs.bank
  }

  /** The program of a size under the given adapters and edits, lowered around what is observed. */
  record(
    size: ProgramSize,
    observed: readonly string[],
    { bank, edits }: ForwardChanges = { bank: this.bank, edits: null },
  ): Program {
    const whole = (name: string): boolean => this.weights.isWhole(name)
    const changes: StepChanges = {
      ranks: (group) => bank?.ranks(group) ?? NO_CHANGES.ranks(group),
      replaces: (step) => bank?.replaces(step) ?? NO_CHANGES.replaces(step),
      edits: (step) => edits?.has(step) ?? NO_CHANGES.edits(step),
    }
    return lower(recordDecoder(this.spec, size, changes), { observed, whole })
  }

  /** Buffers every program shares; those given differ between live runs and inspections. */
  resources(
    own: Pick<BindResources, 'tensor' | 'scratch' | 'pages' | 'batch'>,
    { bank, edits }: ForwardChanges = { bank: this.bank, edits: null },
  ): BindResources {
    const loaded = (): AdapterBank => {
      invariant(bank, 'a step of adapters needs adapters')
      return bank
    }
    return {
      ropeTable: this.rope.gpu,
      drawn: this.drawn.gpu,
      matrix: (name) => bank?.matrix(name) ?? this.weights.view(name),
      vector: (name) => (bank?.vector(name) ?? this.weights.vector(name.replace(/@alt$/, ''))).gpu,
      adapterGroup: (name) => loaded().adapterGroup(name),
      embedLora: () => loaded().embedLora(),
      replacedBy: (step) => loaded().replacedBy(step),
      edits: (step) => {
        const table = edits?.table(step)
        invariant(table, `${step} is edited`)
        return table
      },
      ...own,
    }
  }

  /** Inspections and swaps of adapters take turns: an inspection binds the adapters' buffers. Live forwards need no turn. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }

  /** Makes these the adapters of all later forwards. Compiles first and swaps at once; a running generation goes on. */
  setAdapters(adapters: readonly PlacedAdapter[]): Promise<void> {
    return this.exclusive(() => this.swapAdapters(adapters))
  }

  private async swapAdapters(adapters: readonly PlacedAdapter[]): Promise<void> {
    const { spec, device, ledger, weights } = this
    const context = { spec, device, ledger, weights, reader: new WeightReader(this) }
    const bank = adapters.length === 0 ? null : await AdapterBank.build(adapters, context)
    const next = new LivePrograms(this, { bank, edits: null })
    try {
      await next.prepareLike(this.programs)
    } catch (error) {
      await next.dispose()
      bank?.dispose()
      throw error
    }
    const before = this.programs
    this.programs = next
    await Promise.all([before.dispose(), this.dropEdited()])
    before.bank?.dispose()
  }

  /** The bound live program for these counts; compiled once. */
  async live(rows: number, logitRows: number, edits: EditSet | null = null): Promise<BoundProgram> {
    for (;;) {
      const programs = this.programsUnder(edits)
      const bound = await programs.get(rows, logitRows)
      // Adapters may have been swapped meanwhile.
      if (programs === this.programsUnder(edits)) return bound
    }
  }

  /** Programs with the edits of one run; those of the last such run are kept. */
  private programsUnder(edits: EditSet | null): LivePrograms {
    if (!edits) return this.programs
    if (this.edited?.edits !== edits) {
      void this.dropEdited()
      this.edited = new LivePrograms(this, { bank: this.bank, edits })
    }
    return this.edited
  }

  /** Frees the programs of an edited run. */
  async dropEdited(): Promise<void> {
    const { edited } = this
    this.edited = null
    await edited?.dispose()
  }

  /** The words of a batch; rows carry scales once there are adapters or edits to scale. */
  pack(rows: readonly BatchRow[]): Uint32Array<ArrayBuffer> {
    const scaled = this.bank !== null || rows.some(({ scales }) => (scales?.[EDIT_SLOT] ?? 0) !== 0)
    return packBatch(rows, this.pipelines.variant.workgroup, scaled ? EDIT_SLOT + 1 : 0)
  }

  /** Compiles the kernel that picks tokens. */
  async prepareSelect(): Promise<void> {
    if (this.select) return
    const { pipeline, layout } = await this.pipelines.get(selectKernel(this.pipelines.variant), [
      [0, 'read'],
      [1, 'uniform'],
      [2, 'read'],
      [3, 'write'],
      [4, 'write'],
    ])
    const params = this.ledger.create('params:select', 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
    this.device.queue.writeBuffer(params.gpu, 0, new Uint32Array([this.spec.vocab, 0, 0, 0]))
    const buffers = [this.batch, params, this.logits, this.records, this.drawn]
    const group = this.device.createBindGroup({
      label: 'select',
      layout,
      entries: buffers.map(({ gpu }, binding) => ({ binding, resource: { buffer: gpu } })),
    })
    this.select = { dispatch: { pipeline, group }, params }
  }

  /**
   * Runs one forward: one pass, one submit. `then` may record copies after the pass. The caller has reserved the pages.
   * Programs for these counts must have been bound (`live`) and `prepareSelect` called.
   */
  submit(bound: BoundProgram, rows: readonly BatchRow[], then?: (encoder: GPUCommandEncoder) => void): void {
    const words = this.pack(rows)
    invariant(words.byteLength <= this.batch.bytes, 'a batch fits its buffer')
    this.device.queue.writeBuffer(this.batch.gpu, 0, words)
    const encoder = this.device.createCommandEncoder({ label: 'forward' })
    const pass = encoder.beginComputePass({ label: 'forward' })
    encodeProgram(pass, bound)
    const logitRows = rows.filter((row) => row.logits).length
    if (logitRows > 0) {
      invariant(this.select, 'the selection kernel is compiled')
      pass.setPipeline(this.select.dispatch.pipeline)
      pass.setBindGroup(0, this.select.dispatch.group)
      pass.dispatchWorkgroups(logitRows)
    }
    pass.end()
    then?.(encoder)
    this.device.queue.submit([encoder.finish()])
    this.tally.forwards += 1
    this.tally.rows += rows.length
    this.tally.submits += 1
    this.tally.passes += 1
    this.tally.dispatches += bound.dispatchCount + (logitRows > 0 ? 1 : 0)
    this.tally.bytesUploaded += words.byteLength
  }

  /** Counts a pass that somebody else encoded (inspections), for `counters()`. */
  countInspection(rows: number, dispatches: number, uploaded: number): void {
    this.tally.forwards += 1
    this.tally.rows += rows
    this.tally.submits += 1
    this.tally.passes += 1
    this.tally.dispatches += dispatches
    this.tally.bytesUploaded += uploaded
  }

  countReadback(): void {
    this.tally.readbacks += 1
  }

  counters(): Counters {
    return { ...this.tally, pipelinesCompiled: this.pipelines.compiled, pagesAllocated: this.pool.allocated }
  }

  /** Copies bytes of a buffer to the host. Throws `device-lost`. */
  async read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.ledger.create('staging', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
    try {
      const encoder = this.device.createCommandEncoder({ label: 'read back' })
      encoder.copyBufferToBuffer(source, offset, staging.gpu, 0, bytes)
      this.device.queue.submit([encoder.finish()])
      return (await this.map(staging)).slice(0, bytes)
    } finally {
      this.ledger.destroy(staging)
    }
  }

  /** The bytes of a staging buffer once the copies into it are done; valid until it is unmapped. Throws `device-lost`. */
  async map(staging: LedgerBuffer): Promise<ArrayBuffer> {
    try {
      await staging.gpu.mapAsync(GPUMapMode.READ)
      this.countReadback()
      return staging.gpu.getMappedRange()
    } catch (cause) {
      throw new TokenscopeError('device-lost', 'The GPU was lost while a result was read.', {
        hint: 'Load the model again.',
        cause,
      })
    }
  }

  /** Frees what this runner made, but not the weights: another variant's may take its place. */
  async dispose(): Promise<void> {
    await this.programs.dispose()
    this.bank?.dispose()
    const own = [this.logits, this.records, this.batch, this.rope, this.drawn, this.scratch]
    for (const buffer of this.select ? [...own, this.select.params] : own) this.ledger.destroy(buffer)
    this.pool.dispose()
  }
}
