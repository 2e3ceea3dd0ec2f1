import { TokenscopeError, invariant } from '../errors.ts'
import { MAX_SUMMANDS } from '../ops/backward/elementwise.ts'
import { lmHeadRule } from '../ops/backward/head.ts'
import { ruleOf } from '../ops/backward/index.ts'
import type { BackwardStep, LoraPart, Tape } from '../ops/backward/tape.ts'
import type { OpName } from '../program/attrs.ts'
import { elementsOf, isOp, type Step } from '../program/step.ts'
import type { LossProgram } from './program.ts'

/** What a backward pass is written for. */
export interface GradientRequest {
  /** Adapters on a product, and which of them are trained. */
  readonly lora: (step: Step) => LoraPart | null
  /** True: gradients of everything are wanted, whether or not something is trained before it. */
  readonly everything: boolean
}

/** The backward pass of a forward. */
export interface Backward {
  readonly steps: readonly Step[]
  /** Gradient of each step's output that is wanted: what flowed back from its only reader, or the sum over its readers. */
  readonly gradients: ReadonlyMap<string, string>
}

/** Names of the outputs that something trained comes before. */
function wantedOutputs({ steps }: LossProgram, { lora, everything }: GradientRequest): Set<string> {
  const wanted = new Set<string>()
  for (const step of steps) {
    const trains = isOp(step, 'linear') && lora(step)?.trained
    if (everything || trains || step.inputs.some((input) => wanted.has(input))) wanted.add(step.name)
  }
  return wanted
}

class BackwardTape implements Tape {
  readonly steps: Step[] = []
  readonly gradients = new Map<string, string>()
  readonly #flowing = new Map<string, string[]>()
  readonly #byName: ReadonlyMap<string, Step>
  readonly #wanted: ReadonlySet<string>
  readonly #lora: GradientRequest['lora']

  constructor(program: LossProgram, request: GradientRequest) {
    this.#byName = new Map(program.steps.map((step) => [step.name, step]))
    this.#wanted = wantedOutputs(program, request)
    this.#lora = request.lora
  }

  step(name: string): Step {
    const step = this.#byName.get(name)
    invariant(step, `the forward has a step ${name}`)
    return step
  }

  wants(name: string): boolean {
    return this.#wanted.has(name)
  }

  lora(step: Step): LoraPart | null {
    return this.#lora(step)
  }

  emit<O extends OpName>(of: Step, op: O, parts: BackwardStep<O>): string {
    const { name, inputs, attrs, axes, params = [], rows = 'all', flops } = parts
    const { layer } = of
    // A generic step of op O is one of the union; TypeScript does not follow that through the mapped type.
    const step = {
      name,
      op,
      layer,
      inputs,
      params,
      attrs,
      axes,
      stream: null,
      saves: [],
      rows,
      flops,
      covers: [],
    }
    this.steps.push(step as unknown as Step)
    return name
  }

  flow(of: string, gradient: string): void {
    this.#flowing.set(of, [...(this.#flowing.get(of) ?? []), gradient])
  }

  /** The gradient of a step's output, once all its readers have been gone through. Null where none flows back. */
  arrived(step: Step): string | null {
    let parts = this.#flowing.get(step.name) ?? []
    for (let n = 0; parts.length > 1; n++) {
      const taken = parts.slice(0, MAX_SUMMANDS)
      const isLast = taken.length === parts.length
      const sum = this.emit(step, 'sum', {
        name: isLast ? `${step.name}.dy` : `${step.name}.dy.part${n}`,
        inputs: taken,
        attrs: {},
        axes: step.axes,
        flops: (taken.length - 1) * elementsOf(step),
      })
      parts = [sum, ...parts.slice(MAX_SUMMANDS)]
    }
    const [gradient = null] = parts
    if (gradient !== null) this.gradients.set(step.name, gradient)
    return gradient
  }
}

/** Ops that nothing trained comes before: what they read is given. */
const SOURCES: readonly OpName[] = ['embed', 'embed_lora']

function refuse(step: Step): TokenscopeError {
  return new TokenscopeError(
    'unsupported',
    `Training cannot go back through ${step.name}: ${step.op} has no backward rule.`,
    {
      hint: 'Adapters behind this step can be trained, or another model.',
      details: { step: step.name, op: step.op },
    },
  )
}

/**
 * Writes the backward pass of a forward: its steps from the last to the first, each by its op's rule. Only steps on a path from the
 * loss to what is wanted are there. @throws `unsupported`, naming the step whose op has no rule.
 */
export function backward(program: LossProgram, request: GradientRequest): Backward {
  const tape = new BackwardTape(program, request)
  lmHeadRule(program, tape)
  for (const step of program.steps.toReversed()) {
    const dy = tape.wants(step.name) ? tape.arrived(step) : null
    if (dy === null || SOURCES.includes(step.op)) continue
    const rule = ruleOf(step)
    if (!rule) throw refuse(step)
    rule(step, dy, tape)
  }
  return { steps: tape.steps, gradients: tape.gradients }
}

/** The steps that `roots` need, in order. */
export function reaching(steps: readonly Step[], roots: ReadonlySet<string>): Step[] {
  const needed = new Set(roots)
  const kept: Step[] = []
  for (const step of steps.toReversed()) {
    if (!needed.has(step.name)) continue
    kept.push(step)
    for (const input of step.inputs) needed.add(input)
  }
  return kept.toReversed()
}
