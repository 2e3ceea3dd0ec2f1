import type { ReactElement } from 'react'
import type { TensorData } from '../../../../api/model.ts'
import {
  mfrac,
  mi,
  mn,
  mo,
  mrow,
  msub,
  msup,
  mtext,
  paren,
  sub,
  sumOver,
  tight,
} from '../../../components/mathml.ts'
import { maskAt, seenBy, type Masked, type Sight } from '../../../draw/sight.ts'
import { capped, constant, equals, formatConstant, formatValue, n, scaled, signed } from '../numbers.ts'
import { indexInRow } from '../shape.ts'
import { productSum, sumOf, type Sum } from './sums.ts'
import { NO_ROW, opView, type Remark } from './opView.ts'

interface Heads {
  readonly heads: number
  readonly kvHeads: number
}

/** Keys or values of a position, from the cache `[2, rows, kvHeads · headDim]`. */
function cached(cache: TensorData | null, which: 0 | 1, row: number): Float32Array {
  const [, rows = 0, width = 0] = cache?.shape ?? []
  const at = (which * rows + row) * width
  return cache?.data.subarray(at, at + width) ?? NO_ROW
}

/** The key-value head that a query head shares. */
const kvHead = (head: number, { heads, kvHeads }: Heads): number => Math.floor(head / (heads / kvHeads))

/** The positions a row sees, under a Σ. */
function seen(index: string, { window, mask = 'causal' }: Sight): string {
  const low = window === null ? '' : `position − ${window} < `
  if (mask === 'causal') return `${low}${index} ≤ position`
  const high = window === null ? '' : ` < position + ${window}`
  return mask === 'bidirectional'
    ? `${low}${index}${high}`
    : `${low}${index}${high}, ${index} ≤ max(position, ${mask.prefix - 1})`
}

const maskRemark = (what: 'zero' | 'drops', masked: Masked | null, window: number | null): Remark[] =>
  masked === null ? [] : [{ key: `formula.${what}.${masked}`, values: { window: window ?? 0 } }]

export const cache = opView<'cache', { from: string; value: number }>({
  law: () =>
    mrow(
      mrow(sub('K', 'position'), mo('='), mi('k')),
      mtext(' , '),
      mrow(sub('V', 'position'), mo('='), mi('v')),
    ),
  explain: ({ step, cell, value }) => ({ from: step.inputs[cell.slice] ?? '', value }),
  numbers: ({ value }) => mrow(mi('y'), mo('='), n(value)),
  remarks: ({ from }) => [{ key: 'formula.copy', values: { from } }],
})

interface ScoreFacts {
  sum: Sum
  scale: number
  softcap: number | null
  window: number | null
  masked: Masked | null
  value: number
}

export const scores = opView<'scores', ScoreFacts>({
  readsCache: true,
  law({ attrs: { scale, softcap } }) {
    const product = scaled(scale, mrow(mi('q'), tight('·'), sub('k', 't')))
    return mrow(sub('s', 't'), mo('='), capped(softcap, product))
  },
  explain({ step: { attrs }, inputs, cache: kv, cell, layout, value }) {
    const { headDim, scale, softcap, window } = attrs
    const q = (inputs[0] ?? NO_ROW).subarray(cell.slice * headDim, (cell.slice + 1) * headDim)
    const at = kvHead(cell.slice, attrs) * headDim
    const k = cached(kv, 0, cell.col).subarray(at, at + headDim)
    return {
      sum: sumOf(q, k),
      scale,
      softcap,
      window,
      masked: maskAt(layout.mask, cell.row, cell.col),
      value,
    }
  },
  numbers({ sum, scale, softcap, value }) {
    // Under a cap the sum alone: its products stand below.
    const product = softcap === null ? paren(...productSum(sum)) : signed(sum.total)
    const times = scale === 1 ? product : mrow(product, tight('·'), constant(scale))
    return equals(value, capped(softcap, times))
  },
  remarks({ sum, scale, softcap, masked, window }) {
    const capping: Remark[] =
      softcap === null
        ? []
        : [
            {
              key: 'formula.softcap',
              values: { cap: formatConstant(softcap), raw: formatValue(sum.total * scale) },
            },
          ]
    return [...capping, ...maskRemark('drops', masked, window)]
  },
  terms: ({ sum }) => ({ kind: 'sum', sum, index: 'dim', factors: ['q', 'k'] }),
})

type SoftmaxFacts = { window: number | null; value: number } & (
  { masked: Masked } | { masked: null; score: number; max: number; exp: number; total: number; count: number }
)

const exp = (power: ReactElement): ReactElement => msup(mi('e'), power)

export const softmax = opView<'softmax', SoftmaxFacts>({
  law: ({ attrs }) =>
    mrow(sub('p', 't'), mo('='), mfrac(exp(sub('s', 't')), sumOver(seen('u', attrs), exp(sub('s', 'u'))))),
  explain({ step, inputs, cell, layout, value }) {
    const { window } = step.attrs
    const masked = maskAt(layout.mask, cell.row, cell.col)
    if (masked !== null) return { masked, window, value }
    const [first, end] = seenBy(step.attrs, cell.row, layout.cols)
    const from = indexInRow(layout, { ...cell, col: first })
    const row = (inputs[0] ?? NO_ROW).subarray(from, from + end - first)
    const max = row.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
    const score = inputs[0]?.[indexInRow(layout, cell)] ?? Number.NaN
    // What a sink adds to the sum is told by the probability: its score is no value of a step.
    const seenTotal = row.reduce((sum, score) => sum + Math.exp(score - max), 0)
    const total = step.params.length > 0 ? Math.exp(score - max) / value : seenTotal
    return { masked, window, score, max, exp: Math.exp(score - max), total, count: row.length, value }
  },
  numbers(facts) {
    if (facts.masked !== null) return mrow(mi('p'), mo('='), mn('0'))
    const power = mrow(n(facts.score), mo('−'), signed(facts.max))
    const share = mfrac(n(facts.exp), n(facts.total))
    return equals(facts.value, mfrac(exp(power), n(facts.total)), mo('='), share)
  },
  remarks(facts) {
    if (facts.masked !== null) return maskRemark('zero', facts.masked, facts.window)
    const { count, max, total } = facts
    return [{ key: 'formula.softmax', values: { count, max: formatValue(max), total: formatValue(total) } }]
  },
})

export const context = opView<'context', { sum: Sum; value: number }>({
  readsCache: true,
  law({ attrs }) {
    const weighed = [sub('p', 't'), tight('·'), msub(mi('V'), mrow(mi('t'), mo(','), mi('i')))]
    return mrow(sub('y', 'i'), mo('='), sumOver(seen('t', attrs), ...weighed))
  },
  explain({ step: { attrs }, inputs, cache: kv, cell, value }) {
    const { headDim, heads } = attrs
    const probs = inputs[0] ?? NO_ROW
    const head = Math.floor(cell.col / headDim)
    const dim = kvHead(head, attrs) * headDim + (cell.col % headDim)
    const positions = probs.length / heads
    const begin = head * positions
    const [first, end] = seenBy(attrs, cell.row, positions)
    const weights = probs.subarray(begin + first, begin + end)
    const values = Float32Array.from(weights, (_, at) => cached(kv, 1, first + at)[dim] ?? 0)
    return { sum: sumOf(weights, values, first), value }
  },
  numbers: ({ sum, value }) => equals(value, ...productSum(sum)),
  terms: ({ sum }) => ({ kind: 'sum', sum, index: 'position', factors: ['p', 'V'] }),
})
