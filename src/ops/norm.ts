import normWgsl from '../../shaders/ops/norm.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, spreadProviders } from '../gpu/providers.ts'
import { read, write, type Op } from './op.ts'

/** RMSNorm (Zhang & Sennrich 2019) and LayerNorm (Ba et al. 2016). */
export const norm: Op = {
  formula: (step) =>
    step.op === 'rms_norm' ? 'y = x / √(mean(x²) + ε) ∘ g' : 'y = (x − mean(x)) / √(var(x) + ε) ∘ g + b',
  dispatches(step, context) {
    const { variant } = context
    const { spec, rows } = context.program
    const [x] = step.inputs
    const [weight] = step.weights
    invariant(x !== undefined && weight !== undefined, `${step.name} has an input and a weight`)
    const prologue = step.op === 'rms_norm' ? 'prologue_rms' : 'prologue_layer'
    return [
      {
        shader: kernel({ name: 'norm', text: normWgsl }, [prologue, ...spreadProviders(variant)], {
          ROWS: 1,
        }),
        bindings: [
          read(2, context.tensor(x)),
          write(4, context.tensor(step.name)),
          read(5, context.vector(weight)),
        ],
        params: [spec.hidden, Math.ceil(spec.hidden / 4), { f32: spec.norm.eps }],
        grid: [variant.alone ? Math.ceil(rows / variant.workgroup) : rows, 1, 1],
      },
    ]
  },
}
