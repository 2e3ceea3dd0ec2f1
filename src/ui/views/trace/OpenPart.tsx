import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { useSavedState, useSavedTraces } from './hooks.ts'

/** A run of the bundled model, shipped with the page; scripts/exampleTrace.mjs makes it. */
const EXAMPLE = 'traces/tales-3m.tokenscope'

/** Where a file comes in: chosen, dropped, or the example. */
export function OpenPart() {
  const t = useTranslate()
  return (
    <section className="trace-part" aria-label={t('trace.openTitle')}>
      <h2 className="region-title">{t('trace.openTitle')}</h2>
      <p className="note">{t('trace.openHint')}</p>
      <div className="trace-actions">
        <OpenButton />
        <ExampleButton />
      </div>
      <OpenState />
    </section>
  )
}

export function OpenButton() {
  const traces = useSavedTraces()
  const t = useTranslate()
  return (
    <label className="button button-file">
      <Icon name="open" />
      <span>{t('trace.open')}</span>
      <input
        type="file"
        accept=".tokenscope"
        className="visually-hidden"
        data-testid="trace-open"
        aria-label={t('trace.open')}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? []
          if (file !== undefined) void traces.open(file, file.name)
          event.currentTarget.value = ''
        }}
      />
    </label>
  )
}

function ExampleButton() {
  const traces = useSavedTraces()
  const t = useTranslate()
  return (
    <button
      type="button"
      className="button"
      data-testid="trace-example"
      title={t('trace.exampleHint')}
      onClick={() => void traces.fetch(new URL(EXAMPLE, document.baseURI).href)}
    >
      {t('trace.example')}
    </button>
  )
}

/** Says that a file is being opened, or why it could not be. */
export function OpenState() {
  const t = useTranslate()
  const opening = useSavedState((state) => state.opening)
  switch (opening.kind) {
    case 'idle':
      return null
    case 'opening':
      return <ReadingBar words={t('trace.opening', { name: opening.name })} />
    case 'failed':
      return (
        <ErrorNotice
          testId="error"
          title={t('trace.openFailed', { name: opening.name })}
          error={opening.error}
        />
      )
  }
}
