import type { ReactElement } from 'react'
import { formatFixed } from '../../format.ts'
import {
  fn,
  live,
  mfrac,
  mo,
  mrow,
  msqrt,
  msup,
  mi,
  mn,
  paren,
  tight,
  word,
} from '../../components/mathml.ts'
import { activationTitle } from './activations.ts'
import type { Explanation, Sum } from './explain.ts'

/** A value to five significant digits, with a true minus sign. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return formatFixed(value, 0)
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e5 || size < 1e-4) {
    const [digits = '', exponent = '0'] = value.toExponential(3).split('e')
    return `${digits}e${Number(exponent)}`.replaceAll('-', '−')
  }
  return formatFixed(value, Math.max(0, Math.min(6, 4 - Math.floor(Math.log10(size)))))
}

const n = (value: number): ReactElement => live(formatValue(value))
/** A number that follows an operator: negative ones are bracketed. */
const signed = (value: number): ReactElement => (value < 0 ? paren(n(value)) : n(value))

function productSum({ terms, restCount, restSum }: Sum): ReactElement[] {
  const parts = terms
    .slice(0, 3)
    .flatMap(({ a, b }, index) => [...(index === 0 ? [] : [mo('+')]), mrow(signed(a), tight('·'), signed(b))])
  const hidden = terms.slice(3).reduce((sum, { product }) => sum + product, restSum)
  const count = restCount + Math.max(0, terms.length - 3)
  return count > 0 ? [...parts, mo('+'), mo('…'), mo('+'), signed(hidden)] : parts
}

function equals(value: number, ...right: ReactElement[]): ReactElement {
  return mrow(n(value), mo('='), ...right)
}

/** The law with this cell's numbers in place of its symbols; null where there is nothing beyond the value. */
export function liveMath(how: Explanation): ReactElement | null {
  switch (how.kind) {
    case 'rms':
      return equals(
        how.value,
        mfrac(n(how.x), msqrt(n(how.meanSquare), mo('+'), mi('ε'))),
        mo('·'),
        signed(how.value / how.normal),
      )
    case 'layer':
      return equals(
        how.value,
        mfrac(mrow(n(how.x), mo('−'), signed(how.mean)), msqrt(n(how.variance), mo('+'), mi('ε'))),
        mo('·'),
        mi('g'),
        mo('+'),
        mi('b'),
      )
    case 'linear':
      if (how.sum === null) return null
      return equals(
        how.value,
        ...productSum(how.sum),
        ...[how.bias, how.adapters].flatMap((part) => (part === null ? [] : [mo('+'), signed(part)])),
      )
    case 'rope':
      return equals(
        how.value,
        n(how.x),
        fn('cos'),
        paren(n(how.angle)),
        mo(how.first ? '−' : '+'),
        signed(how.other),
        fn('sin'),
        paren(n(how.angle)),
      )
    case 'scores':
      return equals(how.value, paren(...productSum(how.sum)), tight('·'), n(how.scale))
    case 'softmax':
      return equals(
        how.value,
        mfrac(msup(mi('e'), mrow(n(how.score), mo('−'), signed(how.max))), n(how.total)),
        mo('='),
        mfrac(n(how.exp), n(how.total)),
      )
    case 'context':
      return equals(how.value, ...productSum(how.sum))
    case 'add':
      return equals(how.value, n(how.a), mo('+'), signed(how.b))
    case 'gate':
      return equals(
        how.value,
        word(activationTitle(how.activation)),
        paren(n(how.gate)),
        tight('·'),
        signed(how.up),
        mo('='),
        n(how.activated),
        tight('·'),
        signed(how.up),
      )
    case 'activation':
      return equals(how.value, word(activationTitle(how.activation)), paren(n(how.x)))
    case 'still':
    case 'copy':
    case 'lookup':
    case 'value':
      return mrow(mi('y'), mo('='), n(how.value))
    case 'masked':
      return mrow(mi('p'), mo('='), mn('0'))
  }
}
