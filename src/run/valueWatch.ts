import watchWgsl from '../../shaders/ops/watch.wgsl?raw'
import type { WatchedStep } from '../api/model.ts'
import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { kernel } from '../gpu/providers.ts'
import { dispatchesOf } from '../ops/index.ts'
import { read, write, type Dispatch, type OpContext } from '../ops/op.ts'
import { elements, rowAxis, shapeOf, type RowSet, type Step } from '../program/step.ts'
import type { Runner } from './runner.ts'

const WORDS = 4
/** Values a thread looks at, as the kernel has it. */
const RUN = 16
/** Which rows of an output are of the batch, as the kernel tells them apart. */
const SETS: Record<RowSet, number> = { all: 0, packed: 1, logits: 2 }
/** Steps that adapters and edits may put beside each recorded one, and itself. */
const NAMES_PER_STEP = 8

/** A step's place in the counts, and in the forward. */
interface Place {
  at: number
  order: number
  covers: readonly string[]
}

/**
 * Counts values of every step of live forwards while they run: one dispatch more behind each step, which adds to counts that stay on
 * the GPU until they are read. Scores and probabilities by position are left out: what is masked there is −∞ by design.
 */
export class ValueWatch {
  readonly #runner: Runner
  readonly #counts: LedgerBuffer
  readonly #places = new Map<string, Place>()
  /** Steps as recorded, in order. */
  readonly #order: ReadonlyMap<string, number>
  readonly #capacity: number

  constructor(runner: Runner) {
    this.#runner = runner
    const { steps } = runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
    this.#order = new Map(steps.map(({ name }, i) => [name, i]))
    this.#capacity = steps.length * NAMES_PER_STEP
    const { STORAGE, COPY_SRC } = GPUBufferUsage
    this.#counts = runner.ledger.create('watch', this.#capacity * WORDS * 4, STORAGE | COPY_SRC)
  }

  /** A step as it is dispatched anyway, and its count. */
  readonly dispatches = (step: Step, context: OpContext): Dispatch[] => {
    const computed = dispatchesOf(step, context)
    if (step.axes.some(({ kind }) => kind === 'positions')) return computed
    const shape = shapeOf(step)
    const axis = rowAxis(step)
    const rows = shape[axis] ?? 1
    const [outer, inner] = [elements(shape.slice(0, axis)), elements(shape.slice(axis + 1))]
    const across = Math.ceil(inner / (RUN * context.variant.workgroup))
    const active = step.rows === 'logits' ? context.size.logitRows : rows
    const count: Dispatch = {
      shader: kernel({ name: 'watch', text: watchWgsl }, []),
      bindings: [read(2, context.tensor(step.name)), write(3, this.#counts.gpu)],
      params: { inner, rows, picked: SETS[step.rows], at: this.#place(step).at },
      grid: [across, active, outer],
    }
    return [...computed, count]
  }

  #place(step: Step): Place {
    const cached = this.#places.get(step.name)
    if (cached) return cached
    invariant(this.#places.size < this.#capacity, `there is room to count ${step.name}`)
    const recorded = this.#order.get(step.covers.at(-1) ?? step.name)
    // What adapters and edits add comes behind what it reads.
    const read = Math.max(-1, ...step.inputs.map((name) => this.#places.get(name)?.order ?? -1))
    const place = { at: this.#places.size, order: recorded ?? read + 0.5, covers: step.covers }
    this.#places.set(step.name, place)
    return place
  }

  /** What was counted so far, in the order of the forward. Throws `device-lost`. */
  async read(): Promise<WatchedStep[]> {
    const places = [...this.#places].toSorted(([, a], [, b]) => a.order - b.order)
    const bytes = await this.#runner.read(this.#counts.gpu, 0, places.length * WORDS * 4)
    const [words, floats] = [new Uint32Array(bytes), new Float32Array(bytes)]
    return places.map(([step, { at, covers }]) => ({
      step,
      covers,
      nan: words[at * WORDS] ?? 0,
      infinite: words[at * WORDS + 1] ?? 0,
      large: words[at * WORDS + 2] ?? 0,
      peak: floats[at * WORDS + 3] ?? 0,
    }))
  }

  dispose(): void {
    this.#runner.ledger.destroy(this.#counts)
  }
}
