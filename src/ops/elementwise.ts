import activationWgsl from '../../shaders/ops/activation.wgsl?raw'
import addWgsl from '../../shaders/ops/add.wgsl?raw'
import gateWgsl from '../../shaders/ops/gate.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel } from '../gpu/providers.ts'
import type { Step } from '../program/program.ts'
import { read, write, type Op, type OpContext } from './op.ts'

function grid(n: number, { program, variant }: OpContext): readonly [number, number, number] {
  return [Math.ceil(n / variant.workgroup), program.rows, 1]
}

const width = (step: Step): number => step.shape.at(-1) ?? 0

export const add: Op = {
  formula: () => 'y = a + b',
  dispatches(step, context) {
    const [a, b] = step.inputs
    invariant(a !== undefined && b !== undefined, `${step.name} has two inputs`)
    return [
      {
        shader: kernel({ name: 'add', text: addWgsl }, []),
        bindings: [
          read(2, context.tensor(a)),
          read(3, context.tensor(b)),
          write(4, context.tensor(step.name)),
        ],
        params: [width(step)],
        grid: grid(width(step), context),
      },
    ]
  },
}

/** act(gate) ∘ up (Shazeer 2020). Both halves may lie in one fused product. */
export const gate: Op = {
  formula: (_, { spec }) => `y = ${spec.activation}(gate) ∘ up`,
  dispatches(step, context) {
    const [g, u] = step.inputs
    invariant(g !== undefined && u !== undefined, `${step.name} has two inputs`)
    const n = width(step)
    const layout = g === u ? [n, 2 * n, 0, 2 * n, n] : [n, n, 0, n, 0]
    return [
      {
        shader: kernel({ name: 'gate', text: gateWgsl }, [
          'activations',
          `activate_${context.program.spec.activation}`,
        ]),
        bindings: [
          read(2, context.tensor(g)),
          read(3, context.tensor(u)),
          write(4, context.tensor(step.name)),
        ],
        params: layout,
        grid: grid(n, context),
      },
    ]
  },
}

export const activation: Op = {
  formula: (_, { spec }) => `y = ${spec.activation}(x)`,
  dispatches(step, context) {
    const [x] = step.inputs
    invariant(x !== undefined, `${step.name} has an input`)
    return [
      {
        shader: kernel({ name: 'activation', text: activationWgsl }, [
          'activations',
          `activate_${context.program.spec.activation}`,
        ]),
        bindings: [read(2, context.tensor(x)), write(4, context.tensor(step.name))],
        params: [width(step)],
        grid: grid(width(step), context),
      },
    ]
  },
}
