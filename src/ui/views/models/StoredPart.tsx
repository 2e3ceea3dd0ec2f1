import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useState } from 'react'
import type { StoredModel } from '../../../api/source.ts'
import { formatBytes } from '../../../maths/format.ts'
import { useApp, useTranslate } from '../../context.ts'
import { useModels, useModelsState } from './hooks.ts'

/** What the browser keeps, and what it takes. */
export function StoredPart() {
  const models = useModels()
  const t = useTranslate()
  const stored = useModelsState((state) => state.stored)
  if (stored === null) return null
  const bytes = stored.reduce((sum, { bytesDone }) => sum + bytesDone, 0)
  return (
    <section className="models-part" aria-label={t('models.stored')}>
      <h2 className="eyebrow">{t('models.stored')}</h2>
      <RoomLine />
      {stored.length === 0 ? (
        <p className="note">{t('models.storedNone')}</p>
      ) : (
        <ul className="models-stored">
          {stored.map((model) => (
            <Row key={model.key} model={model} />
          ))}
        </ul>
      )}
      {stored.length > 1 && (
        <Sure
          label={t('models.removeAll')}
          sure={t('models.removeAllSure', { size: formatBytes(bytes) })}
          onSure={() => void models.remove(stored.map(({ key }) => key))}
        />
      )}
    </section>
  )
}

function RoomLine() {
  const t = useTranslate()
  const room = useModelsState((state) => state.room)
  if (room === null) return <p className="note">{t('models.noStorage')}</p>
  const { usage, quota, persisted } = room
  return (
    <p className="note numeric">
      {t('models.room', { used: formatBytes(usage), quota: formatBytes(quota) })} ·{' '}
      {t(persisted ? 'models.persisted' : 'models.notPersisted')}
    </p>
  )
}

function Row({ model }: { model: StoredModel }) {
  const models = useModels()
  const t = useTranslate()
  const language = useApp((state) => state.language)
  const isOpen = useApp((state) => state.modelId === model.source && state.model.kind === 'ready')
  const { key, source, bytes, bytesDone, usedAt, keptAt, license } = model
  const isPart = keptAt === null
  const when = new Date(usedAt ?? keptAt ?? 0)
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  return (
    <li className="models-stored-row" data-testid="storage-row" data-key={key} data-part={isPart}>
      <span className="models-find-id">{source}</span>
      <span className="note numeric">
        {isPart
          ? t('models.partOf', { done: formatBytes(bytesDone), total: formatBytes(bytes) })
          : formatBytes(bytes)}
      </span>
      <span className="note">{license}</span>
      <span className="note">
        {isOpen ? t('models.isOpen') : isPart ? '' : t('models.used', { when: day.format(when) })}
      </span>
      <span className="models-row-actions">
        <button
          type="button"
          className="button"
          aria-label={t('models.openOf', { name: source })}
          onClick={() => void (isPart ? models.look(source) : models.openStored(model))}
        >
          {t(isPart ? 'models.resume' : 'models.open')}
        </button>
        {!isPart && (
          <button
            type="button"
            className="button button-quiet"
            aria-label={t('models.verifyOf', { name: source })}
            onClick={() => void models.verify(key)}
          >
            {t('models.verify')}
          </button>
        )}
        <Sure
          label={t('models.remove')}
          name={t('models.removeOf', { name: source })}
          sure={t('models.removeSure', { size: formatBytes(bytesDone) })}
          onSure={() => void models.remove([key])}
        />
      </span>
      <Checked modelKey={key} />
    </li>
  )
}

/** What verifying a model has found. */
function Checked({ modelKey }: { modelKey: string }) {
  const t = useTranslate()
  const checking = useModelsState((state) => (state.checking?.key === modelKey ? state.checking : null))
  if (checking === null) return null
  const { bytesDone, bytesTotal, repaired, error } = checking
  if (error !== null) return <ErrorNotice error={error} />
  if (repaired === null) {
    const words = t('models.verifying', { done: formatBytes(bytesDone), total: formatBytes(bytesTotal) })
    return <ReadingBar done={bytesDone} total={bytesTotal} words={words} />
  }
  return (
    <p className="note numeric" role="status" data-testid="storage-checked">
      {repaired === 0 ? t('models.sound') : t('models.repaired', { count: repaired })}
    </p>
  )
}

interface SureProps {
  label: string
  /** What the first press is called by a screen reader. */
  name?: string
  sure: string
  onSure: () => void
}

/** A deed that cannot be undone is asked for twice, in the same place. */
function Sure({ label, name = label, sure, onSure }: SureProps) {
  const [asked, setAsked] = useState(false)
  return (
    <button
      type="button"
      className={asked ? 'button models-sure' : 'button button-quiet'}
      aria-label={asked ? sure : name}
      onBlur={() => setAsked(false)}
      onKeyDown={({ key }) => key === 'Escape' && setAsked(false)}
      onClick={() => {
        if (asked) onSure()
        setAsked(!asked)
      }}
    >
      {asked ? sure : label}
    </button>
  )
}
