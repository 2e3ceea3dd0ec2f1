import { invariant, TokenscopeError } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { KvPages } from '../ops/kvFormats.ts'
import type { dispatchesOf } from '../ops/index.ts'
import { MATVEC_ROWS } from '../ops/linear.ts'
import { planArena, tensorBytes, type ArenaPlan } from '../program/arena.ts'
import { resized } from '../program/resized.ts'
import { shapeOf, type Program, type ProgramSize } from '../program/step.ts'
import type { BindResources, BoundProgram } from './bind.ts'
import type { BoundAdapters, ForwardChanges } from './changes.ts'
import type { EditSet } from './editSet.ts'
import type { Executor } from './executor.ts'
import type { Reach } from './reach.ts'
import { MAX_LOGIT_ROWS, MAX_ROWS, rowBucket } from './rows.ts'

const OWN: ReadonlySet<string> = new Set(['logits'])

/** What live programs are recorded from and bound to. */
export interface LiveSource {
  readonly executor: Executor
  readonly pool: { layer(n: number): KvPages }
  readonly logits: LedgerBuffer
  readonly batch: LedgerBuffer
  /** How steps are dispatched, where more is wanted than they compute; null for just that. */
  readonly dispatchesOf: typeof dispatchesOf | null
  record(size: ProgramSize, observed: readonly string[], changes: ForwardChanges): Program
  resources(
    buffers: Pick<BindResources, 'tensor' | 'scratch' | 'pages' | 'batch'>,
    changes: ForwardChanges,
    ropeTables: Reach['ropeTables'],
  ): BindResources
}

/** A program of the most rows that are lowered alike, and where its outputs lie, whatever their sizes. */
interface Lowered {
  readonly program: Program
  readonly arena: ArenaPlan
}

/** Throws `limit` before anything is made where a kernel could not be bound to the activations. */
function checkBindable(bytes: readonly number[], limit: number, positions: number): void {
  const most = Math.max(0, ...bytes)
  if (most <= limit) return
  const message = `A text of ${positions} tokens needs a buffer of ${most} bytes here; this device binds ${limit}.`
  throw new TokenscopeError('limit', message, {
    hint: 'Use a shorter text, or no edits of attention scores.',
    details: { positions, bytes: most, limit },
  })
}

/** The programs of live forwards under one set of adapters, and the activations they share. */
export class LivePrograms {
  private readonly arena: readonly LedgerBuffer[]
  private readonly lowered = new Map<string, Lowered>()
  private readonly bound = new Map<string, Promise<BoundProgram>>()
  private readonly runner: LiveSource
  private readonly changes: ForwardChanges
  private readonly reach: Reach

  /** `reach`: how long texts may be by now. */
  constructor(runner: LiveSource, changes: ForwardChanges, reach: Reach) {
    this.runner = runner
    this.changes = changes
    this.reach = reach
    // Programs of fewer rows are lowered as one of these is, and their outputs are smaller.
    const slotBytes: number[] = []
    for (const rows of [MATVEC_ROWS, MAX_ROWS]) {
      const { bytes } = this.lower(rows, MAX_LOGIT_ROWS).arena
      bytes.forEach((size, i) => (slotBytes[i] = Math.max(slotBytes[i] ?? 0, size)))
    }
    checkBindable(slotBytes, runner.executor.ledger.largestBinding, reach.positions)
    this.arena = slotBytes.map((size, i) =>
      runner.executor.ledger.create(
        `activations:${i}`,
        size,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
      ),
    )
  }

  get adapters(): BoundAdapters | null {
    return this.changes.adapters
  }

  get edits(): EditSet | null {
    return this.changes.edits
  }

  /** Recording and fusing a deep model takes longer than a token: one program serves all that differ in rows alone. */
  private lower(rows: number, logitRows: number): Lowered {
    const size = {
      rows: rows <= MATVEC_ROWS ? MATVEC_ROWS : MAX_ROWS,
      logitRows: logitRows === 0 ? 0 : MAX_LOGIT_ROWS,
      positions: this.reach.positions,
    }
    const key = `${size.rows}/${size.logitRows}`
    const cached = this.lowered.get(key)
    if (cached) return cached
    const program = this.runner.record(size, [], this.changes)
    const lowered = { program, arena: planArena(program, OWN) }
    this.lowered.set(key, lowered)
    return lowered
  }

  /** The bound program for at least these counts; bound once. */
  get(rows: number, logitRows: number): Promise<BoundProgram> {
    const key = `${rowBucket(rows)}/${logitRows === 0 ? 0 : rowBucket(logitRows)}`
    const cached = this.bound.get(key)
    if (cached) return cached
    const bound = this.bind(rowBucket(rows), logitRows === 0 ? 0 : rowBucket(logitRows))
    this.bound.set(key, bound)
    return bound
  }

  /** Binds whatever another set had bound, so that a swap compiles nothing later. */
  async prepareLike(other: LivePrograms): Promise<void> {
    await Promise.all(
      [...other.bound.keys()].map((key) => {
        const [rows = 1, logitRows = 0] = key.split('/').map(Number)
        return this.get(rows, logitRows)
      }),
    )
  }

  private bind(rows: number, logitRows: number): Promise<BoundProgram> {
    const { runner, reach } = this
    const {
      program: largest,
      arena: { slots },
    } = this.lower(rows, logitRows)
    const program = resized(largest, { rows, logitRows })
    const shapes = new Map(program.steps.map((step) => [step.name, shapeOf(step)]))
    const resources = runner.resources(
      {
        batch: runner.batch.gpu,
        pages: (layer) => runner.pool.layer(layer),
        scratch: (bytes) => {
          invariant(bytes <= reach.scratch.bytes, 'decode attention fits its scratch')
          return reach.scratch.gpu
        },
        tensor: (name) => {
          if (name === 'logits') return runner.logits.gpu
          const slot = this.arena[slots.get(name) ?? -1]
          const shape = shapes.get(name)
          invariant(slot && shape && tensorBytes(shape) <= slot.bytes, `${name} fits its slot`)
          return slot.gpu
        },
      },
      this.changes,
      reach.ropeTables,
    )
    const { dispatchesOf } = runner
    return runner.executor.bind(program, dispatchesOf ? { ...resources, dispatchesOf } : resources)
  }

  /** Programs are bound anew when they are next asked for: buffers of theirs were replaced. Submitted forwards still finish. */
  async bindAgain(): Promise<void> {
    const previous = [...this.bound.values()]
    this.bound.clear()
    for (const settled of await Promise.allSettled(previous))
      if (settled.status === 'fulfilled') this.runner.executor.ledger.destroy(settled.value.params)
  }

  /** Frees the activations and parameters; forwards already submitted still finish. */
  dispose(): Promise<void> {
    for (const buffer of this.arena) this.runner.executor.ledger.destroy(buffer)
    return this.bindAgain()
  }
}
