import type { Counters, Variant } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { invariant, TokenscopeError } from '../errors.ts'
import type { OpenedDevice } from '../gpu/device.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { allocate } from '../gpu/memory.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { KV_F32, type KvFormat } from '../ops/kvFormats.ts'
import { MATVEC_ROWS } from '../ops/linear.ts'
import { RECORD_BYTES } from '../ops/select.ts'
import { EDIT_SLOT, PAGE } from '../program/batchLayout.ts'
import { withAdapters, withEdits } from '../program/changes.ts'
import { fuse } from '../program/fuse.ts'
import { withMask } from '../program/mask.ts'
import type { Program, ProgramSize } from '../program/step.ts'
import type { WeightStore } from '../weights/store.ts'
import { batchWords, packBatch, type BatchRow } from './batch.ts'
import type { BindResources, BoundProgram } from './bind.ts'
import { MAX_SEQUENCES, SequenceStore, widestWindow, type PageOrigin, type Sequence } from './cache.ts'
import type { BoundAdapters, ForwardChanges } from './changes.ts'
import type { EditSet } from './editSet.ts'
import { Executor } from './executor.ts'
import { LivePrograms, type LiveSource } from './livePrograms.ts'
import { cacheLayers, PagePool } from './pagePool.ts'
import { Reach } from './reach.ts'
import { RopeTables } from './ropeTable.ts'
import { MAX_LOGIT_ROWS, MAX_ROWS } from './rows.ts'
import { bindSelect, type BoundSelect } from './select.ts'
import { firstPages, FIRST_ROOM, ringRows, SPARE_CACHE_BYTES, SPARE_PAGES } from './sizes.ts'

export interface RunnerOptions {
  opened: OpenedDevice
  variant: Variant
  model: ModelDescription
  context: number
  ledger: BufferLedger
  weights: WeightStore
  /** Made to propose tokens to another runner: room for one text, logits of one forward. */
  draft?: boolean
  /** Kernels of another runner on the same device. */
  pipelines?: PipelineCache
  /** How the cache keeps keys and values; default f32. */
  kv?: KvFormat
  /** What it begins with before texts grow. */
  room?: typeof FIRST_ROOM
}

function noRoomFor(length: number, positions: number, { message: cause }: GPUError): TokenscopeError {
  const message = `The GPU has no memory left for a text of ${length} tokens; ${positions} have room.`
  return new TokenscopeError('out-of-memory', message, {
    hint: 'What is written so far is kept. Use a shorter text.',
    details: { positions, wanted: length, cause },
  })
}

/** Buffers of one model that live as long as it does, and the programs bound to them. */
export class Runner {
  readonly executor: Executor
  readonly model: ModelDescription
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
  /** Recorded for the whole context. */
  readonly #forward: Program
  #reach: Reach
  readonly #sampledTokens: LedgerBuffer
  #programs: LivePrograms
  #edited: LivePrograms | null = null
  dispatchesOf: LiveSource['dispatchesOf'] = null
  #turn: Promise<unknown> = Promise.resolve()
  #select: BoundSelect | null = null

  constructor(options: RunnerOptions) {
    const { opened, variant, model, context, ledger, weights } = options
    const { draft = false, room = FIRST_ROOM, kv = KV_F32 } = options
    this.executor = new Executor(opened.device, ledger, variant, options.pipelines)
    this.model = model
    this.context = context
    this.weights = weights
    const forward = model.record({ rows: MATVEC_ROWS, logitRows: MATVEC_ROWS, positions: context })
    const layers = cacheLayers(forward)
    const perContext = Math.ceil(context / PAGE)
    this.pool = new PagePool(ledger, layers, {
      pages: firstPages(layers, kv, { perContext, bytes: room.cacheBytes }),
      most: MAX_SEQUENCES * perContext + SPARE_PAGES,
      format: kv,
    })
    this.sequences = new SequenceStore(opened.device, this.pool, widestWindow(layers))
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
    this.ringRows = ringRows(model.vocab, context, ledger.largestBinding, draft)
    this.logits = ledger.create('logits', this.ringRows * model.vocab * 4, STORAGE | COPY_SRC)
    this.records = ledger.create('records', MAX_LOGIT_ROWS * RECORD_BYTES, STORAGE | COPY_SRC)
    const words = batchWords(MAX_ROWS, MAX_SEQUENCES, perContext)
    this.batch = ledger.create('batch', words * 4, STORAGE | COPY_DST)
    this.#sampledTokens = ledger.create('sampled-tokens', MAX_SEQUENCES * 4, STORAGE)
    this.#forward = forward
    this.#reach = new Reach(this.executor, forward, Math.min(context, room.positions))
    this.#programs = new LivePrograms(this, { adapters: null, edits: null }, this.#reach)
  }

