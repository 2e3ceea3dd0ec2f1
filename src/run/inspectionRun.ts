import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { KvPages } from '../ops/kvFormats.ts'
import { planArena } from '../program/arena.ts'
import { PAGE } from '../program/batchLayout.ts'
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
  /** Page table of its one sequence. */
  readonly pages: number[]
  /** Tokens of the text. */
  readonly #positions: number
  readonly #runner: Runner
  readonly #conditions: Conditions
  readonly #buffers: LedgerBuffer[] = []
  readonly #own: PagePool | null
  readonly #cache: CachePages
  readonly #ropeTables: RopeTables

  /** `cache`: pages to read and write instead of its own. */
  constructor(runner: Runner, positions: number, conditions: Conditions, cache?: CachePages) {
    this.#runner = runner
    this.#conditions = conditions
    this.#positions = positions
    this.changes = { adapters: runner.adapters, edits: conditions.edits }
    const count = Math.ceil(positions / PAGE)
    const layers = cacheLayers(runner.model.record({ rows: 1, logitRows: 0, positions }))
    this.#own = cache
      ? null
      : new PagePool(runner.ledger, layers, {
          pages: count,
          most: count,
          format: runner.pool.format,
          label: 'inspection',
        })
    this.#cache = cache ?? this.#own ?? runner.pool
    this.pages = Array.from({ length: count }, (_, i) => i)
    this.#ropeTables = runner.tablesFor(positions)
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

  /** What frees the buffers made from here on: those of one chunk, while others are still to come. */
  mark(): () => void {
    const begin = this.#buffers.length
    return () => {
      for (const buffer of this.#buffers.splice(begin)) this.#runner.ledger.destroy(buffer)
    }
  }

  /** Binds a program whose observed steps write into `tensors`; the other outputs share an arena. */
  async bind(program: Program, tensors: ReadonlyMap<string, LedgerBuffer>): Promise<BoundForward> {
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const words = batchWords(program.rows, 1, Math.max(1, this.pages.length))
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

  /** The tokens as rows of its sequence from `begin` on; with `logits`, row i of them has its logits in ring row i. */
  rows(ids: readonly number[], begin: number, logits: boolean): BatchRow[] {
    const { pages } = this
    const { scales } = this.#conditions
    return ids.map((token, i) => ({
      token,
      position: begin + i,
      pages,
      slot: 0,
      textLength: this.#positions,
      scales,
      logits: logits ? plainLogits(i) : undefined,
    }))
  }

  /** Runs one forward; more of its encoding as {@link Run} says. */
  submit(
    { bound, batch }: BoundForward,
    rows: readonly BatchRow[],
    more: Pick<Run, 'label'> & Partial<Pick<Run, 'before' | 'within' | 'after'>>,
  ): void {
    const words = this.#runner.pack(rows, this.#ropeTables)
    this.#runner.executor.run({ bound, batch, words, rows: rows.length, ...more })
  }

  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) this.#runner.ledger.destroy(buffer)
    this.#own?.dispose()
    this.#ropeTables.release()
  }
}
