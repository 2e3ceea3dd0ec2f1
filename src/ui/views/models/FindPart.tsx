import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useRef } from 'react'
import type { HubFind } from '../../../api/source.ts'
import { formatMagnitude } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useModels, useModelsState } from './hooks.ts'

/** Search by name, or a place to paste an id or a link. */
export function FindPart() {
  const t = useTranslate()
  return (
    <section className="models-part" aria-label={t('models.find')}>
      <p className="models-about note">{t('models.about')}</p>
      <div className="models-find">
        <SearchField />
        <IdField />
      </div>
      <Finds />
    </section>
  )
}

function SearchField() {
  const models = useModels()
  const t = useTranslate()
  return (
    <form
      role="search"
      className="models-field"
      onSubmit={(event) => {
        event.preventDefault()
        const words = new FormData(event.currentTarget).get('words')
        if (typeof words === 'string') void models.find(words)
      }}
    >
      <label className="eyebrow" htmlFor="hub-search">
        {t('models.search')}
      </label>
      <input
        id="hub-search"
        name="words"
        type="search"
        className="input"
        data-testid="hub-search"
        placeholder={t('models.searchPlaceholder')}
        autoComplete="off"
      />
    </form>
  )
}

/** Looks at once at what is pasted, else when it is left or entered. */
function IdField() {
  const models = useModels()
  const t = useTranslate()
  const last = useRef('')
  const look = (text: string) => {
    const source = text.trim()
    if (source === '' || source === last.current) return
    last.current = source
    void models.look(source)
  }
  return (
    <form
      className="models-field"
      onSubmit={(event) => {
        event.preventDefault()
        const source = new FormData(event.currentTarget).get('source')
        last.current = ''
        if (typeof source === 'string') look(source)
      }}
    >
      <label className="eyebrow" htmlFor="hub-id">
        {t('models.id')}
      </label>
      <span className="models-row">
        <input
          id="hub-id"
          name="source"
          className="input"
          data-testid="hub-id"
          placeholder={t('models.idPlaceholder')}
          autoComplete="off"
          spellCheck={false}
          onPaste={({ currentTarget }) => setTimeout(() => look(currentTarget.value))}
          onBlur={({ currentTarget }) => look(currentTarget.value)}
        />
        <button type="submit" className="button">
          {t('models.look')}
        </button>
      </span>
    </form>
  )
}

function Finds() {
  const t = useTranslate()
  const search = useModelsState((state) => state.search)
  switch (search.kind) {
    case 'none':
      return null
    case 'searching':
      return <ReadingBar words={t('models.searching')} />
    case 'failed':
      return <ErrorNotice error={search.error} />
    case 'found': {
      const { words, finds } = search
      if (finds.length === 0)
        return (
          <p className="note" role="status">
            {t('models.nothing', { words })}
          </p>
        )
      return (
        <>
          <p className="note" role="status">
            {t('models.found', { count: finds.length, words })}
          </p>
          <FindList finds={finds} />
        </>
      )
    }
  }
}

/** Finds of the hub; a press looks into one. */
export function FindList({ finds }: { finds: readonly HubFind[] }) {
  const models = useModels()
  const t = useTranslate()
  return (
    <ul className="models-finds">
      {finds.map(({ id, license, downloads, gated }) => (
        <li key={id}>
          <button
            type="button"
            className="models-find-button"
            data-testid="hub-find"
            aria-label={t('models.lookAt', { name: id })}
            onClick={() => void models.look(id)}
          >
            <span className="models-find-id">{id}</span>
            <span className="note">{license}</span>
            <span className="note">{gated && t('models.gated')}</span>
            <span className="note numeric">
              {downloads !== null && t('models.downloads', { count: formatMagnitude(downloads) })}
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
