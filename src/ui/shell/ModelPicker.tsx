import { useState } from 'react'
import { answeringModel, remoteOf } from '../../state/app.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { formatBytes } from '../../maths/format.ts'
import { Icon } from '../components/Icon.tsx'

const OTHER = ' other'
const DROPPED = ' dropped'
const FAR = ' far'

/** Which model: one of the list, an address, or files from this machine. */
export function ModelPicker() {
  const session = useSession()
  const t = useTranslate()
  const catalogue = useApp((state) => state.catalogue)
  const modelId = useApp((state) => state.modelId)
  const dropped = useApp((state) => state.modelId === null && state.model.kind !== 'empty')
  const far = useApp((state) => remoteOf(state) && answeringModel(state.model)?.id)
  const [asking, setAsking] = useState(false)
  const listed = catalogue.models.some((entry) => entry.id === modelId)

  const choose = (value: string) => {
    setAsking(value === OTHER)
    if (value.startsWith(' ')) return
    // The tab's own model is still there beside the engine.
    if (far && value === modelId && session.ownModel) return void session.showEngine(null)
    const entry = catalogue.models.find(({ id }) => id === value)
    void session.load(value, { label: entry?.name ?? value, id: value })
  }
  return (
    <div className="picker row">
      <label htmlFor="model-select" className="visually-hidden">
        {t('model.label')}
      </label>
      <select
        id="model-select"
        className="select select-model"
        data-testid="model-select"
        value={asking ? OTHER : far ? FAR : (modelId ?? DROPPED)}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {catalogue.models.map((entry) => (
          <option key={entry.id} value={entry.id}>
            {entry.bytes === null ? entry.name : `${entry.name} (${formatBytes(entry.bytes)})`}
          </option>
        ))}
        {modelId !== null && !listed && <option value={modelId}>{modelId}</option>}
        {far && <option value={FAR}>{far}</option>}
        {modelId === null && !far && (
          <option value={DROPPED}>{t(dropped ? 'model.dropped' : 'status.empty')}</option>
        )}
        <option value={OTHER}>{t('model.other')}</option>
      </select>
      {asking && <AddressForm onDone={() => setAsking(false)} />}
      {!asking && <FileButton />}
    </div>
  )
}

function AddressForm({ onDone }: { onDone: () => void }) {
  const session = useSession()
  const t = useTranslate()
  return (
    <form
      className="address"
      onSubmit={(event) => {
        event.preventDefault()
        const address = new FormData(event.currentTarget).get('address')
        if (typeof address !== 'string' || address.trim() === '') return
        onDone()
        const id = address.trim()
        import('../../state/arrival.ts')
          .then(({ openNamed }) => openNamed(session, id, { label: id, id }))
          .catch((error: unknown) => session.report(error))
      }}
    >
      <input
        name="address"
        className="input"
        aria-label={t('model.address')}
        placeholder={t('model.address')}
        autoFocus
      />
      <button type="submit" className="button">
        {t('model.load')}
      </button>
      <button type="button" className="button button-icon" aria-label={t('model.close')} onClick={onDone}>
        <Icon name="close" />
      </button>
    </form>
  )
}

function FileButton() {
  const session = useSession()
  const t = useTranslate()
  return (
    <label className="button button-file" title={t('model.openHint')}>
      <Icon name="open" />
      <span>{t('model.open')}</span>
      <input
        type="file"
        multiple
        className="visually-hidden"
        data-testid="model-drop"
        aria-label={t('model.open')}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])]
          event.currentTarget.value = ''
          if (files.length > 0) void session.load(files, { label: t('model.dropped'), id: null })
        }}
      />
    </label>
  )
}
