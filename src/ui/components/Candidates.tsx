import { useMemo } from 'react'
import type { CandidateRow, CandidateTable } from '../../analysis/candidates.ts'
import { visibleText } from '../../state/characterGroups.ts'
import { isSent } from '../../state/elsewhere/sentIds.ts'
import type { TokenLog } from '../../state/tokenLog.ts'
import { useTranslate } from '../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../maths/format.ts'
import { endName } from './labels.ts'
import { useMissingTexts } from './useMissingTexts.ts'

interface CandidatesProps {
  log: TokenLog
  index: number
  table: CandidateTable
  /** Makes every other token a button. */
  onChoose?: ((id: number) => void) | undefined
  /** Stands for all other tokens. */
  rest?: string
}

/** The most probable tokens as bars, the chosen one marked, and one line for all others. */
export function Candidates({ log, index, table, onChoose, rest }: CandidatesProps) {
  const t = useTranslate()
  const { epoch } = log
  // The log is changed in place: its epoch stands for its text.
  const contextIds = useMemo(() => (epoch < 0 ? [] : log.idsBefore(index)), [log, epoch, index])
  const texts = useMissingTexts(
    table.rows.filter(({ text }) => text === null).map(({ id }) => id),
    contextIds,
  )
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
          <Row
            key={row.id}
            row={row}
            text={row.text ?? texts.get(row.id) ?? ''}
            end={log.isEnd(row.id)}
            onChoose={onChoose}
          />
        ))}
        {table.rest.count > 0 && (
          <tr className="candidate-rest">
            <th scope="row" colSpan={2} className="cell-rest">
              {rest ?? t('logits.rest')}
            </th>
            <td>{formatProbability(table.rest.probability)}</td>
            <td colSpan={2}>{t('logits.restCount', { count: formatCount(table.rest.count) })}</td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

interface RowProps extends Pick<CandidatesProps, 'onChoose'> {
  row: CandidateRow
  text: string
  /** It ends the text. */
  end: boolean
}

function Row({ row, text, end, onChoose }: RowProps) {
  const t = useTranslate()
  const state = row.excluded ? 'candidate candidate-excluded' : 'candidate'
  const name = end ? endName(t) : text === '' ? '◌' : visibleText(text)
  const sent = !Number.isNaN(row.logprob)
  const partial = (text === '' && !end) || /\ufffd|<0x[\dA-F]{2}>$/.test(text)
  return (
    <tr
      className={row.chosen ? `${state} candidate-chosen` : state}
      data-testid="logits-row"
      data-token-id={row.id}
      data-probability={row.probability}
    >
      <th scope="row" className="cell-token" title={partial ? t('output.partOf') : text}>
        {onChoose === undefined || row.chosen ? (
          name
        ) : (
          <button type="button" className="candidate-choose one-line" onClick={() => onChoose(row.id)}>
            {name}
          </button>
        )}
        {row.chosen && <span className="visually-hidden"> ({t('logits.chosen')})</span>}
      </th>
      <BarCell share={row.probability} />
      <td>{row.excluded ? t('logits.excluded') : sent ? formatProbability(row.probability) : '—'}</td>
      <td>{sent ? formatFixed(row.logprob, 2) : '—'}</td>
      <td>{isSent(row.id) ? row.id : '—'}</td>
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
