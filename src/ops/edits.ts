import editWgsl from '../../shaders/ops/edit.wgsl?raw'
import editScoresWgsl from '../../shaders/ops/edit_scores.wgsl?raw'
import { kernel } from '../gpu/providers.ts'
import { EDIT_SLOT } from '../program/batchLayout.ts'
import { shapeOf, widthOf } from '../program/step.ts'
import { elementGrid, inputOf, read, write, type Op } from './op.ts'

/** A change at a step, by the row's strength; on scores it cuts edges. */
export const edit: Op<'edit'> = {
  formula: () => 'y = x + s·(edit(x) − x)',
  dispatches(step, context) {
    const n = widthOf(step)
    const bindings = [
      read(2, inputOf(step, 0, context)),
      read(3, context.edits(step.name)),
      write(4, context.tensor(step.name)),
    ]
    if (step.axes.some(({ kind }) => kind === 'positions')) {
      const [heads = 1, rows = 1] = shapeOf(step)
      return [
        {
          shader: kernel({ name: 'edit_scores', text: editScoresWgsl }, []),
          bindings,
          params: { positions: n, rows, slot: EDIT_SLOT },
          grid: [Math.ceil(n / context.variant.workgroup), rows, heads],
        },
      ]
    }
    return [
      {
        shader: kernel({ name: 'edit', text: editWgsl }, []),
        bindings,
        params: { n, slot: EDIT_SLOT },
        grid: elementGrid(n, context),
      },
    ]
  },
}
