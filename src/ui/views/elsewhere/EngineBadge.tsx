import { useSession, useTranslate } from '../../context.ts'
import { Icon } from '../../components/Icon.tsx'
import { hostOf, useRemote } from './hooks.ts'

/** While an engine elsewhere answers, every view says whom the text goes to. */
export function EngineBadge() {
  const { app } = useSession()
  const t = useTranslate()
  const remote = useRemote()
  if (remote === null) return null
  const host = hostOf(remote.url)
  return (
    <button
      type="button"
      className="engine-badge"
      data-testid="engine-badge"
      title={t('engine.badgeHint', { host })}
      onClick={() => app.setState({ view: 'models', narrow: 'view' })}
    >
      <Icon name="link" />
      <span>{t('engine.badge', { host })}</span>
    </button>
  )
}
