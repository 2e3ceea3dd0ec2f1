import type { ReactElement } from 'react'
import type { Activation, GateAttrs } from '../../../../api/model.ts'
import { fn, mi, mn, mo, mrow, paren, sub, tight, word } from '../../../components/mathml.ts'
import { constant, equals, n, signed } from '../numbers.ts'
import { ACTIVATIONS } from './activations.ts'
import { opView, type ExplainContext } from './opView.ts'

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

export const clamp = opView<'clamp', { x: number; limit: number; value: number }>({
  law({ attrs: { limit } }) {
    const bound = constant(limit)
    return mrow(mi('y'), mo('='), fn('clamp'), paren(mi('x'), mo(','), mo('±'), bound))
  },
  explain: (context) => ({
    x: at(context, 0),
    limit: context.step.attrs.limit,
    value: context.value,
  }),
  numbers: ({ x, limit, value }) =>
    equals(value, fn('clamp'), paren(n(x), mo(','), mo('±'), constant(limit))),
})

interface GateFacts extends GateAttrs {
  gate: number
  activated: number
  up: number
  value: number
}

const bounded = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value))

export const gate = opView<'gate', GateFacts>({
  law({ attrs: { activation, clamp } }) {
    const [open, up] = [sub('gate', 'i'), sub('up', 'i')]
    if (!clamp) return mrow(sub('y', 'i'), mo('='), name(activation), paren(open), mo('·'), up)
    const limit = constant(clamp.limit)
    const g = mrow(fn('min'), paren(open, mo(','), limit))
    const opened = [g, tight('·'), mi('σ'), paren(constant(clamp.alpha), tight('·'), g)]
    const more = paren(fn('clamp'), paren(up, mo(','), mo('±'), limit), mo('+'), mn('1'))
    return mrow(sub('y', 'i'), mo('='), ...opened, tight('·'), more)
  },
  explain(context) {
    const { attrs } = context.step
    const [open, up] = [at(context, 0), at(context, 1)]
    const { activation, clamp } = attrs
    if (!clamp)
      return {
        ...attrs,
        gate: open,
        activated: ACTIVATIONS[activation].apply(open),
        up,
        value: context.value,
      }
    const g = Math.min(open, clamp.limit)
    const activated = g / (1 + Math.exp(-clamp.alpha * g))
    return { ...attrs, gate: g, activated, up: bounded(up, clamp.limit) + 1, value: context.value }
  },
  numbers({ activation, clamp, gate: open, activated, up, value }) {
    const product = [n(activated), tight('·'), signed(up)]
    if (clamp) return equals(value, ...product)
    return equals(value, name(activation), paren(n(open)), tight('·'), signed(up), mo('='), ...product)
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
