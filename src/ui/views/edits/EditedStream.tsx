import { useMemo, type KeyboardEvent } from 'react'
import { useStore } from 'zustand'
import type { EditedRow } from '../../../analysis/editedRows.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { formatNats } from '../../components/numbers.ts'
import { useTexts } from '../../components/reading.ts'
import { StaleNotice, EmptyState } from '../../components/EmptyState.tsx'
import { EditChip } from './EditChip.tsx'
import { useEditedRun, usePlace, useShownEdited, type ShownEdited } from './hooks.ts'
import { largestRow, strength, summarise } from '../../../analysis/editedRows.ts'
import { klScale, signed } from './kl.ts'
import { KlLegend } from './KlLegend.tsx'
import { useTokenName } from '../../components/useTokenName.ts'

/** The text on the page under the edits, against itself without them. */
export function EditedStream() {
  const run = useEditedRun()
  const t = useTranslate()
  const shown = useShownEdited()
  const isReading = useStore(run.measurement.state, ({ phase }) => phase.kind === 'reading')
  return (
    <section className="edit-result" aria-label={t('edits.result')} aria-busy={isReading}>
      <header className="edit-result-head">
        <h2 className="eyebrow">{t('edits.result')}</h2>
        {shown !== null && <EditChip entries={shown.value.entries} />}
        <span className="edit-result-end">{shown !== null && <Jump shown={shown} />}</span>
      </header>
      {shown === null ? (
        <EmptyState measurement={run.measurement} />
      ) : (
        <>
          <Summary shown={shown} />
          <StaleNotice measurement={run.measurement} />
          <Tokens shown={shown} />
        </>
      )}
    </section>
  )
}

/** To the token whose prediction changed most. */
function Jump({ shown: { ids, value } }: { shown: ShownEdited }) {
  const t = useTranslate()
  const { choose } = usePlace(ids.length)
  const row = largestRow(value)
  return (
    <button
      type="button"
      className="button button-small"
      data-testid="edit-jump"
      disabled={value.rows[row] === undefined || strength(value.rows[row]) === 0}
      onClick={() => choose(row + 1)}
    >
      {t('edits.jump')}
    </button>
  )
}

function Summary({ shown }: { shown: ShownEdited }) {
  const t = useTranslate()
  const { mean, most, delta } = summarise(shown.value)
  const change = signed(formatFixed(delta, 3), delta)
  const values =
    mean === null || most === null
      ? t('edits.scoredSummary', { delta: change })
      : t('edits.summary', { mean: formatNats(mean), most: formatNats(most), delta: change })
  return (
    <div className="edit-summary cluster">
      <span
        className="note numeric"
        role="status"
        data-testid="edit-summary"
        data-mean={mean ?? undefined}
        data-most={most ?? undefined}
        data-delta={delta}
      >
        {values}
      </span>
      {shown.value.entries.length > 0 && (
        <KlLegend
          label={t(mean === null ? 'edits.deltaScale' : 'edits.klScale')}
          end={`${klScale(shown.value).end}${mean === null ? '' : ' nat'}`}
        />
      )}
    </div>
  )
}

/** Every token shaded by how its own prediction changed; behind the last one, what would come next. */
function Tokens({ shown: { ids, value } }: { shown: ShownEdited }) {
  const t = useTranslate()
  const texts = useTexts(ids.length)
  const { place, choose } = usePlace(ids.length)
  const scale = useMemo(() => klScale(value), [value])
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0 || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const to = Math.min(ids.length, Math.max(1, place + by))
    choose(to)
    event.currentTarget.querySelector<HTMLElement>(`[data-position="${to}"]`)?.focus()
  }
  return (
    <div
      className="edit-text"
      data-palette="surprise"
      role="group"
      data-arrows=""
      aria-label={t('edits.text')}
      onKeyDown={move}
    >
      <span className="edit-lead">{visibleText(texts[0] ?? '') || `#${ids[0] ?? ''}`}</span>
      {value.rows.map((row, at) => (
        <EditToken
          key={at}
          row={row}
          position={at + 1}
          id={ids[at + 1] ?? null}
          text={texts[at + 1] ?? ''}
          level={scale.level(row)}
          selected={place === at + 1}
          onChoose={choose}
        />
      ))}
    </div>
  )
}

interface EditTokenProps {
  row: EditedRow
  position: number
  /** Null behind the last token. */
  id: number | null
  text: string
  level: number
  selected: boolean
  onChoose: (position: number) => void
}

function EditToken({ row, position, id, text, level, selected, onChoose }: EditTokenProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const kl = row.kl === null ? t('edits.notCaptured') : formatNats(row.kl)
  const delta = Math.exp(row.edited ?? 0) - Math.exp(row.base ?? 0)
  const token = id === null ? '' : nameToken(text, id)
  const label =
    id === null
      ? t('edits.nextLabel', { kl })
      : t('edits.tokenLabel', { position, token, kl, delta: signed(formatFixed(delta, 3), delta) })
  return (
    <button
      type="button"
      className={id === null ? 'edit-token edit-token-next' : 'edit-token'}
      data-testid="edit-token"
      data-position={position}
      data-token-id={id ?? undefined}
      data-kl={row.kl ?? undefined}
      data-base={row.base ?? undefined}
      data-edited={row.edited ?? undefined}
      aria-pressed={selected}
      aria-label={label}
      title={label}
      tabIndex={selected ? 0 : -1}
      style={{ '--level': `var(--seq-${level})` }}
      onClick={() => onChoose(position)}
    >
      {id === null ? t('edits.next') : text === '' ? token : <TokenText text={text} />}
    </button>
  )
}
