import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useMarked } from './hooks.ts'

/** The two texts' totals against each other. */
export function Difference() {
  const t = useTranslate()
  const a = useMarked('a')?.totals ?? null
  const b = useMarked('b')?.totals ?? null
  if (a === null || b === null) return <p className="note">{t('score.needBoth')}</p>
  const rows = [
    { key: 'loss', label: t('score.loss'), a: a.meanNats, b: b.meanNats, digits: 4 },
    { key: 'perplexity', label: t('score.perplexity'), a: a.perplexity, b: b.perplexity, digits: 2 },
    { key: 'bits', label: t('score.bits'), a: a.bitsPerByte, b: b.bitsPerByte, digits: 4 },
    { key: 'counted', label: t('score.counted'), a: a.counted, b: b.counted, digits: 0 },
  ]
  const show = (value: number, digits: number) => (Number.isNaN(value) ? '—' : formatFixed(value, digits))
  return (
    <table className="plain-table score-difference">
      <caption className="eyebrow">{t('score.difference')}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">A</th>
          <th scope="col">B</th>
          <th scope="col">B − A</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, label, a, b, digits }) => (
          <tr key={key}>
            <th scope="row">{label}</th>
            <td>{show(a, digits)}</td>
            <td>{show(b, digits)}</td>
            <td data-testid={`score-difference-${key}`} data-value={Number.isNaN(b - a) ? undefined : b - a}>
              {b > a && '+'}
              {show(b - a, digits)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
