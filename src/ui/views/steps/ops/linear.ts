import { mi, mo, mrow, msub, sub, sumOver, tight } from '../../../components/mathml.ts'
import { capped, equals, formatConstant, formatValue, scaled, signed } from '../numbers.ts'
import { productSum, SHOWN_TERMS, sumOf, type Sum, type Term } from './sums.ts'
import { NO_ROW, opView, type TermList } from './opView.ts'

interface ProductFacts {
  /** Null while the weights are not at hand. */
  sum: Sum | null
  inputs: readonly Term[]
  count: number
  bias: number | null
  /** What adapters add beside the base's product; null without any. */
  adapters: number | null
  scale: number
  softcap: number | null
  value: number
}

/** What a factor and a soft cap made this value of. */
function unfinished(value: number, { scale, softcap }: Pick<ProductFacts, 'scale' | 'softcap'>): number {
  return (softcap === null ? value : softcap * Math.atanh(value / softcap)) / scale
}

/** A product with a learned matrix; `sum` is what the kernels multiply, dequantised. */
export const linear = opView<'linear', ProductFacts>({
  law({ attrs: { scale, softcap } }) {
    const weight = msub(mi('W'), mrow(mi('i'), mo(','), mi('k')))
    const product = sumOver('k', sub('x', 'k'), tight('·'), weight)
    return mrow(sub('y', 'i'), mo('='), capped(softcap, scaled(scale, product)))
  },
  explain({ step, inputs, weights, value }) {
    const { scale, softcap, lora } = step.attrs
    const row = inputs[0] ?? NO_ROW
    const largest = Array.from(row, (x, index): Term => ({ index, a: x, b: Number.NaN, product: x }))
      .sort((one, two) => Math.abs(two.a) - Math.abs(one.a))
      .slice(0, SHOWN_TERMS)
    const sum = weights === null ? null : sumOf(row, weights.weights)
    const bias = weights?.bias ?? null
    const adapters =
      sum === null || lora === undefined ? null : unfinished(value, step.attrs) - sum.total - (bias ?? 0)
    return { sum, inputs: largest, count: row.length, bias, adapters, scale, softcap, value }
  },
  numbers({ sum, bias, adapters, scale, softcap, value }) {
    if (sum === null) return null
    const also = [bias, adapters].flatMap((part) => (part === null ? [] : [mo('+'), signed(part)]))
    // Under a cap the sum alone: its products stand below.
    const products = softcap === null ? productSum(sum) : [signed(sum.total)]
    const product = mrow(...products, ...also)
    return equals(value, capped(softcap, scaled(scale, product)))
  },
  remarks({ sum, bias, adapters, scale, softcap }) {
    if (sum === null) return [{ key: 'formula.noWeights' }]
    if (softcap === null) return []
    const raw = formatValue(scale * (sum.total + (bias ?? 0) + (adapters ?? 0)))
    return [{ key: 'formula.softcap', values: { cap: formatConstant(softcap), raw } }]
  },
  terms({ sum, inputs, count, bias, adapters }): TermList {
    if (sum === null) return { kind: 'inputs', terms: inputs, count }
    const also = [
      { key: 'formula.bias' as const, value: bias },
      { key: 'formula.adapters' as const, value: adapters },
    ].flatMap(({ key, value }) => (value === null ? [] : [{ key, value }]))
    return { kind: 'sum', sum, index: 'index', factors: ['x', 'W'], also }
  },
})
