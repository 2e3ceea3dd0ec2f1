import ropeDxWgsl from '../../../shaders/backward/rope_dx.wgsl?raw'
import { kernel } from '../../gpu/providers.ts'
import { elementsOf, widthOf } from '../../program/step.ts'
import { elementGrid, inputOf, read, write, type Op } from '../op.ts'
import type { BackwardRule } from './tape.ts'

export const ropeRule: BackwardRule<'rope'> = (step, dy, tape) => {
  const { attrs, axes } = step
  const parts = { name: `${step.name}.dx`, inputs: [dy], attrs, axes, flops: 3 * elementsOf(step) }
  tape.flow(step.inputs[0] ?? '', tape.emit(step, 'rope_dx', parts))
}

/** The rotation turned back. */
export const ropeDx: Op<'rope_dx'> = {
  formula: () => '(a, b) → (a·cos φ + b·sin φ, b·cos φ − a·sin φ)',
  dispatches(step, context) {
    const n = widthOf(step)
    const { headDim, table, layout } = step.attrs
    return [
      {
        shader: kernel({ name: 'rope_dx', text: ropeDxWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, context.ropeTable(table)),
          write(4, context.tensor(step.name)),
        ],
        params: {
          n,
          head_dim: headDim,
          rotary: table.rotary,
          interleaved: layout === 'interleaved' ? 1 : 0,
        },
        grid: elementGrid(n, context),
      },
    ]
  },
}
