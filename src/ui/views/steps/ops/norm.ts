import type { StepInfoOf } from '../../../../analysis/anatomy.ts'
import { mfrac, mi, mn, mo, mrow, msqrt, msup, paren, sub, sumOver } from '../../../components/mathml.ts'
import { constant, equals, formatValue, n, signed } from '../numbers.ts'
import { NO_ROW, opView, type ExplainContext, type Remark } from './opView.ts'

type Norm = 'rms_norm' | 'layer_norm'

interface Group {
  /** The features averaged: the whole row, or those of one head. */
  row: Float32Array
  x: number
  eps: number
  value: number
  /** Null where the whole row is one group. */
  head: number | null
}

/** The run of `width` features that a cell is normalised with. */
function groupOf({ step, inputs, cell, value }: ExplainContext<StepInfoOf<Norm>>): Group {
  const { width, eps } = step.attrs
  const all = inputs[0] ?? NO_ROW
  const at = Math.floor(cell.col / width)
  const row = all.subarray(at * width, (at + 1) * width)
  return { row, x: all[cell.col] ?? Number.NaN, eps, value, head: width < all.length ? at : null }
}

function headRemark({ head, row }: Group): Remark[] {
  return head === null ? [] : [{ key: 'formula.ofHead', values: { head, width: row.length } }]
}

const mean = (row: Float32Array, of: (x: number) => number): number =>
  row.reduce((sum, x) => sum + of(x), 0) / row.length

export const rmsNorm = opView<'rms_norm', Group & { meanSquare: number; normal: number; offset: number }>({
  law({ attrs: { offset } }) {
    const gain = offset === 0 ? sub('g', 'i') : paren(constant(offset), mo('+'), sub('g', 'i'))
    const square = msup(sub('x', 'j'), mn('2'))
    const root = msqrt(mfrac(mn('1'), mi('n')), sumOver('j', square), mo('+'), mi('ε'))
    return mrow(sub('y', 'i'), mo('='), mfrac(sub('x', 'i'), root), mo('·'), gain)
  },
  explain(context) {
    const group = groupOf(context)
    const meanSquare = mean(group.row, (x) => x * x)
    const normal = group.x / Math.sqrt(meanSquare + group.eps)
    return { ...group, meanSquare, normal, offset: context.step.attrs.offset }
  },
  numbers({ value, x, meanSquare, eps, normal, offset }) {
    const gain = value / normal
    return equals(
      value,
      mfrac(n(x), msqrt(n(meanSquare), mo('+'), constant(eps))),
      mo('·'),
      offset === 0 ? signed(gain) : paren(constant(offset), mo('+'), signed(gain - offset)),
    )
  },
  remarks: (facts) => [
    { key: 'formula.rms', values: { count: facts.row.length, meanSquare: formatValue(facts.meanSquare) } },
    ...headRemark(facts),
  ],
})

export const layerNorm = opView<
  'layer_norm',
  Group & { mean: number; variance: number; normal: number; biased: boolean }
>({
  law({ attrs: { biased } }) {
    const deviation = msqrt(msup(mi('σ'), mn('2')), mo('+'), mi('ε'))
    const normal = mfrac(mrow(sub('x', 'i'), mo('−'), mi('μ')), deviation)
    const shift = biased ? [mo('+'), sub('b', 'i')] : []
    return mrow(sub('y', 'i'), mo('='), normal, mo('·'), sub('g', 'i'), ...shift)
  },
  explain(context) {
    const group = groupOf(context)
    const centre = mean(group.row, (x) => x)
    const variance = mean(group.row, (x) => (x - centre) ** 2)
    const normal = (group.x - centre) / Math.sqrt(variance + group.eps)
    return { ...group, mean: centre, variance, normal, biased: context.step.attrs.biased }
  },
  numbers({ value, x, mean: centre, variance, eps, normal: unit, biased }) {
    const deviation = msqrt(n(variance), mo('+'), constant(eps))
    const normal = mfrac(mrow(n(x), mo('−'), signed(centre)), deviation)
    return biased
      ? equals(value, normal, mo('·'), mi('g'), mo('+'), mi('b'))
      : equals(value, normal, mo('·'), signed(value / unit))
  },
  remarks: (facts) => [
    {
      key: 'formula.layer',
      values: {
        count: facts.row.length,
        mean: formatValue(facts.mean),
        variance: formatValue(facts.variance),
        normal: formatValue(facts.normal),
      },
    },
    ...headRemark(facts),
  ],
})
