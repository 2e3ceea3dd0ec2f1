import editWgsl from '../../shaders/ops/edit.wgsl?raw'
import editScoresWgsl from '../../shaders/ops/edit_scores.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel } from '../gpu/providers.ts'
import { EDIT_SLOT } from '../run/batch.ts'
import { read, write, type Op } from './op.ts'

/** A change at a step, by the row's strength; on scores it cuts edges. */
export const edit: Op = {
  formula: () => 'y = x + s·(edit(x) − x)',
  dispatches(step, context) {
    const [x] = step.inputs
    const n = step.shape.at(-1)
    invariant(x !== undefined && n !== undefined, `${step.name} has an input`)
    const { workgroup } = context.variant
    const bindings = [
      read(2, context.tensor(x)),
      read(3, context.edits(step.name)),
      write(4, context.tensor(step.name)),
    ]
    if (step.shape.length === 3) {
      const [heads = 1, rows = 1] = step.shape
      return [
        {
          shader: kernel({ name: 'edit_scores', text: editScoresWgsl }, []),
          bindings,
          params: [n, rows, EDIT_SLOT],
          grid: [Math.ceil(n / workgroup), rows, heads],
        },
      ]
    }
    return [
      {
        shader: kernel({ name: 'edit', text: editWgsl }, []),
        bindings,
        params: [n, EDIT_SLOT],
        grid: [Math.ceil(n / workgroup), context.program.rows, 1],
      },
    ]
  },
}
