import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { planArena, tensorBytes } from '../program/arena.ts'
import { shapeOf, type Program, type ProgramSize } from '../program/step.ts'
import type { BindResources, BoundProgram } from './bind.ts'
import type { BoundAdapters, ForwardChanges } from './changes.ts'
import type { EditSet } from './editSet.ts'
import type { Executor } from './executor.ts'
import { MAX_LOGIT_ROWS, ROW_BUCKETS, rowBucket } from './rows.ts'

const OWN: ReadonlySet<string> = new Set(['logits'])

/** What live programs are recorded from and bound to. */
export interface LiveSource {
  readonly executor: Executor
  readonly context: number
  readonly pool: { layer(n: number): { k: GPUBuffer; v: GPUBuffer } }
  readonly logits: LedgerBuffer
  readonly batch: LedgerBuffer
  readonly scratch: LedgerBuffer
  record(size: ProgramSize, observed: readonly string[], changes: ForwardChanges): Program
  resources(
    own: Pick<BindResources, 'tensor' | 'scratch' | 'pages' | 'batch'>,
    changes: ForwardChanges,
  ): BindResources
}

/** The programs of live forwards under one set of adapters, and the activations they share. */
export class LivePrograms {
  private readonly arena: readonly LedgerBuffer[]
  private readonly bound = new Map<string, Promise<BoundProgram>>()
  private readonly runner: LiveSource
  private readonly changes: ForwardChanges

  constructor(runner: LiveSource, changes: ForwardChanges) {
    this.runner = runner
    this.changes = changes
    const slotBytes: number[] = []
    for (const rows of ROW_BUCKETS) {
      const { bytes } = planArena(this.program(rows, Math.min(rows, MAX_LOGIT_ROWS)), OWN)
      bytes.forEach((size, i) => (slotBytes[i] = Math.max(slotBytes[i] ?? 0, size)))
    }
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

  private program(rows: number, logitRows: number): Program {
    return this.runner.record({ rows, logitRows, positions: this.runner.context }, [], this.changes)
  }

  /** The bound program for at least these counts; bound once. */
  get(rows: number, logitRows: number): Promise<BoundProgram> {
    const key = `${rowBucket(rows)}/${logitRows === 0 ? 0 : rowBucket(logitRows)}`
    const known = this.bound.get(key)
    if (known) return known
    const made = this.bind(rowBucket(rows), logitRows === 0 ? 0 : rowBucket(logitRows))
    this.bound.set(key, made)
    return made
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
    const { runner } = this
    const program = this.program(rows, logitRows)
    const { slots } = planArena(program, OWN)
    const shapes = new Map(program.steps.map((step) => [step.name, shapeOf(step)]))
    const resources = runner.resources(
      {
        batch: runner.batch.gpu,
        pages: (layer) => runner.pool.layer(layer),
        scratch: (bytes) => {
          invariant(bytes <= runner.scratch.bytes, 'decode attention fits its scratch')
          return runner.scratch.gpu
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
    )
    return runner.executor.bind(program, resources)
  }

  /** Frees the activations and parameters; forwards already submitted still finish. */
  async dispose(): Promise<void> {
    for (const buffer of this.arena) this.runner.executor.ledger.destroy(buffer)
    for (const { params } of await Promise.all(this.bound.values()))
      this.runner.executor.ledger.destroy(params)
  }
}
