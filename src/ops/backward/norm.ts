import runsDxWgsl from '../../../shaders/backward/runs_dx.wgsl?raw'
import type { FoldedNorm } from '../../program/attrs.ts'
import { elementsOf } from '../../program/step.ts'
import { formatNumber } from '../formulas.ts'
import { overRuns } from '../norm.ts'
import { inputOf, read, type Op, type OpStep } from '../op.ts'
import type { BackwardRule, Tape } from './tape.ts'

const runsDx = { name: 'backward/runs_dx.wgsl', text: runsDxWgsl }

function normRule(step: OpStep<'rms_norm' | 'layer_norm'>, norm: FoldedNorm, dy: string, tape: Tape): void {
  const [x = ''] = step.inputs
  const { axes, params } = step
  const parts = { name: `${step.name}.dx`, inputs: [x, dy], attrs: { norm }, axes, params }
  tape.flow(x, tape.emit(step, 'norm_dx', { ...parts, flops: 12 * elementsOf(step) }))
}

export const rmsNormRule: BackwardRule<'rms_norm'> = (step, dy, tape) =>
  normRule(step, { kind: 'rms_norm', ...step.attrs }, dy, tape)

export const layerNormRule: BackwardRule<'layer_norm'> = (step, dy, tape) =>
  normRule(step, { kind: 'layer_norm', ...step.attrs }, dy, tape)

export const normDx: Op<'norm_dx'> = {
  formula: ({ attrs: { norm } }) => {
    const gain = norm.kind === 'rms_norm' && norm.offset !== 0 ? `(${formatNumber(norm.offset)} + g)` : 'g'
    const centre = norm.kind === 'layer_norm' ? 'h − mean(h)' : 'h'
    return `dx = ρ·(${centre} − x̂·mean(h ∘ x̂)), h = dy ∘ ${gain}`
  },
  dispatches: (step, context) => [
    overRuns(step, step.attrs.norm, context, runsDx, [read(3, inputOf(step, 1, context))]),
  ],
}
