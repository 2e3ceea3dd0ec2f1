import type { LedgerBuffer } from '../gpu/ledger.ts'
import { invariant } from '../errors.ts'
import { tensorBytes } from '../program/arena.ts'
import { isOp, shapeOf, type Program, type Step } from '../program/step.ts'
import { BASE_CONDITIONS } from '../run/conditions.ts'
import { InspectionRun } from '../run/inspectionRun.ts'
import type { Runner } from '../run/runner.ts'
import { ForwardPartReader, type TracedPart } from './trace.ts'

/** The products of one part of a forward, without what makes their inputs. */
interface Products {
  readonly program: Program
  readonly inputs: readonly Step[]
}

/** What the products of one model make of the inputs that another model has put into its own. */
export class OwnProducts {
  readonly #runner: Runner
  readonly #measured: (step: Step) => boolean
  readonly #run: InspectionRun
  readonly #reader: ForwardPartReader
  readonly #products = new Map<Program, Products>()

  constructor(runner: Runner, ids: readonly number[], measured: (step: Step) => boolean) {
    this.#runner = runner
    this.#measured = measured
    this.#run = new InspectionRun(runner, ids.length, BASE_CONDITIONS)
    this.#reader = new ForwardPartReader(
      runner,
      () => true,
      ({ begin, end, program }) => this.#run.rows(ids, begin, program.logitRows > 0, end),
    )
  }

  /** Outputs of the products of a part that the other model has just run. */
  async read({ part, tensors: given }: TracedPart): Promise<ReadonlyMap<string, Float32Array>> {
    const { program, inputs } = this.#products.get(part.program) ?? this.#record(part.program, given)
    if (program.steps.length === 0) return new Map()
    const beforePass = (encoder: GPUCommandEncoder, tensors: ReadonlyMap<string, LedgerBuffer>): void => {
      for (const step of inputs) {
        const [from, to] = [given.get(step.name), tensors.get(step.name)]
        invariant(from && to, `${step.name} is carried over`)
        encoder.copyBufferToBuffer(from.gpu, 0, to.gpu, 0, tensorBytes(shapeOf(step)))
      }
    }
    const { begin, end } = part
    const run = this.#run
    const { read } = await this.#reader.read({
      run,
      program,
      begin,
      end,
      carried: inputs,
      copyIn: beforePass,
      copyOut: () => undefined,
    })
    return read
  }

  #record(like: Program, given: ReadonlyMap<string, LedgerBuffer>): Products {
    const products = like.steps.filter(
      (step) => isOp(step, 'linear') && this.#measured(step) && given.has(step.inputs[0] ?? ''),
    )
    const names = new Set(products.map(({ name }) => name))
    const inputs = new Set(products.map((step) => step.inputs[0] ?? ''))
    const { rows, logitRows, positions } = like
    // Of the base: without adapters, whose parts are no products of the model.
    const fine = this.#runner.record({ rows, logitRows, positions }, [...names, ...inputs], {
      adapters: null,
      edits: null,
    })
    const recorded: Products = {
      program: { ...fine, steps: fine.steps.filter(({ name }) => names.has(name)) },
      inputs: fine.steps.filter(({ name }) => inputs.has(name)),
    }
    this.#products.set(like, recorded)
    return recorded
  }

  dispose(): void {
    this.#run.dispose()
  }
}
