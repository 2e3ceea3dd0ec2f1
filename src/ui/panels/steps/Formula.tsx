import { useMemo } from 'react'
import { visibleText } from '../../../store/groups.ts'
import type { Cell } from '../../../store/steps.ts'
import type { ModelInfo } from '../../../api/model.ts'
import { math } from '../../components/mathml.ts'
import { useTranslate } from '../../context.ts'
import { explain, readsCache, type Explanation, type Sum, type Term } from './explain.ts'
import { useRowData, useRowTexts, useWeights, useWhole, type ShownStep } from './hooks.ts'
import { lawOf } from './laws.ts'
import { formatValue, liveMath } from './liveMath.ts'

interface FormulaProps {
  shown: ShownStep
  info: ModelInfo
  cell: Cell
  /** The cell's row of the output; null while it is being read. */
  values: Float32Array | null
}

/** The law of the step, and below it the same with the numbers of the chosen cell. */
export function Formula({ shown, info, cell, values }: FormulaProps) {
  const { step } = shown
  const t = useTranslate()
  const how = useExplanation(shown, info, cell, values)
  const law = lawOf(step)
  const numbers = how === null ? null : liveMath(how)
  return (
    <section className="formula" aria-label={t('formula.label')}>
      <div className="formula-law" data-testid="step-formula" data-formula={step.formula}>
        {law === null ? <code>{step.formula}</code> : math(step.formula, law)}
        {numbers !== null && math(t('formula.label'), numbers)}
      </div>
      {how !== null && <Remark how={how} cell={cell} />}
      {how !== null && <Terms how={how} />}
    </section>
  )
}

/** How the cell came about; null until everything it is made of is here. */
function useExplanation(
  { step, source }: ShownStep,
  info: ModelInfo,
  cell: Cell,
  values: Float32Array | null,
): Explanation | null {
  const [first, second] = step.inputs
  const a = useRowData(source, first, cell.row)
  const b = useRowData(source, second, cell.row)
  const needed = readsCache(step) ? (second ?? null) : null
  const cache = useWhole(source, needed)
  const weights = useWeights(source, step, cell.col)
  return useMemo(() => {
    const waits = values === null || (needed !== null && cache === null)
    if (waits || (first !== undefined && a === null) || (second !== undefined && b === null)) return null
    const inputs = [a, b].filter((row) => row !== null)
    return explain({ step, values, inputs, cache, cell, ids: source.ids, info, weights })
  }, [step, values, first, second, a, b, needed, cache, cell, source, info, weights])
}

/** What the numbers are, where the formula alone does not say it. */
function Remark({ how, cell }: { how: Explanation; cell: Cell }) {
  const t = useTranslate()
  const text = () => {
    switch (how.kind) {
      case 'lookup':
        return t('formula.lookup', { col: cell.col, token: how.token })
      case 'copy':
        return t('formula.copy', { from: how.from })
      case 'masked':
        return t('formula.masked')
      case 'still':
        return t('formula.still')
      case 'rope':
        return t('formula.rope', {
          lane: Math.min(how.lane, how.partner),
          partner: Math.max(how.lane, how.partner),
          angle: formatValue(how.angle),
        })
      case 'rms':
        return t('formula.rms', { count: how.count, meanSquare: formatValue(how.meanSquare) })
      case 'layer':
        return t('formula.layer', {
          count: how.count,
          mean: formatValue(how.mean),
          variance: formatValue(how.variance),
          normal: formatValue(how.normal),
        })
      case 'softmax':
        return t('formula.softmax', {
          count: how.count,
          max: formatValue(how.max),
          total: formatValue(how.total),
        })
      case 'scores':
        return how.masked ? t('formula.future') : null
      case 'linear':
        return how.sum === null ? t('formula.noWeights') : null
      case 'context':
      case 'add':
      case 'gate':
      case 'activation':
      case 'value':
        return null
    }
  }
  const remark = text()
  return remark === null ? null : <p className="note">{remark}</p>
}

