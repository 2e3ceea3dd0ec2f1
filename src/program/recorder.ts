import { invariant } from '../errors.ts'
import type { Attrs, OpName } from './attrs.ts'
import type { FusionRule } from './fuse.ts'
import {
  elements,
  isOp,
  localName,
  type Axis,
  type ParamRef,
  type Program,
  type ProgramSize,
  type RowSet,
  type Step,
  type StepOf,
} from './step.ts'

interface StepParts<O extends OpName> {
  inputs: readonly Step[]
  attrs: Attrs[O]
  axes: readonly Axis[]
  /** Per element of the output. */
  flops: number
  params?: readonly ParamRef[]
  rows?: RowSet
}

/** What the backward rule of each op of a paper reads of the forward: its inputs by index, or its own output. */
const SAVES: Partial<Record<OpName, readonly (number | 'output')[]>> = {
  rms_norm: [0],
  layer_norm: [0],
  linear: [0],
  scores: [0, 1],
  softmax: ['output'],
  context: [0, 1],
  gate: [0, 1],
  activation: [0],
  scaled_add: [1, 2],
  router_weights: [0, 1],
  expert_linear: [0, 1],
  expert_sum: [0, 1],
}

/** Collects the steps of a forward pass in order, as an architecture names them. */
export class Recorder {
  readonly size: Readonly<ProgramSize>
  readonly #steps: Step[] = []
  readonly #names = new Set<string>()
  readonly #rules = new Set<FusionRule>()
  #layer: number | null = null

  constructor(size: ProgramSize) {
    this.size = size
  }

  /** Number of the layer that steps are recorded in, null outside. */
  get layer(): number | null {
    return this.#layer
  }

  enterLayer(layer: number | null): void {
    this.#layer = layer
  }

  /** Name of a step of the current layer. */
  nameOf(local: string): string {
    return this.#layer === null ? local : `layers.${this.#layer}.${local}`
  }

  /** `[rows, width]`, of so many heads where there are any. */
  features(width: number, heads?: number): Axis[] {
    const features: Axis =
      heads === undefined ? { kind: 'features', size: width } : { kind: 'features', size: width, heads }
    return [{ kind: 'rows', size: this.size.rows }, features]
  }

  step<O extends OpName>(
    name: string,
    op: O,
    { inputs, attrs, axes, flops, params = [], rows = 'all' }: StepParts<O>,
  ): Step {
    const full = this.nameOf(name)
    invariant(!this.#names.has(full), `two steps are named ${full}`)
    this.#names.add(full)
    const names = inputs.map((input) => input.name)
    const saves = (SAVES[op] ?? []).flatMap((what) => (what === 'output' ? [full] : (names[what] ?? [])))
    const step: StepOf<O> = {
      name: full,
      op,
      layer: this.#layer,
      inputs: names,
      params,
      attrs,
      axes,
      stream: null,
      saves,
      rows,
      flops: flops * elements(axes.map(({ size }) => size)),
      covers: [],
    }
    // A generic step of op O is one of the union; TypeScript does not follow that through the mapped type.
    const recorded = step as unknown as Step
    this.#steps.push(recorded)
    return recorded
  }

  /** Has `fuse` try this rule before its own. */
  fuseBy(rule: FusionRule): void {
    this.#rules.add(rule)
  }

  finish(): Program {
    const rules = [...this.#rules]
    return { ...this.size, steps: relateToStream(this.#steps), ...(rules.length > 0 && { rules }) }
  }
}

/** True for the residual stream itself: its start and what each addition makes of it. */
export function isStream(step: Step): boolean {
  return isOp(step, 'add') || localName(step) === 'embed'
}

/** Marks which steps read the residual stream as it is, and whose output is added to it. */
function relateToStream(steps: readonly Step[]): Step[] {
  const stream = new Set(steps.filter(isStream).map(({ name }) => name))
  const added = new Set(steps.filter((step) => isOp(step, 'add')).flatMap(({ inputs }) => inputs))
  return steps.map((step) => {
    const starts = isStream(step) && !isOp(step, 'add')
    if (starts || (added.has(step.name) && !stream.has(step.name))) return { ...step, stream: 'writes' }
    const reads = !isOp(step, 'add') && step.inputs.some((input) => stream.has(input))
    return reads ? { ...step, stream: 'reads' } : step
  })
}
