import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { planArena, tensorBytes } from '../program/arena.ts'
import type { AdapterBank } from '../adapters/adapterBuffers.ts'
import { bindProgram, type BoundProgram } from './bind.ts'
import type { EditSet } from './editSet.ts'
import type { Program } from '../program/program.ts'
import { MAX_LOGIT_ROWS, ROW_BUCKETS, rowBucket, type ForwardChanges, type Runner } from './runner.ts'

const OWN: ReadonlySet<string> = new Set(['logits'])

/** The programs of live forwards under one set of adapters, and the activations they share. */
export class LivePrograms {
  private readonly arena: readonly LedgerBuffer[]
  private readonly bound = new Map<string, Promise<BoundProgram>>()
  private readonly runner: Runner
  private readonly changes: ForwardChanges

  constructor(runner: Runner, changes: ForwardChanges) {
    this.runner = runner
    this.changes = changes
    const slotBytes: number[] = []
    for (const rows of ROW_BUCKETS) {
      const { bytes } = planArena(this.program(rows, Math.min(rows, MAX_LOGIT_ROWS)), OWN)
      bytes.forEach((size, i) => (slotBytes[i] = Math.max(slotBytes[i] ?? 0, size)))
    }
    this.arena = slotBytes.map((size, i) =>
      runner.ledger.create(`activations:${i}`, size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC),
    )
  }

  get bank(): AdapterBank | null {
    return this.changes.bank
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
    const shapes = new Map(program.steps.map(({ name, shape }) => [name, shape]))
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
    return bindProgram(program, resources, runner.pipelines, runner.ledger)
  }

  /** Frees the activations and parameters; forwards already submitted still finish. */
  async dispose(): Promise<void> {
    for (const buffer of this.arena) this.runner.ledger.destroy(buffer)
    for (const { params } of await Promise.all(this.bound.values())) this.runner.ledger.destroy(params)
  }
}
