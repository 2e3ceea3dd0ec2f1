import { useState } from 'react'
import { openNamed } from '../../state/arrival.ts'
import { callTab } from '../../state/tabs.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { Icon } from '../components/Icon.tsx'

/** Another tab holds the model: nothing is loaded here before a person asks for it. */
export function TakenNotice() {
  const session = useSession()
  const t = useTranslate()
  const model = useApp((state) => state.taken)
  const label = useApp(
    ({ catalogue, taken }) => catalogue.models.find(({ id }) => id === taken)?.name ?? taken,
  )
  const [called, setCalled] = useState(false)
  if (model === null) return null
  const load = () => {
    session.app.setState({ taken: null })
    openNamed(session, model, { label: label ?? model, id: model }).catch((error: unknown) =>
      session.report(error),
    )
  }
  return (
    <div className="notice" role="status" data-testid="taken">
      <Icon name="pair" />
      <div className="notice-text">
        <strong>{t('taken.title', { name: label ?? model })}</strong>
        <p>{t(called ? 'taken.called' : 'taken.body')}</p>
      </div>
      <button
        type="button"
        className="button button-primary"
        data-testid="taken-use"
        onClick={() => {
          callTab(model)
          setCalled(true)
        }}
      >
        {t('taken.use')}
      </button>
      <button type="button" className="button" data-testid="taken-load" onClick={load}>
        {t('taken.load')}
      </button>
    </div>
  )
}
