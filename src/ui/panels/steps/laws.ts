import type { ReactElement } from 'react'
import type { StepInfo } from '../../../api/model.ts'
import {
  fn,
  mfrac,
  mi,
  mo,
  mn,
  mrow,
  msqrt,
  msub,
  msup,
  mtext,
  paren,
  sub,
  sumOver,
  tight,
  word,
} from '../../components/mathml.ts'
import { activationName, activationTitle } from './activations.ts'

const is = (left: ReactElement, ...right: ReactElement[]): ReactElement => mrow(left, mo('='), ...right)
const exp = (power: ReactElement): ReactElement => msup(mi('e'), power)

/** The law of a step in symbols: x is its input, y its output, i an output column. Null for an op without a law of its own. */
export function lawOf(step: StepInfo): ReactElement | null {
  switch (step.op) {
    case 'embed': {
      const row = mrow(sub('E', 'token'))
      return step.formula.includes('P[') ? is(mi('x'), row, mo('+'), sub('P', 'position')) : is(mi('x'), row)
    }
    case 'rms_norm':
      return is(
        sub('y', 'i'),
        mfrac(
          sub('x', 'i'),
          msqrt(mfrac(mn('1'), mi('n')), sumOver('j', msubSquared('x', 'j')), mo('+'), mi('ε')),
        ),
        mo('·'),
        sub('g', 'i'),
      )
    case 'layer_norm':
      return is(
        sub('y', 'i'),
        mfrac(mrow(sub('x', 'i'), mo('−'), mi('μ')), msqrt(msup(mi('σ'), mn('2')), mo('+'), mi('ε'))),
        mo('·'),
        sub('g', 'i'),
        mo('+'),
        sub('b', 'i'),
      )
    case 'linear':
      return is(
        sub('y', 'i'),
        sumOver('k', sub('x', 'k'), tight('·'), msub(mi('W'), mrow(mi('i'), mo(','), mi('k')))),
      )
    case 'rope':
      return is(
        paren(primed('a'), mo(','), primed('b')),
        paren(
          mrow(mi('a'), fn('cos'), mi('θ'), mo('−'), mi('b'), fn('sin'), mi('θ')),
          mo(','),
          mrow(mi('b'), fn('cos'), mi('θ'), mo('+'), mi('a'), fn('sin'), mi('θ')),
        ),
      )
    case 'cache':
      return mrow(is(sub('K', 'position'), mi('k')), mtext(' , '), is(sub('V', 'position'), mi('v')))
    case 'scores':
      return is(sub('s', 't'), mfrac(mrow(mi('q'), tight('·'), sub('k', 't')), msqrt(mi('d'))))
    case 'softmax':
      return is(sub('p', 't'), mfrac(exp(sub('s', 't')), sumOver('u ≤ position', exp(sub('s', 'u')))))
    case 'context':
      return is(
        sub('y', 'i'),
        sumOver('t ≤ position', sub('p', 't'), tight('·'), msub(mi('V'), mrow(mi('t'), mo(','), mi('i')))),
      )
    case 'add':
      return is(sub('y', 'i'), sub('a', 'i'), mo('+'), sub('b', 'i'))
    case 'gate':
      return is(
        sub('y', 'i'),
        word(activationTitle(activationName(step.formula))),
        paren(sub('gate', 'i')),
        mo('·'),
        sub('up', 'i'),
      )
    case 'activation':
      return is(sub('y', 'i'), word(activationTitle(activationName(step.formula))), paren(sub('x', 'i')))
    default:
      return null
  }
}

const primed = (name: string): ReactElement => mrow(mi(name), tight('′'))
const msubSquared = (base: string, index: string): ReactElement => msup(sub(base, index), mn('2'))
