import type { ReactElement } from 'react'
import { mo, mrow, tight } from '../../../components/mathml.ts'
import { signed } from '../numbers.ts'

/** One addend of a sum: what it belongs to, its two factors and their product. */
export interface Term {
  index: number
  a: number
  b: number
  product: number
}

/** A sum as its largest addends and the rest. */
export interface Sum {
  terms: readonly Term[]
  restCount: number
  restSum: number
  total: number
}

export const SHOWN_TERMS = 5

/** Σ a·b; `first` is the index of the first addend. */
export function sumOf(a: ArrayLike<number>, b: ArrayLike<number>, first = 0): Sum {
  const terms = Array.from({ length: a.length }, (_, i): Term => {
    const [left, right] = [a[i] ?? 0, b[i] ?? 0]
    return { index: first + i, a: left, b: right, product: left * right }
  })
  const total = terms.reduce((sum, { product }) => sum + product, 0)
  terms.sort((one, two) => Math.abs(two.product) - Math.abs(one.product))
  const shown = terms.slice(0, SHOWN_TERMS)
  const restSum = terms.slice(SHOWN_TERMS).reduce((sum, { product }) => sum + product, 0)
  return { terms: shown, restCount: terms.length - shown.length, restSum, total }
}

/** The first addends written out, and the sum of the others. */
export function productSum({ terms, restCount, restSum }: Sum): ReactElement[] {
  const parts = terms
    .slice(0, 3)
    .flatMap(({ a, b }, index) => [...(index === 0 ? [] : [mo('+')]), mrow(signed(a), tight('·'), signed(b))])
  const hidden = terms.slice(3).reduce((sum, { product }) => sum + product, restSum)
  const count = restCount + Math.max(0, terms.length - 3)
  return count > 0 ? [...parts, mo('+'), mo('…'), mo('+'), signed(hidden)] : parts
}
