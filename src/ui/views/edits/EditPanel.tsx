import { useMemo } from 'react'
import { pairLines } from '../../../analysis/editedRows.ts'
import { useTranslate } from '../../context.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { formatNats } from '../../components/numbers.ts'
import { useTokenLabels } from '../lens/hooks.ts'
import { useTexts } from '../../components/reading.ts'
import { usePlace, useShownEdited, type ShownEdited } from './hooks.ts'
import { signed } from './kl.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** Lines of the table. */
const LINES = 14

/** One prediction with and without the edits. */
export function EditPanel() {
  const t = useTranslate()
  const shown = useShownEdited()
  const { place } = usePlace(shown?.ids.length ?? 0)
  if (shown === null || shown.value.rows[place - 1] === undefined)
    return <p className="note">{t('edits.panelEmpty')}</p>
  return <Prediction shown={shown} place={place} />
}

function Prediction({ shown, place }: { shown: ShownEdited; place: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { ids, value } = shown
  const texts = useTexts(ids.length)
  const nameAt = (at: number) => nameToken(texts[at] ?? '', ids[at] ?? 0)
  const row = value.rows[place - 1]
  return (
    <div className="edit-panel" data-testid="edit-panel" data-position={place}>
      <p className="note">
        {t('edits.predicts', { position: place - 1, token: nameAt(place - 1), next: place })}
      </p>
      <dl className="lens-facts">
        <dt>{t('edits.actual')}</dt>
        <dd>{place < ids.length ? nameAt(place) : t('edits.notWritten')}</dd>
        <dt>{t('edits.klScale')}</dt>
        <dd className="numeric" data-testid="edit-kl" data-value={row?.kl ?? undefined}>
          {row?.kl === null || row === undefined ? t('edits.notCaptured') : `${formatNats(row.kl)} nat`}
        </dd>
        {row !== undefined && row.base !== null && row.edited !== null && (
          <Moved base={Math.exp(row.base)} edited={Math.exp(row.edited)} />
        )}
      </dl>
      <Pairs shown={shown} place={place} />
    </div>
  )
}

function Moved({ base, edited }: { base: number; edited: number }) {
  const t = useTranslate()
  return (
    <>
      <dt>{t('edits.pBase')}</dt>
      <dd className="numeric">{formatProbability(base)}</dd>
      <dt>{t('edits.pEdited')}</dt>
      <dd className="numeric">{formatProbability(edited)}</dd>
      <dt>{t('edits.delta')}</dt>
      <dd className="numeric" data-testid="edit-delta" data-value={edited - base}>
        {points(edited - base)}
      </dd>
    </>
  )
}

/** Percentage points. */
const points = (difference: number): string => signed(formatFixed(difference * 100, 2), difference)

function Pairs({ shown: { ids, value }, place }: { shown: ShownEdited; place: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const lines = useMemo(() => pairLines(value, place - 1, LINES), [value, place])
  const candidates = useMemo(() => lines.map(({ id }) => id), [lines])
  const contextIds = useMemo(() => ids.slice(0, place), [ids, place])
  const texts = useTokenLabels(candidates, contextIds)
  const longest = Math.max(1e-12, ...lines.map(({ base, edited }) => Math.max(base ?? 0, edited ?? 0)))
  const probability = (p: number | null) => (p === null ? '—' : formatProbability(p))
  return (
    <table className="pair-table">
      <thead>
        <tr>
          <th scope="col">{t('edits.pBase')}</th>
          <th scope="col" className="pair-token">
            {t('logits.token')}
          </th>
          <th scope="col">{t('edits.pEdited')}</th>
          <th scope="col">{t('edits.delta')}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ id, base, edited }, index) => (
          <tr key={id} data-testid="pair-row" data-token-id={id}>
            <td className="pair-a" style={{ '--share': (base ?? 0) / longest }}>
              {probability(base)}
            </td>
            <th scope="row" className="pair-token" title={`id ${id}`}>
              {nameToken(texts[index] ?? '', id)}
            </th>
            <td className="pair-b" style={{ '--share': (edited ?? 0) / longest }}>
              {probability(edited)}
            </td>
            <td className="pair-delta">{base === null || edited === null ? '—' : points(edited - base)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
