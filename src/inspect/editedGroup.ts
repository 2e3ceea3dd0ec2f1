import type { EditEffect } from '../api/editEffects.ts'
import type { Edit } from '../api/forward.ts'
import { invariant, throwIfAborted } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import { behindEdits, leadingTo } from '../program/behind.ts'
import { rawName } from '../program/changes.ts'
import { elementsOf, shapeOf, type Program, type Step } from '../program/step.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'
import { underEdits } from '../run/conditions.ts'
import { EditSet } from '../run/editSet.ts'
import { EVERY_STEP } from '../run/everyStep.ts'
import { InspectionRun, type BoundForward } from '../run/inspectionRun.ts'
import type { BaseLogits } from './divergence.ts'
import type { ForwardInput } from './forward.ts'
import type { TakeTurn } from './turn.ts'

interface NumberedSet {
  /** Among those asked for. */
  readonly set: number
  readonly edits: readonly Edit[]
}

/** A step of the edited forward whose rows are copied from the forward without edits, which has it as `base`. */
interface Taken {
  readonly step: Step
  readonly base: string
}

/** The forward behind the edits, bound to the rows of a chunk. */
interface Bound {
  readonly run: InspectionRun
  readonly forward: BoundForward
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
  /** Rows of the text, alike for every set but for their pages and slot. */
  readonly rows: readonly BatchRow[]
}

/** Sets of edits that begin in the same layer: each is a sequence of its own over the same tokens, told apart by its slot. */
export class EditedGroup {
  readonly takenBytes: number
  readonly #input: ForwardInput
  readonly #sets: readonly NumberedSet[]
  readonly #edits: EditSet
  readonly #taken: readonly Taken[]
  /** Rows of one forward. */
  readonly #chunk: number

