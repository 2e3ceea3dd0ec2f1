import { useState } from 'react'
import type { ErrorData } from '../../errors.ts'
import { answeringModel, type PageError } from '../../state/app.ts'
import { useApp, useErrorText, useSession, useTranslate } from '../context.ts'
import { later } from '../views/later.tsx'
import { Icon } from '../components/Icon.tsx'

const TakenNotice = later(async () => (await import('./TakenNotice.tsx')).TakenNotice)
const OddNotice = later(async () => (await import('../views/models/OddNotice.tsx')).OddNotice)

/** What needs the person's attention, between the header and the work: an error, a lost GPU. */
export function Notices() {
  const model = useApp((state) => state.model)
  const error = useApp((state) => state.error)
  const taken = useApp((state) => state.taken)
  const odd = useApp((state) => state.odd !== null)
  return (
    <>
      {model.kind === 'lost' && <LostNotice error={model.error} />}
      {taken !== null && <TakenNotice />}
      {odd && <OddNotice />}
      {error !== null && <ErrorNotice error={error} />}
    </>
  )
}

function LostNotice({ error }: { error: ErrorData }) {
  const session = useSession()
  const t = useTranslate()
  const { message } = useErrorText()(error)
  return (
    <div className="notice notice-lost" role="alert" data-testid="lost">
      <Icon name="warning" />
      <div className="notice-text">
        <strong>{t('lost.title')}</strong>
        <p>
          {t('lost.body')} <span className="note">{message}</span>
        </p>
      </div>
      <button
        type="button"
        className="button button-primary"
        data-testid="reload"
        onClick={() => void session.reload()}
      >
        <Icon name="reset" />
        {t('action.reload')}
      </button>
    </div>
  )
}

function ErrorNotice({ error }: { error: PageError }) {
  const { app } = useSession()
  const t = useTranslate()
  const { message, hint } = useErrorText()(error)
  const model = useApp((state) => answeringModel(state.model))
  const { failed } = error
  const answering = failed?.what === 'model' ? model : null
  return (
    <div className="notice notice-error" role="alert" data-testid="error" data-code={error.code}>
      <Icon name="warning" />
      <div className="notice-text">
        <strong>
          {failed === undefined
            ? t(`error.of.${error.code}`)
            : t(failed.name === '' ? `error.failed.${failed.what}` : `error.failedNamed.${failed.what}`, {
                name: failed.name,
              })}
        </strong>
        <p>{firstLine(message)}</p>
        {hint !== '' && <p className="notice-hint">{hint}</p>}
        {answering !== null && <p className="note">{t('error.stillAnswers', { name: answering.id })}</p>}
      </div>
      <CopyDetails error={error} />
      <button
        type="button"
        className="button button-icon"
        aria-label={t('action.dismiss')}
        title={t('action.dismiss')}
        onClick={() => app.setState({ error: null })}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}

/** The stack of a bug belongs into the copied details, not on the page. */
function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}

function CopyDetails({ error }: { error: ErrorData }) {
  const { app } = useSession()
  const t = useTranslate()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    const { model, modelId, settings } = app.getState()
    const backend = 'info' in model && model.info !== null ? model.info.backend : null
    const report = { ...error, modelId, backend, settings, browser: navigator.userAgent }
    await navigator.clipboard.writeText(JSON.stringify(report, null, 2))
    setCopied(true)
  }
  return (
    <button
      type="button"
      className="button"
      onClick={() => {
        copy().catch((cause: unknown) => app.setState({ error: { ...error, hint: String(cause) } }))
      }}
    >
      <Icon name="copy" />
      {t(copied ? 'action.copied' : 'action.copyDetails')}
    </button>
  )
}
