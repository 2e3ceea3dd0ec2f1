import { useState } from 'react'
import { answeringModel } from '../../../state/app.ts'
import type { AdapterEntry } from '../../../state/catalogue.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { formatBytes } from '../../../maths/format.ts'
import { useAdaptersState, useComing } from './hooks.ts'
import { useAdapterActions } from './useAdapterActions.ts'

/** Ways to an adapter: one of the page's own, files, a folder, an address. */
export function AddPanel() {
  const t = useTranslate()
  const blocked = useBlocked()
  return (
    <div className="adapter-add">
      {blocked !== null && <p className="note">{blocked}</p>}
      <Offers disabled={blocked !== null} />
      <section className="adapter-source">
        <h3 className="eyebrow">{t('adapters.files')}</h3>
        <p className="note">{t('adapters.filesHint')}</p>
        <FileButtons disabled={blocked !== null} />
      </section>
      <AddressField disabled={blocked !== null} />
    </div>
  )
}

/** Why nothing can be added now, or null. */
function useBlocked(): string | null {
  const t = useTranslate()
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const merged = useAdaptersState((state) => state.merged !== null)
  if (!ready) return t('adapters.noModel')
  return merged ? t('adapters.mergedBlocks') : null
}

/** A chooser of whole folders; React knows no attribute for it. */
function asFolderInput(input: HTMLInputElement | null): void {
  if (input !== null) input.webkitdirectory = true
}

export function FileButtons({ disabled }: { disabled: boolean }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const takeFiles = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])]
    input.value = ''
    // An empty folder is said to be one.
    void adapters.addFiles(files)
  }
  return (
    <div className="adapter-buttons">
      <label className="button button-file" data-disabled={disabled}>
        <Icon name="open" />
        {t('adapters.openFiles')}
        <input
          type="file"
          className="visually-hidden"
          data-testid="adapter-drop"
          multiple
          accept=".json,.safetensors,.gguf,.zip,.bin,.md"
          disabled={disabled}
          onChange={(event) => takeFiles(event.currentTarget)}
        />
      </label>
      <label className="button button-file" data-disabled={disabled}>
        {t('adapters.openFolder')}
        <input
          type="file"
          className="visually-hidden"
          data-testid="adapter-folder"
          ref={asFolderInput}
          disabled={disabled}
          onChange={(event) => takeFiles(event.currentTarget)}
        />
      </label>
    </div>
  )
}

function AddressField({ disabled }: { disabled: boolean }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const [address, setAddress] = useState('')
  return (
    <form
      className="adapter-source"
      onSubmit={(event) => {
        event.preventDefault()
        if (address.trim() === '') return
        void adapters.addAddress(address.trim()).then((added) => added && setAddress(''))
      }}
    >
      <label className="eyebrow" htmlFor="adapter-address">
        {t('adapters.address')}
      </label>
      <div className="adapter-address">
        <input
          id="adapter-address"
          className="input"
          data-testid="adapter-address"
          placeholder="https://…/adapter/"
          value={address}
          disabled={disabled}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <button type="submit" className="button" disabled={disabled || address.trim() === ''}>
          {t('adapters.load')}
        </button>
      </div>
    </form>
  )
}

/** The page's own adapters. */
export function Offers({ disabled }: { disabled: boolean }) {
  const t = useTranslate()
  const offered = useApp((state) => state.catalogue.adapters)
  if (offered.length === 0) return null
  return (
    <section className="adapter-source">
      <h3 className="eyebrow">{t('adapters.offers')}</h3>
      <ul className="offers">
        {offered.map((entry) => (
          <ListedAdapter key={entry.id} entry={entry} disabled={disabled} />
        ))}
      </ul>
    </section>
  )
}

function ListedAdapter({ entry, disabled }: { entry: AdapterEntry; disabled: boolean }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const modelId = useApp((state) => state.modelId)
  const models = useApp((state) => state.catalogue.models)
  const loaded = useAdaptersState((state) =>
    state.tracks.some(({ origin }) => origin.kind === 'listed' && origin.id === entry.id),
  )
  const isComing = useComing().includes(entry.name)
  const stranger = entry.base !== null && entry.base !== modelId
  const base = models.find(({ id }) => id === entry.base)?.name ?? entry.base ?? ''
  return (
    <li className="offer">
      <div className="offer-head row gap-2">
        <strong>{entry.name}</strong>
        <button
          type="button"
          className="button button-small"
          data-testid={`adapter-offer-${entry.id}`}
          aria-label={t('adapters.addNamed', { name: entry.name })}
          disabled={disabled || loaded || isComing || stranger}
          onClick={() => void adapters.addListed(entry)}
        >
          {t(loaded ? 'adapters.added' : isComing ? 'adapters.reading' : 'adapters.add')}
        </button>
      </div>
      <p className="note">
        {entry.note} {entry.bytes !== null && <span className="offer-size">{formatBytes(entry.bytes)}</span>}
      </p>
      {loaded && <TryButton entry={entry} />}
      {stranger && <p className="note">{t('adapters.forModel', { model: base })}</p>}
    </li>
  )
}

/** Puts the adapter's own example into the prompt and writes, when a person wants it. */
function TryButton({ entry }: { entry: AdapterEntry }) {
  const session = useSession()
  const t = useTranslate()
  const [example] = entry.examples
  if (example === undefined) return null
  return (
    <button
      type="button"
      className="button button-small button-quiet"
      data-testid={`adapter-try-${entry.id}`}
      aria-label={t('adapters.tryNamed', { name: entry.name })}
      onClick={() => {
        session.app.setState({ prompt: example })
        void session.generate()
      }}
    >
      {t('adapters.try')}
    </button>
  )
}