  get device(): GPUDevice {
    return this.executor.device
  }

  get ledger(): BufferLedger {
    return this.executor.ledger
  }

  get pipelines(): PipelineCache {
    return this.executor.pipelines
  }

  /** The adapters on the GPU. */
  get adapters(): BoundAdapters | null {
    return this.#programs.adapters
  }

  /** The program of a size under the given adapters and edits, lowered around what is observed. */
  record(
    size: ProgramSize,
    observed: readonly string[],
    { adapters, edits, mask }: ForwardChanges = { adapters: this.adapters, edits: null },
  ): Program {
    const unmasked = this.model.record(size)
    const recorded = mask === undefined ? unmasked : withMask(unmasked, mask)
    const adapted = adapters ? withAdapters(recorded, adapters) : recorded
    const edited = edits ? withEdits(adapted, (step) => edits.has(step)) : adapted
    const isSingleBuffer = (name: string): boolean => this.weights.isSingleBuffer(name)
    return fuse(edited, { observed, isSingleBuffer, foldRows: MATVEC_ROWS })
  }

  /** Buffers every program shares; those given differ between live runs and inspections. */
  resources(
    buffers: Pick<BindResources, 'tensor' | 'scratch' | 'pages' | 'batch'>,
    { adapters, edits }: ForwardChanges = { adapters: this.adapters, edits: null },
    ropeTables = this.#reach.ropeTables,
  ): BindResources {
    const loaded = (): BoundAdapters => {
      invariant(adapters, 'a step of adapters needs adapters')
      return adapters
    }
    return {
      ropeTable: (table) => ropeTables.get(table),
      sampledTokens: this.#sampledTokens.gpu,
      matrix: (name) => adapters?.matrix(name) ?? this.weights.view(name),
      vector: (name) => (adapters?.vector(name) ?? this.weights.vector(name)).gpu,
      adapterStack: (name) => loaded().adapterStack(name),
      embedLora: () => loaded().embedLora(),
      replacedBy: (step, nth) => loaded().replacedBy(step, nth),
      edits: (step) => {
        const table = edits?.table(step)
        invariant(table, `${step} is edited`)
        return table
      },
      ...buffers,
    }
  }

