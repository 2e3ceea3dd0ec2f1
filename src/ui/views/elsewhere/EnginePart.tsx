import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useRef } from 'react'
import { answeringModel } from '../../../state/app.ts'
import { nameOf } from '../../../state/elsewhere/shownModel.ts'
import { allowOrigin } from '../../../state/origins.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { EngineOffers } from './EngineOffers.tsx'
import { hostOf, useEngine, useEngineState, useRemote } from './hooks.ts'

/** Where a model in an engine elsewhere is connected, and what that engine was seen to offer. */
export function EnginePart() {
  const t = useTranslate()
  const remote = useRemote()
  return (
    <section className="models-part" aria-labelledby="engine-title" data-testid="engine-part">
      <h2 className="eyebrow" id="engine-title">
        {t('engine.title')}
      </h2>
      {remote === null ? <ConnectForm /> : <Connected />}
    </section>
  )
}

function ConnectForm() {
  const t = useTranslate()
  const engine = useEngine()
  const { phase, url, model } = useEngineState((state) => state)
  const key = useRef<HTMLInputElement>(null)
  return (
    <>
      <p className="models-about note">{t('engine.about')}</p>
      {url !== '' && phase.kind === 'idle' && <p role="status">{t('engine.linked')}</p>}
      <form
        className="engine-form"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          const text = (name: string): string => {
            const value = form.get(name)
            return typeof value === 'string' ? value : ''
          }
          void engine
            .connect({ url: text('url'), model: text('model'), key: text('key') })
            .then((connected) => {
              if (connected && key.current !== null) key.current.value = ''
            })
        }}
      >
        {/* A link may fill these in after the form has come. */}
        <Field key={`url ${url}`} name="url" value={url} placeholder="http://127.0.0.1:8080" />
        <Field key={`model ${model}`} name="model" value={model} placeholder={t('engine.modelPlaceholder')} />
        <label className="models-field">
          <span className="eyebrow">{t('engine.key')}</span>
          <input
            ref={key}
            name="key"
            type="password"
            className="input"
            data-testid="engine-key"
            placeholder={t('engine.keyPlaceholder')}
            autoComplete="off"
          />
        </label>
        <ConnectButtons />
      </form>
      <p className="note">{t('engine.keyNote')}</p>
      <Failure />
    </>
  )
}

function Field({ name, value, placeholder }: { name: 'url' | 'model'; value: string; placeholder: string }) {
  const t = useTranslate()
  return (
    <label className="models-field">
      <span className="eyebrow">{t(`engine.${name}`)}</span>
      <input
        name={name}
        className="input"
        data-testid={`engine-${name}`}
        defaultValue={value}
        placeholder={placeholder}
        required={name === 'url'}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
    </label>
  )
}

function ConnectButtons() {
  const t = useTranslate()
  const engine = useEngine()
  const url = useEngineState((state) => state.url)
  const connecting = useEngineState((state) => state.phase.kind === 'connecting')
  return (
    <div className="engine-buttons cluster">
      <button
        type="submit"
        className="button button-primary"
        data-testid="engine-connect"
        disabled={connecting}
      >
        {t('engine.connect')}
      </button>
      {connecting && (
        <>
          <button type="button" className="button" onClick={() => engine.cancel()}>
            {t('engine.cancel')}
          </button>
          <ReadingBar words={t('engine.asking', { host: hostOf(url) })} />
        </>
      )}
    </div>
  )
}

/** Why nothing was connected: what the browser or the engine said, and what to do. */
function Failure() {
  const t = useTranslate()
  const { phase, url } = useEngineState((state) => state)
  if (phase.kind !== 'failed') return null
  const { code, details } = phase.error
  const { origin, why } = details
  return (
    <>
      <div data-testid="engine-error" data-code={code} data-why={typeof why === 'string' ? why : undefined}>
        <ErrorNotice error={phase.error} />
      </div>
      {typeof origin === 'string' && (
        <div className="engine-buttons cluster">
          <button
            type="button"
            className="button button-primary"
            data-testid="origin-allow"
            onClick={() => allowOrigin(origin, 'engine', url)}
          >
            {t('engine.allow', { origin })}
          </button>
        </div>
      )}
    </>
  )
}

function Connected() {
  const t = useTranslate()
  const session = useSession()
  const engine = useEngine()
  const info = useApp((state) => answeringModel(state.model))
  if (!info?.remote) return null
  const host = hostOf(info.remote.url)
  return (
    <>
      <p className="models-name" data-testid="engine-name">
        {t('engine.name', { model: info.id, host })}
      </p>
      <div className="engine-buttons cluster">
        <button
          type="button"
          className="button button-primary"
          onClick={() => session.app.setState({ view: 'write' })}
        >
          {t('engine.write')}
        </button>
        <button
          type="button"
          className="button"
          data-testid="engine-disconnect"
          onClick={() => {
            engine.disconnect().catch((error: unknown) => session.report(error))
          }}
        >
          {t('engine.disconnect')}
        </button>
      </div>
      <OtherModels />
      <EngineOffers remote={info.remote} />
    </>
  )
}

/** Another of the models that the engine lists needs a connection of its own, with the key given again. */
function OtherModels() {
  const t = useTranslate()
  const remote = useRemote()
  const shown = useApp((state) => answeringModel(state.model)?.id)
  const others = remote?.models.filter((id) => nameOf(id) !== shown) ?? []
  if (others.length === 0) return null
  return <p className="note engine-others">{t('engine.others', { names: others.join(', ') })}</p>
}
