import { mi, mo, mrow, sub } from '../../../components/mathml.ts'
import { constant, equals, formatConstant, n } from '../numbers.ts'
import { opView } from './opView.ts'

/** The embedding reads its table, and a second one where positions are learned. */
const hasPositions = ({ params }: { params: readonly unknown[] }): boolean => params.length > 1

export const embed = opView<
  'embed',
  { token: number; position: number; scale: number; learned: boolean; value: number }
>({
  law(step) {
    const { scale } = step.attrs
    const row = scale === 1 ? [sub('E', 'token')] : [constant(scale), mo('·'), sub('E', 'token')]
    const position = hasPositions(step) ? [mo('+'), sub('P', 'position')] : []
    return mrow(mi('x'), mo('='), ...row, ...position)
  },
  explain: ({ step, cell, ids, value }) => ({
    token: ids[cell.row] ?? 0,
    position: cell.row,
    scale: step.attrs.scale,
    learned: hasPositions(step),
    value,
  }),
  numbers: ({ value, scale, learned }) =>
    scale === 1 || learned
      ? mrow(mi('y'), mo('='), n(value))
      : equals(value, constant(scale), mo('·'), sub('E', 'token')),
  remarks({ token, position, scale, learned }, { col }) {
    if (learned) return [{ key: 'formula.lookupPosition', values: { col, token, position } }]
    return scale === 1
      ? [{ key: 'formula.lookup', values: { col, token } }]
      : [{ key: 'formula.lookupScaled', values: { col, token, scale: formatConstant(scale) } }]
  },
})
