import { useMemo } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { TensorCell } from './store.ts'
import { math } from '../../components/mathml.ts'
import { useTranslate } from '../../context.ts'
import { useRowData, useRowTexts, useWeights, useFullTensor, type ShownStep } from './hooks.ts'
import { formatValue } from './numbers.ts'
import { explain, lawOf, outputOf, readsCache, type Explanation, type TermList } from './ops/index.ts'
import type { Sum, Term } from './ops/sums.ts'

interface FormulaProps {
  shown: ShownStep
  cell: TensorCell
  /** The cell's row of the output; null while it is being read. */
  values: Float32Array | null
}

/** The law of the step, and below it the same with the numbers of the chosen cell. */
export function Formula({ shown, cell, values }: FormulaProps) {
  const { step } = shown
  const t = useTranslate()
  const how = useExplanation(shown, cell, values)
  const law = lawOf(step)
  return (
    <section className="formula" aria-label={t('formula.label')}>
      <div className="formula-law cluster" data-testid="step-formula" data-formula={step.formula}>
        {law === null ? <code>{step.formula}</code> : math(step.formula, law)}
        {how !== null && how.numbers !== null && math(t('formula.label'), how.numbers)}
      </div>
      {how !== null && how.remarks.length > 0 && (
        <p className="note">{how.remarks.map(({ key, values: inserted }) => t(key, inserted)).join(' ')}</p>
      )}
      {how !== null && how.terms !== null && <Terms terms={how.terms} />}
    </section>
  )
}

/** How the cell came about; null until everything it is made of is here. */
function useExplanation(
  { step, source }: ShownStep,
  cell: TensorCell,
  values: Float32Array | null,
): Explanation | null {
  const [first, second] = step.inputs
  const a = useRowData(source, first, cell.row)
  const b = useRowData(source, second, cell.row)
  const needed = readsCache(step) ? (second ?? null) : null
  const cache = useFullTensor(source, needed)
  const weights = useWeights(source, step, outputOf(step, cell.col, b))
  return useMemo(() => {
    const waits = values === null || (needed !== null && cache === null)
    if (waits || (first !== undefined && a === null) || (second !== undefined && b === null)) return null
    const inputs = [a, b].filter((row) => row !== null)
    return explain({ step, values, inputs, cache, cell, ids: source.ids, weights })
  }, [step, values, first, second, a, b, needed, cache, cell, source, weights])
}

function Terms({ terms }: { terms: TermList }) {
  const t = useTranslate()
  const texts = useRowTexts()
  if (terms.kind === 'inputs') return <InputTable terms={terms.terms} count={terms.count} />
  const { sum, index, factors, also = [] } = terms
  return (
    <TermTable
      sum={sum}
      names={[t(`formula.${index}`), ...factors]}
      label={(at) => (index === 'position' ? `${at} ${visibleText(texts[at] ?? '')}` : String(at))}
      also={also.map(({ key, value }) => ({ name: t(key), value }))}
    />
  )
}

interface TermTableProps {
  sum: Sum
  names: readonly [index: string, a: string, b: string]
  label: (index: number) => string
  /** What is added to the sum of products. */
  also: readonly { name: string; value: number }[]
}

/** The addends of a sum, largest first, each with a bar on both sides of zero. */
function TermTable({ sum, names, label, also }: TermTableProps) {
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
        {also.map(({ name, value }) => (
          <tr key={name} className="terms-rest">
            <th scope="row" colSpan={3}>
              {name}
            </th>
            <td>{formatValue(value)}</td>
            <Bar share={Math.min(1, Math.max(-1, value / most))} />
          </tr>
        ))}
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
