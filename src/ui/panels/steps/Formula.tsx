import { useMemo } from 'react'
import { visibleText } from '../../../store/groups.ts'
import type { Cell } from '../../../store/steps.ts'
import type { ModelInfo } from '../../../types.ts'
import { math } from '../../components/mathml.ts'
import { useTranslate } from '../../context.ts'
import { explain, type Explanation, type Sum, type Term } from './explain.ts'
import { useInputs, useRowTexts, useStepsState, type ShownTensor } from './hooks.ts'
import { lawOf } from './laws.ts'
import { formatValue, liveMath } from './liveMath.ts'

interface FormulaProps {
  shown: ShownTensor
  info: ModelInfo
  cell: Cell
}

/** The law of the step, and below it the same with the numbers of the chosen cell. */
export function Formula({ shown, info, cell }: FormulaProps) {
  const { step, tensor } = shown
  const t = useTranslate()
  const inputs = useInputs(step)
  const source = useStepsState((state) => state.source)
  const how = useMemo(
    () =>
      inputs === null || source === null
        ? null
        : explain({ step, tensor, inputs, cell, ids: source.ids, info, weights: null }),
    [step, tensor, inputs, cell, source, info],
  )
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
      case 'mix':
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
    case 'mix': {
      const label = (position: number) => `${position} ${visibleText(texts[position] ?? '')}`
      return <TermTable sum={how.sum} names={[t('formula.position'), 'p', 'V']} label={label} />
    }
    case 'linear':
      return how.sum === null ? (
        <InputTable terms={how.inputs} count={how.count} />
      ) : (
        <TermTable sum={how.sum} names={[t('formula.index'), 'x', 'W']} label={String} />
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
}

/** The addends of a sum, largest first, each with a bar on both sides of zero. */
function TermTable({ sum, names, label }: TermTableProps) {
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