  /** `chunk`: most rows of a forward. @throws `bad-argument` for an edit at no step. */
  constructor(input: ForwardInput, sets: readonly NumberedSet[], chunk: number) {
    const { runner, ids, conditions } = input
    this.#input = input
    this.#sets = sets
    this.#chunk = Math.min(chunk, sets.length * ids.length)
    const program = runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
    const slots = sets.flatMap(({ edits }, slot) => edits.map(() => slot))
    const all = sets.flatMap(({ edits }) => edits)
    this.#edits = new EditSet(runner.device, runner.ledger, program, all, slots)
    const names = new Map(all.map(({ step }) => [rawName(step), step]))
    const changes = { adapters: runner.adapters, edits: this.#edits, mask: conditions.mask }
    const size = { rows: ids.length, logitRows: ids.length, positions: ids.length }
    const { takes } = behindEdits(runner.record(size, EVERY_STEP, changes))
    this.#taken = takes.map((step) => ({ step, base: names.get(step.name) ?? step.name }))
    this.takenBytes = takes.reduce((sum, step) => sum + tensorBytes(shapeOf(step)), 0)
  }

  /** Steps of the forward without edits that it begins from. */
  get taken(): readonly string[] {
    return this.#taken.map(({ base }) => base)
  }

  /** Effects of the sets, as many at a time as a forward completes; `fullRows` holds all rows of what it takes. */
  async *run(
    fullRows: ReadonlyMap<string, LedgerBuffer>,
    base: BaseLogits,
    { turn, signal }: { turn: TakeTurn; signal?: AbortSignal | undefined },
  ): AsyncGenerator<readonly EditEffect[]> {
    const { ids } = this.#input
    const total = this.#sets.length * ids.length
    const run = this.#open()
    try {
      const kl = this.#sets.map((): number[] => [])
      let bound: Bound | null = null
      for (let begin = 0; begin < total; begin += this.#chunk) {
        throwIfAborted(signal)
        const end = Math.min(total, begin + this.#chunk)
        const logits = await turn(async () => {
          bound ??= await this.#bind(run)
          return this.#runRows(bound, fullRows, begin, end)
        })
        yield this.#addRows(logits, base, begin, kl)
      }
    } finally {
      run.dispose()
    }
  }

  #open(): InspectionRun {
    const { runner, ids, conditions, length } = this.#input
    // Sequences of one forward, and one more that goes on in the next.
    const sequences = Math.min(this.#sets.length, Math.ceil(this.#chunk / ids.length) + 1)
    const textLength = length ?? ids.length
    return new InspectionRun(runner, ids.length, underEdits(conditions, this.#edits), {
      sequences,
      textLength,
    })
  }

  async #bind(run: InspectionRun): Promise<Bound> {
    const { runner, ids } = this.#input
    const taken = this.#taken.map(({ step }) => step.name)
    const size = { rows: this.#chunk, logitRows: this.#chunk, positions: ids.length }
    const lowered = runner.record(size, [...taken, 'logits'], run.changes)
    const program: Program = { ...lowered, steps: leadingTo(lowered, ['logits'], new Set(taken)) }
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    const tensors = new Map(
      lowered.steps
        .filter(({ name }) => name === 'logits' || taken.includes(name))
        .map((step) => {
          const bytes = tensorBytes(shapeOf(step))
          return [step.name, run.create(step.name, bytes, STORAGE | COPY_SRC | COPY_DST)]
        }),
    )
    return { run, forward: await run.bind(program, tensors), tensors, rows: run.rows(ids, 0, false) }
  }

  /** Runs rows `[begin, end)` of all sets one after the other; their logits, row by row. */
  #runRows(
    { run, forward, tensors, rows }: Bound,
    fullRows: ReadonlyMap<string, LedgerBuffer>,
    begin: number,
    end: number,
  ): Promise<Float32Array> {
    const { runner, ids } = this.#input
    const batch = Array.from({ length: end - begin }, (_, i): BatchRow => {
      const set = Math.floor((begin + i) / ids.length)
      const row = rows[(begin + i) % ids.length]
      const pages = run.tables[set % run.tables.length]
      invariant(row && pages, 'every row of a set is one of the text')
      return { ...row, pages, slot: set, logits: plainLogits(i) }
    })
    const copyTaken = (encoder: GPUCommandEncoder): void => {
      for (const { step, base } of this.#taken) {
        const [from, to] = [fullRows.get(base), tensors.get(step.name)]
        invariant(from && to, `${base} is taken over`)
        const bytes = (elementsOf(step) / ids.length) * 4
        copyRows(encoder, from.gpu, to.gpu, { begin, end, length: ids.length, bytes })
      }
    }
    run.submit(forward, batch, { label: 'edited', beforePass: copyTaken })
    const logits = tensors.get('logits')
    invariant(logits, 'logits are read back')
    return runner.executor.readElements(logits.gpu, [[0, (end - begin) * runner.model.vocab]])
  }

  /** Adds the rows of a chunk to `kl`, by set; the sets that are complete now. */
  #addRows(logits: Float32Array, base: BaseLogits, begin: number, kl: readonly number[][]): EditEffect[] {
    const { ids, runner } = this.#input
    const { vocab } = runner.model
    const complete: EditEffect[] = []
    for (let i = 0; i * vocab < logits.length; i++) {
      const slot = Math.floor((begin + i) / ids.length)
      const [setKl, asked] = [kl[slot], this.#sets[slot]]
      invariant(setKl && asked, 'every row is of a set')
      setKl.push(base.divergence(setKl.length, logits.subarray(i * vocab, (i + 1) * vocab)))
      if (setKl.length === ids.length) complete.push({ set: asked.set, kl: setKl })
    }
    return complete
  }

  dispose(): void {
    this.#edits.dispose()
  }
}

/** Copies rows `[begin, end)` of a text that is repeated without end from where it lies once. */
function copyRows(
  encoder: GPUCommandEncoder,
  from: GPUBuffer,
  to: GPUBuffer,
  { begin, end, length, bytes }: { begin: number; end: number; length: number; bytes: number },
): void {
  for (let at = begin; at < end;) {
    const row = at % length
    const count = Math.min(end - at, length - row)
    encoder.copyBufferToBuffer(from, row * bytes, to, (at - begin) * bytes, count * bytes)
    at += count
  }
}
