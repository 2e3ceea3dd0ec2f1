import type { ReactElement } from 'react'
import type { RopeAttrs } from '../../../../api/model.ts'
import { fn, mi, mo, mrow, paren, tight } from '../../../components/mathml.ts'
import { constant, equals, formatValue, n, signed } from '../numbers.ts'
import { NO_ROW, opView } from './opView.ts'

/** The dimension that turns together with one of a head; null for one beyond those that turn. */
export function partnerOf(dim: number, { layout, table: { rotary } }: RopeAttrs): number | null {
  if (dim >= rotary) return null
  if (layout === 'interleaved') return dim % 2 === 0 ? dim + 1 : dim - 1
  const half = rotary / 2
  return dim < half ? dim + half : dim - half
}

/** Factor on cos and sin that a scaling of the angles brings with it. */
const magnitudeOf = ({ table: { scaling } }: RopeAttrs): number =>
  'magnitude' in scaling ? scaling.magnitude : 1

type RopeFacts =
  | { kind: 'still'; rotary: number | null; value: number }
  | {
      kind: 'turned'
      dim: number
      partner: number
      x: number
      other: number
      angle: number
      /** The dimension is the first of its pair. */
      first: boolean
      magnitude: number
      value: number
    }

const primed = (name: string): ReactElement => mrow(mi(name), tight('′'))

export const rope = opView<'rope', RopeFacts>({
  law({ attrs }) {
    const [a, b] = [mi('a'), mi('b')]
    const turned = paren(
      mrow(a, fn('cos'), mi('θ'), mo('−'), b, fn('sin'), mi('θ')),
      mo(','),
      mrow(b, fn('cos'), mi('θ'), mo('+'), a, fn('sin'), mi('θ')),
    )
    const magnitude = magnitudeOf(attrs)
    const factor = magnitude === 1 ? [] : [constant(magnitude), tight('·')]
    return mrow(paren(primed('a'), mo(','), primed('b')), mo('='), ...factor, turned)
  },
  explain({ step: { attrs }, inputs, cell, values: after, value }) {
    const inputRow = inputs[0] ?? NO_ROW
    const dim = cell.col % attrs.headDim
    const partner = partnerOf(dim, attrs)
    if (partner === null) return { kind: 'still', rotary: attrs.table.rotary, value }
    const magnitude = magnitudeOf(attrs)
    if (cell.row === 0 && magnitude === 1) return { kind: 'still', rotary: null, value }
    const at = cell.col - dim + partner
    const [x = Number.NaN, other = Number.NaN, otherAfter = 0] = [inputRow[cell.col], inputRow[at], after[at]]
    const first = partner > dim
    const [a, b] = first ? [x, other] : [other, x]
    const [c, d] = first ? [value, otherAfter] : [otherAfter, value]
    const angle = Math.atan2(a * d - b * c, a * c + b * d)
    return { kind: 'turned', dim, partner, x, other, angle, first, magnitude, value }
  },
  numbers(facts) {
    const { value } = facts
    if (facts.kind === 'still') return mrow(mi('y'), mo('='), n(value))
    const angle = paren(n(facts.angle))
    const sign = mo(facts.first ? '−' : '+')
    const turned = [n(facts.x), fn('cos'), angle, sign, signed(facts.other), fn('sin'), angle]
    if (facts.magnitude === 1) return equals(value, ...turned)
    return equals(value, constant(facts.magnitude), tight('·'), paren(...turned))
  },
  remarks(facts) {
    if (facts.kind === 'still')
      return facts.rotary === null
        ? [{ key: 'formula.still' }]
        : [{ key: 'formula.unrotated', values: { rotary: facts.rotary } }]
    const { dim, partner, angle } = facts
    const [low, high] = [Math.min(dim, partner), Math.max(dim, partner)]
    return [{ key: 'formula.rope', values: { dim: low, partner: high, angle: formatValue(angle) } }]
  },
})
