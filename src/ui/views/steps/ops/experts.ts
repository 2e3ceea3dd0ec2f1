import type { RouterSoftmax } from '../../../../api/model.ts'
import { mfrac, mi, mo, mrow, msub, msup, mtext, sub, sumOver, tight } from '../../../components/mathml.ts'
import { equals, formatValue, n, signed } from '../numbers.ts'
import { productSum, SHOWN_TERMS, sumOf, type Sum, type Term } from './sums.ts'
import { NO_ROW, opView, type TermList } from './opView.ts'

/** sₑ of a number of an expert. */
const scoreOf = (expert: number) => msub(mi('s'), n(expert))

/** Which expert a row takes at this place. */
export const topK = opView<'top_k', { expert: number; score: number; place: number }>({
  law: () => mrow(sub('e', 'i'), mo('='), mi('arg'), sub('top', 'i'), tight(' '), mi('s')),
  explain: ({ inputs, cell, value }) => ({
    expert: value,
    score: inputs[0]?.[value] ?? Number.NaN,
    place: cell.col + 1,
  }),
  numbers: ({ expert, score }) =>
    mrow(mi('e'), mo('='), n(expert), mtext(' , '), scoreOf(expert), mo('='), n(score)),
  remarks: ({ expert, place }) => [{ key: 'formula.choice', values: { expert, place } }],
})

interface WeightFacts {
  over: RouterSoftmax
  score: number
  max: number
  total: number
  count: number
  value: number
}

/** What the expert at this place weighs. */
export const routerWeights = opView<'router_weights', WeightFacts>({
  law({ attrs: { over } }) {
    const power = (index: string) => msup(mi('e'), sub('s', index))
    const all = over === 'all' ? 'j' : 'j ∈ chosen'
    return mrow(sub('w', 'i'), mo('='), mfrac(power('i'), sumOver(all, power('j'))))
  },
  explain({ step, inputs, cell, value }) {
    const [scores = NO_ROW, chosen = NO_ROW] = inputs
    const { over } = step.attrs
    const taken = Array.from(chosen, (expert) => scores[expert] ?? Number.NaN)
    const counted = over === 'all' ? Array.from(scores) : taken
    const max = counted.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
    const total = counted.reduce((sum, score) => sum + Math.exp(score - max), 0)
    return { over, score: taken[cell.col] ?? Number.NaN, max, total, count: counted.length, value }
  },
  numbers({ score, max, total, value }) {
    const power = msup(mi('e'), mrow(n(score), mo('−'), signed(max)))
    return equals(value, mfrac(power, n(total)))
  },
  remarks: ({ count, max, total }) => [
    { key: 'formula.softmax', values: { count, max: formatValue(max), total: formatValue(total) } },
  ],
})

interface ExpertFacts {
  expert: number
  /** Null while the weights are not at hand. */
  sum: Sum | null
  inputs: readonly Term[]
  count: number
  bias: number | null
  value: number
}

/** A product with the matrix of one of the row's experts. */
export const expertLinear = opView<'expert_linear', ExpertFacts>({
  law({ attrs: { perExpert } }) {
    const weight = msub(msup(mi('W'), mi('e')), mrow(mi('i'), mo(','), mi('k')))
    const x = perExpert ? msub(msup(mi('x'), mi('e')), mi('k')) : sub('x', 'k')
    return mrow(msub(msup(mi('y'), mi('e')), mi('i')), mo('='), sumOver('k', x, tight('·'), weight))
  },
  explain({ step, inputs, weights, cell, value }) {
    const [all = NO_ROW, chosen = NO_ROW] = inputs
    const { perExpert } = step.attrs
    const place = Math.floor(cell.col / (step.axes.at(-1)?.size ?? 1))
    const width = perExpert ? all.length / chosen.length : all.length
    const row = perExpert ? all.subarray(place * width, (place + 1) * width) : all
    const largest = Array.from(row, (x, index): Term => ({ index, a: x, b: Number.NaN, product: x }))
      .sort((one, two) => Math.abs(two.a) - Math.abs(one.a))
      .slice(0, SHOWN_TERMS)
    const sum = weights === null ? null : sumOf(row, weights.weights)
    const expert = chosen[place] ?? Number.NaN
    return { expert, sum, inputs: largest, count: row.length, bias: weights?.bias ?? null, value }
  },
  numbers({ sum, bias, value }) {
    if (sum === null) return null
    return equals(value, ...productSum(sum), ...(bias === null ? [] : [mo('+'), signed(bias)]))
  },
  remarks: ({ expert, sum }) => [
    { key: 'formula.expert', values: { expert } },
    ...(sum === null ? [{ key: 'formula.noWeights' as const }] : []),
  ],
  terms({ sum, inputs, count, bias }): TermList {
    if (sum === null) return { kind: 'inputs', terms: inputs, count }
    const also = bias === null ? [] : [{ key: 'formula.bias' as const, value: bias }]
    return { kind: 'sum', sum, index: 'index', factors: ['x', 'W'], also }
  },
})

/** What a row's experts made, each times its weight. */
export const expertSum = opView<'expert_sum', { sum: Sum; value: number }>({
  law: () =>
    mrow(
      sub('y', 'i'),
      mo('='),
      sumOver('e', sub('w', 'e'), tight('·'), msub(msup(mi('x'), mi('e')), mi('i'))),
    ),
  explain({ inputs, cell, value }) {
    const [all = NO_ROW, weights = NO_ROW] = inputs
    const width = all.length / weights.length
    return {
      sum: sumOf(
        weights,
        weights.map((_, place) => all[place * width + cell.col] ?? 0),
      ),
      value,
    }
  },
  numbers: ({ sum, value }) => equals(value, ...productSum(sum)),
  terms: ({ sum }) => ({ kind: 'sum', sum, index: 'index', factors: ['w', 'x'] }),
})

/** The shared expert's part is told by what it added. */
export const scaledAdd = opView<'scaled_add', { a: number; b: number; value: number }>({
  law: () => mrow(sub('y', 'i'), mo('='), sub('a', 'i'), mo('+'), mi('s'), tight('·'), sub('b', 'i')),
  explain: ({ inputs, cell, value }) => ({
    a: inputs[0]?.[cell.col] ?? Number.NaN,
    b: inputs[1]?.[cell.col] ?? Number.NaN,
    value,
  }),
  numbers: ({ a, b, value }) => equals(value, n(a), mo('+'), n((value - a) / b), tight('·'), signed(b)),
})