function Terms({ how }: { how: Explanation }) {
  const t = useTranslate()
  const texts = useRowTexts()
  switch (how.kind) {
    case 'scores':
      return <TermTable sum={how.sum} names={[t('formula.lane'), 'q', 'k']} label={String} />
    case 'context': {
      const label = (position: number) => `${position} ${visibleText(texts[position] ?? '')}`
      return <TermTable sum={how.sum} names={[t('formula.position'), 'p', 'V']} label={label} />
    }
    case 'linear':
      return how.sum === null ? (
        <InputTable terms={how.inputs} count={how.count} />
      ) : (
        <TermTable
          sum={how.sum}
          names={[t('formula.index'), 'x', 'W']}
          label={String}
          also={[
            { name: t('formula.bias'), value: how.bias },
            { name: t('formula.adapters'), value: how.adapters },
          ]}
        />
      )
    case 'lookup':
    case 'rms':
    case 'layer':
    case 'rope':
    case 'still':
    case 'copy':
    case 'softmax':
    case 'masked':
    case 'add':
    case 'gate':
    case 'activation':
    case 'value':
      return null
  }
}

interface TermTableProps {
  sum: Sum
  names: readonly [index: string, a: string, b: string]
  label: (index: number) => string
  /** What is added to the sum of products; null where there is nothing. */
  also?: readonly { name: string; value: number | null }[]
}

/** The addends of a sum, largest first, each with a bar on both sides of zero. */
function TermTable({ sum, names, label, also = [] }: TermTableProps) {
  const t = useTranslate()
  const most = Math.max(...sum.terms.map(({ product }) => Math.abs(product)), Math.abs(sum.restSum), 1e-30)
  const count = sum.terms.length + sum.restCount
  return (
    <table className="terms">
      <caption className="note">{t('formula.terms', { count })}</caption>
      <thead>
        <tr>
          {names.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
          <th scope="col">{t('formula.product')}</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {sum.terms.map(({ index, a, b, product }) => (
          <tr key={index}>
            <th scope="row">{label(index)}</th>
            <td>{formatValue(a)}</td>
            <td>{formatValue(b)}</td>
            <td>{formatValue(product)}</td>
            <Bar share={product / most} />
          </tr>
        ))}
        {sum.restCount > 0 && (
          <tr className="terms-rest">
            <th scope="row" colSpan={3}>
              {t('formula.rest', { count: sum.restCount })}
            </th>
            <td>{formatValue(sum.restSum)}</td>
            <Bar share={sum.restSum / most} />
          </tr>
        )}
        {also.map(
          ({ name, value }) =>
            value !== null && (
              <tr key={name} className="terms-rest">
                <th scope="row" colSpan={3}>
                  {name}
                </th>
                <td>{formatValue(value)}</td>
                <Bar share={Math.min(1, Math.max(-1, value / most))} />
              </tr>
            ),
        )}
      </tbody>
    </table>
  )
}

function Bar({ share }: { share: number }) {
  return (
    <td className="terms-bar">
      <span
        className={share < 0 ? 'signed-bar signed-below' : 'signed-bar'}
        style={{ '--share': Math.abs(share) }}
      />
    </td>
  )
}

function InputTable({ terms, count }: { terms: readonly Term[]; count: number }) {
  const t = useTranslate()
  const most = Math.max(...terms.map(({ a }) => Math.abs(a)), 1e-30)
  return (
    <table className="terms">
      <caption className="note">{t('formula.inputs', { count })}</caption>
      <thead>
        <tr>
          <th scope="col">{t('formula.index')}</th>
          <th scope="col">x</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {terms.map(({ index, a }) => (
          <tr key={index}>
            <th scope="row">{index}</th>
            <td>{formatValue(a)}</td>
            <Bar share={a / most} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}
