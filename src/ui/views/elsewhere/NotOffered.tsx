import { BlankSlate } from '../../components/BlankSlate.tsx'
import type { RemoteEngine } from '../../../api/model.ts'
import { openOwn } from '../../../state/elsewhere/own.ts'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { Icon } from '../../components/Icon.tsx'
import { hostOf } from './hooks.ts'

/** What a view would show, as far as an engine would have to give it. */
const LACKS = {
  branches: 'far.fork',
  score: 'far.score',
  adapters: 'far.adapters',
  precision: 'far.weights',
  train: 'far.weights',
  tokenizer: 'far.files',
} as const

const isKnown = (view: string): view is keyof typeof LACKS => view in LACKS

/** One line on what this engine does not give, and the way to the same view of the tab's own model. */
export function NotOffered({ view, remote }: { view: string; remote: RemoteEngine }) {
  const t = useTranslate()
  return (
    <div data-testid="far-lacks" data-view={view}>
      <BlankSlate title={t('far.title', { host: hostOf(remote.url) })}>
        <p>{t(isKnown(view) ? LACKS[view] : 'far.inside')}</p>
        <OwnButton />
      </BlankSlate>
    </div>
  )
}

/** To the tab's own model: the one that is loaded, else the one that the page would open with. */
export function OwnButton() {
  const session = useSession()
  const t = useTranslate()
  const catalogue = useApp((state) => state.catalogue)
  const modelId = useApp((state) => state.modelId) ?? catalogue.initial
  const ownModel = session.ownModel
  const name = ownModel?.info.id ?? catalogue.models.find(({ id }) => id === modelId)?.name ?? modelId
  if (name === null) return null
  return (
    <p className="far-buttons">
      <button
        type="button"
        className="button button-primary"
        data-testid="far-own"
        onClick={() => {
          openOwn(session).catch((error: unknown) => session.report(error))
        }}
      >
        <Icon name="open" />
        {t(ownModel === null ? 'far.load' : 'far.own', { name })}
      </button>
    </p>
  )
}
