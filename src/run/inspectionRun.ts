import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { KvPages } from '../ops/kvFormats.ts'
import { planArena } from '../program/arena.ts'
import type { Mask } from '../program/attrs.ts'
import { PAGE } from '../program/batchLayout.ts'
import { isCausal, seenEnd } from '../program/mask.ts'
import type { Program } from '../program/step.ts'
import { batchWords, plainLogits, type BatchRow } from './batch.ts'
import type { BoundProgram } from './bind.ts'
import { cacheLayers, PagePool } from './pagePool.ts'
import type { ForwardChanges } from './changes.ts'
import type { Conditions } from './conditions.ts'
import type { Run } from './executor.ts'
import type { RopeTables } from './ropeTable.ts'
import type { Runner } from './runner.ts'

/** A program bound to buffers of its own, with the batch it reads. */
export interface BoundForward {
  readonly bound: BoundProgram
  readonly batch: LedgerBuffer
}

/** What an inspecting forward does not have of its own. */
export interface InspectionOptions {
  /** Pages to read and write instead of its own. */
  readonly cache?: CachePages
  /** Tokens of the whole text, where the run is over its beginning. */
  readonly textLength?: number
  /** Sequences of so many positions beside each other, each on pages of its own; default 1. */
  readonly sequences?: number
}

/** Where keys and values of an inspecting forward are. */
export interface CachePages {
  layer(n: number): KvPages
}

/**
 * Buffers of forwards that look: outputs of their own, and pages of their own unless they are given others. Nothing of a live
 * sequence can change by them.
 */
export class InspectionRun {
  /** Adapters and edits the forward is recorded with. */
  readonly changes: ForwardChanges
  /** Page table of each of its sequences. */
  readonly tables: readonly (readonly number[])[]
  readonly #mask: Mask
  /** Positions of its sequence. */
  readonly #positions: number
  readonly #textLength: number
  readonly #runner: Runner
  readonly #conditions: Conditions
  readonly #buffers: LedgerBuffer[] = []
  readonly #ownPool: PagePool | null
  readonly #cache: CachePages
  readonly #ropeTables: RopeTables

  constructor(
    runner: Runner,
    positions: number,
    conditions: Conditions,
    { cache, textLength = positions, sequences = 1 }: InspectionOptions = {},
  ) {
    this.#runner = runner
    this.#conditions = conditions
    this.#mask = conditions.mask ?? runner.model.mask
    this.#positions = positions
    this.#textLength = textLength
    this.changes = { adapters: runner.adapters, edits: conditions.edits, mask: conditions.mask }
    const count = Math.ceil(positions / PAGE)
    const layers = cacheLayers(runner.model.record({ rows: 1, logitRows: 0, positions }))
    this.#ownPool = cache
      ? null
      : new PagePool(runner.ledger, layers, {
          pages: count * sequences,
          most: count * sequences,
          format: runner.pool.format,
          label: 'inspection',
        })
    this.#cache = cache ?? this.#ownPool ?? runner.pool
    this.tables = Array.from({ length: sequences }, (_, n) =>
      Array.from({ length: count }, (__, i) => n * count + i),
    )
    this.#ropeTables = runner.tablesFor(positions)
  }

  /** True when no row sees a later one: then a text may run chunk by chunk. */
  get isCausal(): boolean {
    return isCausal(this.#mask)
  }

  /** Another run over the same pages, with buffers of its own. */
  beside(): InspectionRun {
    const more = { cache: this.#cache, textLength: this.#textLength }
    return new InspectionRun(this.#runner, this.#positions, this.#conditions, more)
  }

  create(label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer {
    const max = this.#runner.device.limits.maxStorageBufferBindingSize
    if (bytes > max) {
      throw new TokenscopeError('limit', `${label} takes ${bytes} bytes; this device can bind ${max}.`, {
        hint: 'Inspect fewer tokens at once, or fewer probes.',
        details: { label, bytes, maxStorageBufferBindingSize: max },
      })
    }
    const buffer = this.#runner.ledger.create(`inspection:${label}`, bytes, usage)
    this.#buffers.push(buffer)
    return buffer
  }

  /** What it is recorded with must still be on the GPU: runs of several submits hold no swap off between them. */
  #checkAdapters(): void {
    if (this.#runner.adapters === this.changes.adapters) return
    throw new TokenscopeError('aborted', 'The adapters were changed while the text was being read.', {
      hint: 'Read it again.',
    })
  }

  /** Binds a program whose observed steps write into `tensors`; the other outputs share an arena. @throws `aborted` likewise */
  async bind(program: Program, tensors: ReadonlyMap<string, LedgerBuffer>): Promise<BoundForward> {
    this.#checkAdapters()
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const words = batchWords(program.rows, this.tables.length, Math.max(1, this.tables[0]?.length ?? 1))
    const batch = this.create('batch', words * 4, STORAGE | COPY_DST)
    const plan = planArena(program, new Set(tensors.keys()))
    const arena = plan.bytes.map((bytes, i) => this.create(`arena${i}`, bytes, STORAGE))
    const resources = this.#runner.resources(
      {
        batch: batch.gpu,
        pages: (layer) => this.#cache.layer(layer),
        scratch: (bytes) => this.create('parts', bytes, STORAGE).gpu,
        tensor: (name) => {
          const buffer = tensors.get(name) ?? arena[plan.slots.get(name) ?? -1]
          invariant(buffer, `${name} has a buffer`)
          return buffer.gpu
        },
      },
      this.changes,
      this.#ropeTables,
    )
    const bound = await this.#runner.executor.bind(program, resources)
    this.#buffers.push(bound.params)
    return { bound, batch }
  }

  /**
   * Tokens `[begin, end)` of its text as rows of its sequence; with `logits`, row i of them has its logits in ring row i.
   */
  rows(ids: readonly number[], begin: number, logits: boolean, end = ids.length): BatchRow[] {
    const [pages = []] = this.tables
    const { scales } = this.#conditions
    const { unplacedId } = this.#runner.model
    return ids.slice(begin, end).map((token, i) => ({
      token,
      position: begin + i,
      pages,
      slot: 0,
      textLength: this.#textLength,
      end: seenEnd(this.#mask, begin + i, this.#positions),
      learned: unplacedId === undefined ? undefined : placeOf(ids, begin + i, unplacedId),
      scales,
      logits: logits ? plainLogits(i) : undefined,
    }))
  }

  /** Runs one forward; more of its encoding as {@link Run} says. @throws `aborted` once the adapters are others */
  submit(
    { bound, batch }: BoundForward,
    rows: readonly BatchRow[],
    more: Pick<Run, 'label'> & Partial<Pick<Run, 'beforePass' | 'inPass' | 'afterPass'>>,
  ): void {
    this.#checkAdapters()
    const words = this.#runner.pack(rows, this.#ropeTables)
    this.#runner.executor.run({ bound, batch, words, rows: rows.length, ...more })
  }

  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) this.#runner.ledger.destroy(buffer)
    this.#ownPool?.dispose()
    this.#ropeTables.release()
  }
}

/** The row of the learned positions that a token takes, those of id `unplaced` taking none: the row before the first. */
function placeOf(ids: readonly number[], at: number, unplaced: number): number {
  if (ids[at] === unplaced) return -1
  return ids.slice(0, at).reduce((count, id) => (id === unplaced ? count : count + 1), 0)
}
