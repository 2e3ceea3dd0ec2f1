import { useEffect, useState } from 'react'
import { CURATED_KINDS, readCurated, type CuratedKind, type CuratedModel } from './curated.ts'
import { formatBytes, formatCount, formatMagnitude } from '../../../maths/format.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { FindList } from './FindPart.tsx'
import { useModels, useModelsState } from './hooks.ts'

/** Models that show something, each with what it is good for; adapters below the base they fit. */
export function CuratedPart() {
  const session = useSession()
  const t = useTranslate()
  const [list, setList] = useState<readonly CuratedModel[]>([])
  useEffect(() => {
    readCurated(new URL('models.json', document.baseURI).href).then(setList, (error: unknown) =>
      session.report(error),
    )
  }, [session])
  return (
    <section className="models-part" aria-label={t('models.curated')}>
      <h2 className="eyebrow">{t('models.curated')}</h2>
      <p className="note">{t('models.curatedNote')}</p>
      <Bundled />
      {CURATED_KINDS.map((kind) => (
        <Kind key={kind} kind={kind} list={list.filter((model) => model.kind === kind)} />
      ))}
    </section>
  )
}

/** What comes with the page needs no download from elsewhere. */
function Bundled() {
  const session = useSession()
  const t = useTranslate()
  const catalogue = useApp((state) => state.catalogue)
  return (
    <>
      <h3 className="models-kind">{t('models.bundled')}</h3>
      <ul className="models-list">
        {catalogue.models.map(({ id, name, bytes, examples }) => (
          <li key={id} className="models-entry">
            <span className="models-entry-name">{name}</span>
            <span className="note numeric">{bytes === null ? '' : formatBytes(bytes)}</span>
            <span className="models-entry-note note">
              {examples[0] !== undefined && t('models.tryWith', { prompt: examples[0] })}
            </span>
            <span className="models-row-actions">
              <button
                type="button"
                className="button"
                aria-label={t('models.openOf', { name })}
                onClick={() => void session.load(id, { label: name, id })}
              >
                {t('models.open')}
              </button>
            </span>
            <BundledAdapters base={id} />
          </li>
        ))}
      </ul>
    </>
  )
}

function BundledAdapters({ base }: { base: string }) {
  const { app } = useSession()
  const t = useTranslate()
  const adapters = useApp((state) => state.catalogue.adapters).filter((adapter) => adapter.base === base)
  if (adapters.length === 0) return null
  return (
    <p className="models-entry-adapters note">
      <button
        type="button"
        className="button button-quiet"
        onClick={() => app.setState({ view: 'adapters', narrow: 'view' })}
      >
        {t('models.adapters')}
      </button>
      {adapters.map(({ name }) => name).join(' · ')}
    </p>
  )
}

function Kind({ kind, list }: { kind: CuratedKind; list: readonly CuratedModel[] }) {
  const t = useTranslate()
  if (list.length === 0) return null
  return (
    <>
      <h3 className="models-kind">{t(`models.kind.${kind}`)}</h3>
      <ul className="models-list">
        {list.map((model) => (
          <Entry key={model.id} model={model} />
        ))}
      </ul>
    </>
  )
}

function Entry({ model }: { model: CuratedModel }) {
  const models = useModels()
  const t = useTranslate()
  const language = useApp((state) => state.language)
  const { id, name, parameters, bytes, context, license, gated, gguf, note, noteKo } = model
  const look = (source: string) => {
    void models.look(source)
    document.querySelector('[data-testid="models-view"]')?.scrollTo({ top: 0 })
  }
  return (
    <li className="models-entry" data-testid="curated-entry" data-model={id}>
      <span className="models-entry-name">{name}</span>
      <span className="note numeric">
        {formatMagnitude(parameters)} · {formatBytes(bytes)} ·{' '}
        {t('models.fact.contextValue', { count: formatCount(context) })} · {license}
        {gated && ` · ${t('models.gated')}`}
      </span>
      <span className="models-entry-note note">{language === 'ko' ? noteKo : note}</span>
      <span className="models-row-actions">
        <button
          type="button"
          className="button"
          aria-label={t('models.lookAt', { name })}
          onClick={() => look(id)}
        >
          {t('models.look')}
        </button>
        {gguf !== null && (
          <button
            type="button"
            className="button button-quiet"
            aria-label={t('models.ggufOf', { name })}
            onClick={() => look(gguf)}
          >
            {t('models.gguf')}
          </button>
        )}
        <button
          type="button"
          className="button button-quiet"
          aria-label={t('models.adaptersFor', { base: name })}
          onClick={() => void models.findAdapters(id)}
        >
          {t('models.adapters')}
        </button>
      </span>
      <Adapters base={id} />
    </li>
  )
}

/** Adapters of the hub for a base, once they were asked for. */
function Adapters({ base }: { base: string }) {
  const t = useTranslate()
  const results = useModelsState(({ adapters }) => (adapters?.base === base ? adapters : null))
  if (results === null) return null
  return (
    <div className="models-entry-adapters">
      {results.finds.length === 0 ? (
        <p className="note">{t('models.adaptersNone', { base })}</p>
      ) : (
        <FindList finds={results.finds} />
      )}
    </div>
  )
}