  /** Inspections and swaps of adapters take turns: an inspection binds the adapters' buffers. Live forwards need no turn. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Makes what `build` gives the adapters of all later forwards. Compiles first and swaps at once; a running generation goes on. */
  setAdapters(build: () => Promise<BoundAdapters | null>): Promise<void> {
    return this.exclusive(async () => this.#swapAdapters(await build()))
  }

  async #swapAdapters(adapters: BoundAdapters | null): Promise<void> {
    const { moves } = this.pool
    const reach = this.#reach
    const previous = this.#programs
    const { dispatchesOf } = this
    const next = new LivePrograms(this, { adapters, edits: null }, reach)
    try {
      await next.prepareLike(previous)
    } catch (error) {
      await next.dispose()
      adapters?.dispose()
      throw error
    }
    if (reach !== this.#reach || moves !== this.pool.moves || dispatchesOf !== this.dispatchesOf) {
      // A text has grown meanwhile: what was prepared is bound to buffers that others have taken the place of. Or steps go otherwise.
      await next.dispose()
      return this.#swapAdapters(adapters)
    }
    this.#programs = next
    await Promise.all([previous.dispose(), this.#dropEdited()])
    previous.adapters?.dispose()
  }

  /**
   * Makes room for positions of a sequence below `length`, in the cache and in the programs: their buffers grow as texts do. Texts
   * that no call works on are given up before the cache grows past what is spent on keeping them.
   * @throws `limit` or `out-of-memory`, with the numbers, where the device has no room; every text stays as it is then.
   */
  async makeRoom(sequence: Sequence, length: number): Promise<void> {
    const { pool, sequences } = this
    if (length > this.#reach.positions) await this.#goFurther(length)
    const lacking = sequences.lacking(sequence, length)
    if (lacking === 0) return
    if (lacking > pool.freePages && pool.pages * pool.bytesPerPage >= SPARE_CACHE_BYTES)
      sequences.giveUpFor(lacking)
    const { moves } = pool
    const refusal = pool.freePages >= lacking ? null : await pool.grow(this.device, lacking, SPARE_PAGES)
    if (pool.moves !== moves) void this.#bindAgain()
    sequences.reserve(sequence, length, refusal)
  }

  async #bindAgain(): Promise<void> {
    await Promise.all([this.#programs.bindAgain(), this.#edited?.bindAgain()])
  }

  /** Later forwards dispatch their steps so; resolves once none that goes otherwise will be submitted. */
  dispatchBy(dispatchesOf: LiveSource['dispatchesOf']): Promise<void> {
    this.dispatchesOf = dispatchesOf
    return this.#bindAgain()
  }

  /** Binds live programs for texts of `length` tokens at least. */
  async #goFurther(length: number): Promise<void> {
    const [reach, programs] = [this.#reach, this.#programs]
    const changes = { adapters: this.adapters, edits: null }
    const created: { reach: Reach; programs: LivePrograms }[] = []
    const shortage = await allocate(this.device, () => {
      const longer = reach.longer(this.#forward, length)
      try {
        created.push({ reach: longer, programs: new LivePrograms(this, changes, longer) })
      } catch (error) {
        longer.dispose()
        throw error
      }
    })
    const [next] = created
    // Adapters may have been swapped meanwhile.
    if (!next || shortage || programs !== this.#programs) {
      next?.reach.dispose()
      await next?.programs.dispose()
      if (!shortage) return this.#goFurther(length)
      throw noRoomFor(length, reach.positions, shortage)
    }
    this.#reach = next.reach
    this.#programs = next.programs
    await Promise.all([programs.dispose(), this.#dropEdited()])
    reach.dispose()
  }

  /** The rotary tables for texts of so many positions. The caller releases them. */
  tablesFor(positions: number): RopeTables {
    return positions <= this.#reach.positions
      ? this.#reach.ropeTables.retain()
      : new RopeTables(this.executor, this.#forward, positions)
  }

  /** The bound live program for these counts; compiled once. It may be freed in any later turn: {@link withLive} is for running it. */
  live(rows: number, logitRows: number, edits: EditSet | null = null): Promise<BoundProgram> {
    return this.withLive(rows, logitRows, edits, (bound) => bound)
  }

  /**
   * Hands `run` the bound live program for these counts. A swap of adapters or edits frees the activations of the programs before it,
   * so `run` encodes and submits at once: no turn lies between the check that the program still lives and its submit.
   */
  async withLive<T>(
    rows: number,
    logitRows: number,
    edits: EditSet | null,
    run: (bound: BoundProgram) => T,
  ): Promise<T> {
    for (;;) {
      const programs = this.#programsUnder(edits)
      const bound = await programs.get(rows, logitRows)
      // Adapters may have been swapped meanwhile.
      if (programs === this.#programsUnder(edits)) return run(bound)
    }
  }

  /** Programs with the edits of one run; those of the last such run are kept. */
  #programsUnder(edits: EditSet | null): LivePrograms {
    if (!edits) return this.#programs
    if (this.#edited?.edits !== edits) {
      void this.#dropEdited()
      this.#edited = new LivePrograms(this, { adapters: this.adapters, edits }, this.#reach)
    }
    return this.#edited
  }

  /** Frees the programs of an edited run. */
  async #dropEdited(): Promise<void> {
    const edited = this.#edited
    this.#edited = null
    await edited?.dispose()
  }

  /** The words of a batch; rows carry scales once there are adapters or edits to scale. `ropeTables`: those its program is bound to. */
  pack(rows: readonly BatchRow[], ropeTables = this.#reach.ropeTables): Uint32Array<ArrayBuffer> {
    const scaled = this.adapters !== null || rows.some(({ scales }) => (scales?.[EDIT_SLOT] ?? 0) !== 0)
    ropeTables.ensure(rows.map(({ textLength = 0 }) => textLength))
    const tableRow = (length: number): number => ropeTables.firstRow(length)
    return packBatch(rows, this.pipelines.variant.workgroup, scaled ? EDIT_SLOT + 1 : 0, tableRow)
  }

  /** The length by which a text of `length` tokens turns; 0 for what is short, and for models that do not go by it. */
  turnedAs(length: number): number {
    return this.#reach.ropeTables.turnedAs(length)
  }

  /** Longest text that turns as short ones do; infinite for models that do not go by it. */
  get turnBorder(): number {
    return this.#reach.ropeTables.border
  }

  /** Which pages a text of `length` tokens may share: those of other rotations are not its own. */
  origin({ key, unedited }: PageOrigin, length: number): PageOrigin {
    const turned = this.turnedAs(length)
    const named = (plain: string): string => (turned === 0 ? plain : `${plain}|turned:${turned}`)
    if (!unedited) return { key: named(key) }
    return { key: named(key), unedited: { ...unedited, key: named(unedited.key) } }
  }

  /** Compiles the kernel that picks tokens. */
  async prepareSelect(): Promise<void> {
    if (this.#select) return
    const { batch, logits, records, executor } = this
    const buffers = { batch, logits, records, sampledTokens: this.#sampledTokens }
    this.#select = await bindSelect(executor, this.model.vocab, buffers)
  }

  /**
   * Runs one forward: one pass, one submit. `after` may record copies behind the pass. The caller has reserved the pages.
   * Programs for these counts must have been bound (`live`) and `prepareSelect` called.
   */
  submit(
    bound: BoundProgram,
    rows: readonly BatchRow[],
    afterPass?: (encoder: GPUCommandEncoder) => void,
  ): void {
    const words = this.pack(rows)
    invariant(words.byteLength <= this.batch.bytes, 'a batch fits its buffer')
    const logitRows = rows.filter((row) => row.logits).length
    const inPass = (pass: GPUComputePassEncoder): number => {
      if (logitRows === 0) return 0
      invariant(this.#select, 'the selection kernel is compiled')
      pass.setPipeline(this.#select.pipeline)
      pass.setBindGroup(0, this.#select.group)
      pass.dispatchWorkgroups(logitRows)
      return 1
    }
    this.executor.run({
      label: 'forward',
      bound,
      batch: this.batch,
      words,
      rows: rows.length,
      inPass,
      afterPass,
    })
  }

  counters(): Counters {
    return { ...this.executor.counters(), pagesAllocated: this.pool.allocated }
  }

  /** Copies bytes of a buffer to the host. Throws `device-lost`. */
  read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    return this.executor.read(source, offset, bytes)
  }

  /** Frees what this runner made, but not the weights: another variant's may take its place. */
  async dispose(): Promise<void> {
    await this.#programs.dispose()
    this.adapters?.dispose()
    const buffers = [this.logits, this.records, this.batch, this.#sampledTokens]
    for (const buffer of this.#select ? [...buffers, this.#select.params] : buffers)
      this.ledger.destroy(buffer)
    this.#reach.dispose()
    this.pool.dispose()
  }
}
