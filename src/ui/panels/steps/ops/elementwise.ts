import type { ReactElement } from 'react'
import type { Activation } from '../../../../program/attrs.ts'
import { fn, mi, mn, mo, mrow, paren, sub, tight, word } from '../../../components/mathml.ts'
import { constant, equals, n, signed } from '../numbers.ts'
import { ACTIVATIONS } from './activations.ts'
import { opView, type ExplainContext } from './view.ts'

const name = (activation: Activation) => word(ACTIVATIONS[activation].title)

/** The cell in the rows of both inputs. */
const at = ({ inputs, cell }: ExplainContext, input: number): number =>
  inputs[input]?.[cell.col] ?? Number.NaN

/** A factor and what it multiplies; nothing for 1. */
const times = (factor: number): ReactElement[] => (factor === 1 ? [] : [constant(factor), tight('·')])

export const add = opView<'add', { a: number; b: number; scale: number; value: number }>({
  law: ({ attrs: { scale } }) =>
    mrow(sub('y', 'i'), mo('='), sub('a', 'i'), mo('+'), ...times(scale), sub('b', 'i')),
  explain: (context) => ({
    a: at(context, 0),
    b: at(context, 1),
    scale: context.step.attrs.scale,
    value: context.value,
  }),
  numbers: ({ a, b, scale, value }) => equals(value, n(a), mo('+'), ...times(scale), signed(b)),
})

export const positions = opView<'positions', { x: number; added: number; value: number }>({
  law: () => mrow(mi('y'), mo('='), mi('x'), mo('+'), sub('P', 'position')),
  explain(context) {
    const x = at(context, 0)
    return { x, added: context.value - x, value: context.value }
  },
  numbers: ({ x, added, value }) => equals(value, n(x), mo('+'), signed(added)),
})

export const positionScale = opView<'position_scale', { x: number; factor: number; value: number }>({
  law({ attrs: { beta, context } }) {
    const far = mrow(mo('⌊'), mi('position'), mo('/'), constant(context), mo('⌋'))
    const grown = mrow(mn('1'), mo('+'), constant(beta), fn('ln'), paren(mn('1'), mo('+'), far))
    return mrow(mi('y'), mo('='), mi('x'), tight('·'), paren(grown))
  },
  explain(explained) {
    const { beta, context } = explained.step.attrs
    const factor = 1 + beta * Math.log(1 + Math.floor(explained.cell.row / context))
    return { x: at(explained, 0), factor, value: explained.value }
  },
  numbers: ({ x, factor, value }) => equals(value, n(x), tight('·'), n(factor)),
})

export const gate = opView<
  'gate',
  { activation: Activation; gate: number; activated: number; up: number; value: number }
>({
  law: ({ attrs: { activation } }) =>
    mrow(sub('y', 'i'), mo('='), name(activation), paren(sub('gate', 'i')), mo('·'), sub('up', 'i')),
  explain(context) {
    const { activation } = context.step.attrs
    const [open, up] = [at(context, 0), at(context, 1)]
    const activated = ACTIVATIONS[activation].apply(open)
    return { activation, gate: open, activated, up, value: context.value }
  },
  numbers({ activation, gate: open, activated, up, value }) {
    const product = [name(activation), paren(n(open)), tight('·'), signed(up)]
    return equals(value, ...product, mo('='), n(activated), tight('·'), signed(up))
  },
})

export const activation = opView<'activation', { activation: Activation; x: number; value: number }>({
  law: ({ attrs }) => mrow(sub('y', 'i'), mo('='), name(attrs.activation), paren(sub('x', 'i'))),
  explain: (context) => ({
    activation: context.step.attrs.activation,
    x: at(context, 0),
    value: context.value,
  }),
  numbers: ({ activation: kind, x, value }) => equals(value, name(kind), paren(n(x))),
})
