import type { Activation } from '../../../../program/attrs.ts'
import { mo, mrow, paren, sub, tight, word } from '../../../components/mathml.ts'
import { constant, equals, n, signed } from '../numbers.ts'
import { ACTIVATIONS } from './activations.ts'
import { opView, type ExplainContext } from './view.ts'

const name = (activation: Activation) => word(ACTIVATIONS[activation].title)

/** The cell in the rows of both inputs. */
const at = ({ inputs, cell }: ExplainContext, input: number): number =>
  inputs[input]?.[cell.col] ?? Number.NaN

/** A factor that is written only where it changes something. */
const factor = (scale: number) => (scale === 1 ? [] : [constant(scale), tight('·')])

export const add = opView<'add', { scale: number; a: number; b: number; value: number }>({
  law: ({ attrs }) =>
    mrow(sub('y', 'i'), mo('='), sub('a', 'i'), mo('+'), ...factor(attrs.scale), sub('b', 'i')),
  explain: (context) => ({
    scale: context.step.attrs.scale,
    a: at(context, 0),
    b: at(context, 1),
    value: context.value,
  }),
  numbers: ({ scale, a, b, value }) => equals(value, n(a), mo('+'), ...factor(scale), signed(b)),
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
