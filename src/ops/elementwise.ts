import activationWgsl from '../../shaders/ops/activation.wgsl?raw'
import addWgsl from '../../shaders/ops/add.wgsl?raw'
import gateWgsl from '../../shaders/ops/gate.wgsl?raw'
import positionScaleWgsl from '../../shaders/ops/position_scale.wgsl?raw'
import positionsWgsl from '../../shaders/ops/positions.wgsl?raw'
import scaledAddWgsl from '../../shaders/ops/scaled_add.wgsl?raw'
import { kernel } from '../gpu/providers.ts'
import { elementsOf, widthOf } from '../program/step.ts'
import { factorFormula, formatNumber, gateFormula } from './formulas.ts'
import { elementGrid, inputOf, read, vectorOf, write, type Op } from './op.ts'

export const add: Op<'add'> = {
  formula: ({ attrs }) => `y = a + ${factorFormula(attrs.scale)}b`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'add', text: addWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
        ],
        params: { n, scale: step.attrs.scale },
        grid: elementGrid(n, context),
      },
    ]
  },
}

export const scaledAdd: Op<'scaled_add'> = {
  formula: () => 'y = a + s·b',
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'scaled_add', text: scaledAddWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
          read(5, inputOf(step, 2, context)),
        ],
        params: { n },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** act(gate) ∘ up (Shazeer 2020). Both halves may lie in one fused product. */
export const gate: Op<'gate'> = {
  formula: ({ attrs }) => `y = ${gateFormula(attrs)}`,
  dispatches(step, context) {
    const n = widthOf(step)
    const stride = step.inputs[0] === step.inputs[1] ? 2 * n : n
    const { clamp } = step.attrs
    const rows = elementsOf(step) / n
    return [
      {
        shader: kernel({ name: 'gate', text: gateWgsl }, [
          'activations',
          `activate_${step.attrs.activation}`,
          clamp ? 'gate_clamped' : 'gate_plain',
        ]),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
        ],
        params: {
          n,
          rows_each: rows / context.size.rows,
          gate_stride: stride,
          gate_offset: 0,
          up_stride: stride,
          up_offset: stride - n,
          limit: clamp?.limit ?? 0,
          alpha: clamp?.alpha ?? 0,
        },
        grid: [Math.ceil(n / context.variant.workgroup), rows, 1],
      },
    ]
  },
}

export const activation: Op<'activation'> = {
  formula: ({ attrs }) => `y = ${attrs.activation}(x)`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'activation', text: activationWgsl }, [
          'activations',
          `activate_${step.attrs.activation}`,
        ]),
        bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
        params: { n },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** Learned positions on top of what is not the embedding itself. */
export const positions: Op<'positions'> = {
  formula: () => 'y = x + P[position]',
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'positions', text: positionsWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          write(4, context.tensor(step.name)),
          read(5, vectorOf(step, 0, context)),
        ],
        params: { n },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** Queries that grow with each further context, as Llama 4 scales them. */
export const positionScale: Op<'position_scale'> = {
  formula: ({ attrs }) => `y = x·(1 + ${formatNumber(attrs.beta)}·ln(1 + ⌊position / ${attrs.context}⌋))`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'position_scale', text: positionScaleWgsl }, []),
        bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
        params: { n, ...step.attrs },
        grid: elementGrid(n, context),
      },
    ]
  },
}
