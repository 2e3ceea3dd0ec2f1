import normDxWgsl from '../../../shaders/backward/norm_dx.wgsl?raw'
import { kernel, reductionProviders } from '../../gpu/providers.ts'
import type { FoldedNorm } from '../../program/attrs.ts'
import { elementsOf, widthOf } from '../../program/step.ts'
import { formatNumber } from '../formulas.ts'
import { runNormParams } from '../norm.ts'
import { inputOf, read, vectorOf, write, type Op, type OpStep } from '../op.ts'
import type { Rule, Tape } from './tape.ts'

function normRule(step: OpStep<'rms_norm' | 'layer_norm'>, norm: FoldedNorm, dy: string, tape: Tape): void {
  const [x = ''] = step.inputs
  const { axes, params } = step
  const parts = { name: `${step.name}.dx`, inputs: [x, dy], attrs: { norm }, axes, params }
  tape.flow(x, tape.emit(step, 'norm_dx', { ...parts, flops: 12 * elementsOf(step) }))
}

export const rmsNormRule: Rule<'rms_norm'> = (step, dy, tape) =>
  normRule(step, { kind: 'rms_norm', ...step.attrs }, dy, tape)

export const layerNormRule: Rule<'layer_norm'> = (step, dy, tape) =>
  normRule(step, { kind: 'layer_norm', ...step.attrs }, dy, tape)

export const normDx: Op<'norm_dx'> = {
  formula: ({ attrs: { norm } }) => {
    const gain = norm.kind === 'rms_norm' && norm.offset !== 0 ? `(${formatNumber(norm.offset)} + g)` : 'g'
    const centre = norm.kind === 'layer_norm' ? 'h − mean(h)' : 'h'
    return `dx = ρ·(${centre} − x̂·mean(h ∘ x̂)), h = dy ∘ ${gain}`
  },
  dispatches(step, context) {
    const { norm } = step.attrs
    const { variant, size } = context
    const groups = widthOf(step) / norm.width
    const own = (step.params[0]?.shape[0] ?? 0) > norm.width
    const runs = size.rows * groups
    return [
      {
        shader: kernel({ name: 'norm_dx', text: normDxWgsl }, ['run_norm', ...reductionProviders(variant)]),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
          read(5, vectorOf(step, 0, context)),
        ],
        params: { k: norm.width, groups, weight_stride: own ? norm.width : 0, ...runNormParams(norm) },
        grid: [variant.threadPerOutput ? Math.ceil(runs / variant.workgroup) : runs, 1, 1],
      },
    ]
  },
}
