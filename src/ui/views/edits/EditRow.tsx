import type { Change, ChangeOf, EditEntry, Span } from './store.ts'
import { selectedRow } from '../../../state/selection.ts'
import { Icon } from '../../components/Icon.tsx'
import { SliderField } from '../../components/SliderField.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useEdits } from './hooks.ts'
import { NumberField } from '../../components/NumberField.tsx'
import { changeName, changeSteps } from './words.ts'

type Spanned = ChangeOf<'scale'> | ChangeOf<'steer'>

/** One edit: what it does, whether it acts, how much and where. */
export function EditRow({ entry }: { entry: EditEntry }) {
  const edits = useEdits()
  const anatomy = useAnatomy()
  const t = useTranslate()
  const { id, on, change } = entry
  const name = changeName(t, anatomy, change)
  const update = (next: Change, field: 'factor' | 'span') => edits.update(id, next, field)
  return (
    <li className={on ? 'edit-row' : 'edit-row edit-row-off'} data-testid="edit-row" data-kind={change.kind}>
      <div className="edit-row-head">
        <input
          type="checkbox"
          data-testid="edit-enabled"
          aria-label={t('edits.on', { name })}
          checked={on}
          onChange={() => edits.toggle(id)}
        />
        <p className="edit-name">{name}</p>
        <button
          type="button"
          className="button button-icon"
          data-testid="edit-remove"
          aria-label={t('edits.remove', { name })}
          title={t('edits.remove', { name })}
          onClick={() => edits.remove(id)}
        >
          <Icon name="close" />
        </button>
      </div>
      <p className="edit-step">{changeSteps(anatomy, change)}</p>
      {(change.kind === 'scale' || change.kind === 'steer') && (
        <>
          <Amount change={change} onChange={(factor) => update({ ...change, factor }, 'factor')} />
          <Positions change={change} onChange={(span) => update({ ...change, span }, 'span')} />
        </>
      )}
    </li>
  )
}

function Amount({ change, onChange }: { change: Spanned; onChange: (factor: number) => void }) {
  const t = useTranslate()
  const anatomy = useAnatomy()
  const steer = change.kind === 'steer'
  const name = changeName(t, anatomy, change)
  return (
    <SliderField
      label={t(steer ? 'edits.strength' : 'edits.factor')}
      sliderLabel={name}
      hint={t(steer ? 'edits.strengthHint' : 'edits.clickHint')}
      testId="edit-factor"
      value={change.factor}
      min={steer ? -8 : -2}
      max={steer ? 8 : 2}
      step={steer ? 0.1 : 0.05}
      digits={2}
      remark={null}
      onChange={onChange}
    />
  )
}

const KINDS = ['all', 'from', 'range', 'token'] as const

/** Which positions it reaches: kinds to choose from, and the numbers that kind needs. */
function Positions({ change, onChange }: { change: Spanned; onChange: (span: Span) => void }) {
  const session = useSession()
  const t = useTranslate()
  const { span } = change
  const choose = (kind: Span['kind']) => {
    const row = selectedRow(session, Math.max(1, session.log.promptIds.length + session.log.tokens.length))
    onChange(spanAt(kind, row))
  }
  return (
    <div className="edit-positions cluster">
      <label className="edit-field">
        <span className="note">{t('edits.positions')}</span>
        <select
          className="select"
          data-testid="edit-span"
          value={span.kind}
          onChange={(event) => choose(KINDS.find((kind) => kind === event.currentTarget.value) ?? 'all')}
        >
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`edits.span.${kind}`)}
            </option>
          ))}
        </select>
      </label>
      <Ends span={span} onChange={onChange} />
    </div>
  )
}

function spanAt(kind: Span['kind'], row: number): Span {
  switch (kind) {
    case 'all':
      return { kind }
    case 'from':
      return { kind, from: row }
    case 'range':
      return { kind, from: row, to: row + 1 }
    case 'token':
      return { kind, at: row }
  }
}

/** Inclusive ends, as people count them. */
function Ends({ span, onChange }: { span: Span; onChange: (span: Span) => void }) {
  const t = useTranslate()
  const first = t('edits.from')
  switch (span.kind) {
    case 'all':
      return null
    case 'from':
      return <NumberField label={first} value={span.from} onChange={(from) => onChange({ ...span, from })} />
    case 'token':
      return (
        <NumberField
          label={t('edits.positions')}
          value={span.at}
          onChange={(at) => onChange({ ...span, at })}
        />
      )
    case 'range':
      return (
        <span className="edit-ends">
          <NumberField
            label={first}
            value={span.from}
            onChange={(from) => onChange({ ...span, from, to: Math.max(from + 1, span.to) })}
          />
          <span aria-hidden="true">–</span>
          <NumberField
            label={t('edits.to')}
            value={span.to - 1}
            onChange={(to) => onChange({ ...span, from: Math.min(to, span.from), to: to + 1 })}
          />
        </span>
      )
  }
}
