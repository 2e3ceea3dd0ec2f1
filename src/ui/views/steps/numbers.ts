import type { ReactElement } from 'react'
import { live, mn, mo, mrow, mfrac, msqrt, fn, paren, tight } from '../../components/mathml.ts'
import { formatFixed } from '../../../maths/format.ts'

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

/** A constant of the model to four significant digits, without trailing zeros: 50, 0.0625, 1e−6. */
export const formatConstant = (value: number): string =>
  String(Number(value.toPrecision(4))).replaceAll('-', '−')

/** A number of this forward. */
export const n = (value: number): ReactElement => live(formatValue(value))

/** A number that follows an operator: negative ones are bracketed. */
export const signed = (value: number): ReactElement => (value < 0 ? paren(n(value)) : n(value))

export const constant = (value: number): ReactElement => mn(formatConstant(value))

export const equals = (value: number, ...right: ReactElement[]): ReactElement =>
  mrow(n(value), mo('='), ...right)

/** n of 1 / √n, where a factor is that of a whole number; else null. */
function rootBelow(factor: number): number | null {
  const square = 1 / factor ** 2
  const rounded = Math.round(square)
  return factor > 0 && rounded > 1 && Math.abs(square - rounded) < 1e-5 * rounded ? rounded : null
}

/** A product with a constant, as a fraction by a root where the constant is one. */
export function scaled(factor: number, product: ReactElement): ReactElement {
  if (factor === 1) return product
  const root = rootBelow(factor)
  if (root !== null) return mfrac(product, msqrt(mn(String(root))))
  return mrow(constant(factor), tight('·'), paren(product))
}

/** c·tanh(x / c), or x itself where there is no cap. */
export function capped(cap: number | null, x: ReactElement): ReactElement {
  if (cap === null) return x
  return mrow(constant(cap), tight('·'), fn('tanh'), paren(mfrac(x, constant(cap))))
}
