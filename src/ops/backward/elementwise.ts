import activationDxWgsl from '../../../shaders/backward/activation_dx.wgsl?raw'
import gateDxWgsl from '../../../shaders/backward/gate_dx.wgsl?raw'
import scaledWgsl from '../../../shaders/backward/scaled.wgsl?raw'
import slopeWgsl from '../../../shaders/backward/slope.wgsl?raw'
import sumWgsl from '../../../shaders/backward/sum.wgsl?raw'
import { invariant } from '../../errors.ts'
import { kernel } from '../../gpu/providers.ts'
import type { Activation } from '../../program/attrs.ts'
import { elementsOf, widthOf } from '../../program/step.ts'
import { factorFormula } from '../formulas.ts'
import { elementGrid, inputOf, read, write, type Op } from '../op.ts'
import type { BackwardRule } from './tape.ts'

/** Numbers by which slope.wgsl tells the activations apart. */
const ACTIVATIONS: Readonly<Record<Activation, number>> = {
  silu: 0,
  gelu: 1,
  gelu_tanh: 2,
  gelu_sigmoid: 3,
  relu: 4,
  relu_squared: 5,
  sigmoid: 6,
}

const slope = { name: 'backward/slope.wgsl', text: slopeWgsl }

/** Both branches of a residual take the gradient as it is; the one with a factor times it. */
export const addRule: BackwardRule<'add'> = (step, dy, tape) => {
  const [stream = '', branch = ''] = step.inputs
  if (tape.wants(stream)) tape.flow(stream, dy)
  if (!tape.wants(branch)) return
  const { scale } = step.attrs
  const attrs = { factor: scale }
  const emitScaled = (): string =>
    tape.emit(step, 'scaled', {
      name: `${step.name}.dx`,
      inputs: [dy],
      attrs,
      axes: step.axes,
      flops: elementsOf(step),
    })
  tape.flow(branch, scale === 1 ? dy : emitScaled())
}

export const positionsRule: BackwardRule<'positions'> = (step, dy, tape) =>
  tape.flow(step.inputs[0] ?? '', dy)

export const positionScaleRule: BackwardRule<'position_scale'> = (step, dy, tape) => {
  const { attrs, axes } = step
  const name = `${step.name}.dx`
  tape.flow(
    step.inputs[0] ?? '',
    tape.emit(step, 'position_scale', { name, inputs: [dy], attrs, axes, flops: elementsOf(step) }),
  )
}

export const gateRule: BackwardRule<'gate'> = (step, dy, tape) => {
  const { activation } = step.attrs
  for (const [i, of] of (['gate', 'up'] as const).entries()) {
    const input = step.inputs[i] ?? ''
    if (!tape.wants(input)) continue
    const name = `${step.name}.d${of}`
    const parts = { name, inputs: [dy, ...step.inputs], attrs: { activation, of }, axes: step.axes }
    tape.flow(input, tape.emit(step, 'gate_dx', { ...parts, flops: 8 * elementsOf(step) }))
  }
}

export const activationRule: BackwardRule<'activation'> = (step, dy, tape) => {
  const [x = ''] = step.inputs
  const parts = { name: `${step.name}.dx`, inputs: [dy, x], attrs: step.attrs, axes: step.axes }
  tape.flow(x, tape.emit(step, 'activation_dx', { ...parts, flops: 8 * elementsOf(step) }))
}

export const gateDx: Op<'gate_dx'> = {
  formula: ({ attrs: { activation, of } }) =>
    of === 'up' ? `d up = dy ∘ ${activation}(gate)` : `d gate = dy ∘ up ∘ ${activation}′(gate)`,
  dispatches(step, context) {
    const { activation, of } = step.attrs
    const n = widthOf(step)
    const consts = { ACTIVATION: ACTIVATIONS[activation], OF_UP: of === 'up' ? 1 : 0 }
    const providers = ['activations', `activate_${activation}`, slope] as const
    return [
      {
        shader: kernel({ name: 'gate_dx', text: gateDxWgsl }, providers, consts),
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

export const activationDx: Op<'activation_dx'> = {
  formula: ({ attrs }) => `dx = dy ∘ ${attrs.activation}′(x)`,
  dispatches(step, context) {
    const n = widthOf(step)
    const consts = { ACTIVATION: ACTIVATIONS[step.attrs.activation] }
    return [
      {
        shader: kernel({ name: 'activation_dx', text: activationDxWgsl }, ['activations', slope], consts),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
        ],
        params: { n },
        grid: elementGrid(n, context),
      },
    ]
  },
}

export const scaled: Op<'scaled'> = {
  formula: ({ attrs }) => `dx = ${factorFormula(attrs.factor)}dy`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'scaled', text: scaledWgsl }, []),
        bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
        params: { n, factor: step.attrs.factor },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** Most gradients that one sum takes. */
export const MAX_SUMMANDS = 4

export const sum: Op<'sum'> = {
  formula: ({ inputs }) => `dy = ${inputs.join(' + ')}`,
  dispatches(step, context) {
    const n = widthOf(step)
    const COUNT = step.inputs.length
    invariant(COUNT >= 2 && COUNT <= MAX_SUMMANDS, `${step.name} sums 2 to ${MAX_SUMMANDS} gradients`)
    const given = (i: number): GPUBuffer => inputOf(step, i < COUNT ? i : 0, context)
    return [
      {
        shader: kernel({ name: 'sum', text: sumWgsl }, [], { COUNT }),
        bindings: [
          read(2, given(0)),
          read(3, given(1)),
          write(4, context.tensor(step.name)),
          read(5, given(2)),
          read(6, given(3)),
        ],
        params: { n },
        grid: elementGrid(n, context),
      },
    ]
  },
}
