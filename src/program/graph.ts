import { invariant } from '../errors.ts'
import type { OpName } from './attrs.ts'
import { stacksOf, type Stack } from './stacks.ts'
import { isOp, matchesPattern, type Program, type Step } from './step.ts'

/** A program as a graph: which step makes a tensor, which steps read it, and what is observed. */
export class Graph {
  readonly program: Program
  readonly #byName: ReadonlyMap<string, Step>
  readonly #readers = new Map<string, Step[]>()
  readonly #observed: readonly string[]
  /** By the name of their first product. */
  #stacks: ReadonlyMap<string, Stack> | null = null

  /** `observed`: names or patterns of steps whose own output is wanted. */
  constructor(program: Program, observed: readonly string[]) {
    this.program = program
    this.#observed = observed
    this.#byName = new Map(program.steps.map((step) => [step.name, step]))
    for (const step of program.steps) {
      for (const input of new Set(step.inputs)) {
        const readers = this.#readers.get(input)
        if (readers) readers.push(step)
        else this.#readers.set(input, [step])
      }
    }
  }

  /** The stack that these products are, in order; null where they are none or not all of one. */
  stackOf(products: readonly Step[]): Stack | null {
    this.#stacks ??= new Map(stacksOf(this.program).map((stack) => [stack.members[0]?.name ?? '', stack]))
    const stack = this.#stacks.get(products[0]?.name ?? '')
    const isWhole = stack?.members.length === products.length
    return isWhole && products.every(({ name }, i) => name === stack.members[i]?.name) ? stack : null
  }

  step(name: string): Step {
    const step = this.#byName.get(name)
    invariant(step, `no step makes ${name}`)
    return step
  }

  /** Step that makes an input, when it is of one of these ops. */
  producer<O extends OpName>(
    name: string | undefined,
    ...ops: readonly O[]
  ): Extract<Step, { op: O }> | null {
    const step = name === undefined ? undefined : this.#byName.get(name)
    return isOp(step, ...ops) ? step : null
  }

  readers(name: string): readonly Step[] {
    return this.#readers.get(name) ?? []
  }

  isObserved(name: string): boolean {
    return this.#observed.some((pattern) => matchesPattern(name, pattern))
  }

  /** True when only these steps read the output, and it is not observed: a kernel may keep it to itself. */
  isPrivate(name: string, readers: readonly Step[]): boolean {
    return !this.isObserved(name) && this.readers(name).every((reader) => readers.includes(reader))
  }
}
