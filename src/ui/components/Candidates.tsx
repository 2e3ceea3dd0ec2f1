import { useEffect, useState } from 'react'
import type { CandidateRow, CandidateTable } from '../../store/candidates.ts'
import { visibleText } from '../../store/groups.ts'
import type { Trace } from '../../store/trace.ts'
import { useSession, useTranslate } from '../context.ts'
import { formatCount, formatFixed, formatProbability } from '../format.ts'

interface CandidatesProps {
  trace: Trace
  index: number
  table: CandidateTable
}

/** The most probable tokens as bars, the chosen one marked, and one line for all others. */
export function Candidates({ trace, index, table }: CandidatesProps) {
  const t = useTranslate()
  const texts = useMissingTexts(trace, index, table.rows)
  const longest = Math.max(...table.rows.map((row) => row.probability), 1e-12)
  return (
    <table className="candidates">
      <thead>
        <tr>
          <th scope="col">{t('logits.token')}</th>
          <th scope="col" className="cell-bar">
            <span className="visually-hidden">{t('logits.probability')}</span>
          </th>
          <th scope="col">p</th>
          <th scope="col">{t('logits.logprobShort')}</th>
          <th scope="col">{t('logits.id')}</th>
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row) => (
          <Row key={row.id} row={row} text={row.text ?? texts.get(row.id) ?? ''} longest={longest} />
        ))}
        {table.rest.count > 0 && (
          <tr className="candidate-rest">
            <th scope="row" colSpan={2} className="cell-rest">
              {t('logits.rest')}
            </th>
            <td>{formatProbability(table.rest.probability)}</td>
            <td colSpan={2}>{t('logits.restCount', { count: formatCount(table.rest.count) })}</td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

function Row({ row, text, longest }: { row: CandidateRow; text: string; longest: number }) {
  const t = useTranslate()
  const state = row.excluded ? 'candidate candidate-excluded' : 'candidate'
  const partial = text === '' || text.includes('\ufffd')
  return (
    <tr
      className={row.chosen ? `${state} candidate-chosen` : state}
      data-testid="logits-row"
      data-token-id={row.id}
      data-probability={row.probability}
    >
      <th scope="row" className="cell-token" title={partial ? t('output.partOf') : text}>
        {text === '' ? '◌' : visibleText(text)}
        {row.chosen && <span className="visually-hidden"> ({t('logits.chosen')})</span>}
      </th>
      <BarCell share={row.probability / longest} />
      <td>{row.excluded ? t('logits.excluded') : formatProbability(row.probability)}</td>
      <td>{formatFixed(row.logprob, 2)}</td>
      <td>{row.id}</td>
    </tr>
  )
}

function BarCell({ share }: { share: number }) {
  return (
    <td className="cell-bar" aria-hidden="true">
      <span className="bar" style={{ '--share': Number.isFinite(share) ? share : 0 }} />
    </td>
  )
}

/** Texts of rows the run did not capture, looked up once each. */
function useMissingTexts(
  trace: Trace,
  index: number,
  rows: readonly CandidateRow[],
): ReadonlyMap<number, string> {
  const session = useSession()
  const [texts, setTexts] = useState<ReadonlyMap<number, string>>(new Map())
  const missing = rows
    .filter((row) => row.text === null && !texts.has(row.id))
    .map((row) => row.id)
    .join(' ')
  useEffect(() => {
    if (missing === '') return
    let current = true
    const ids = missing.split(' ').map(Number)
    const before = trace.idsBefore(index)
    void Promise.all(ids.map((id) => session.lookUpText(before, id))).then((found) => {
      if (current) setTexts((old) => new Map([...old, ...ids.map((id, i) => [id, found[i] ?? ''] as const)]))
    })
    return () => {
      current = false
    }
  }, [missing, session, trace, index])
  return texts
}
