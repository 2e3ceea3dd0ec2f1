import { use, useEffect, useRef } from 'react'
import { useApp, useSession, useTranslate } from '../context.ts'
import { VIEWS } from '../views/index.ts'
import { Icon } from '../components/Icon.tsx'
import { COMMAND, type ViewKey } from '../components/viewKeys.ts'

/** Keys that views add to those of the page, from their records. */
const viewKeys = Promise.all(VIEWS.map(async ({ name, keys }) => [name, (await keys?.()) ?? []] as const))

const EVERYWHERE: readonly ViewKey[] = [
  { keys: `${COMMAND}+Enter`, does: 'keys.write' },
  { keys: 'Esc', does: 'keys.stop' },
  { keys: 'J K ← →', does: 'keys.walk' },
  { keys: 'Home End', does: 'keys.ends' },
  { keys: `${COMMAND}+Z ${COMMAND}+Shift+Z`, does: 'keys.undo' },
  { keys: '↑ ↓ Enter', does: 'keys.views' },
  { keys: '← → Enter', does: 'keys.regions' },
  { keys: '?', does: 'keys.sheet' },
]

/** Every key of the page, those of the view on show first, in a dialog that Escape closes. */
export function KeySheet() {
  const { app } = useSession()
  const t = useTranslate()
  const view = useApp((state) => state.view)
  const lists = new Map(use(viewKeys))
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const ordered = [...VIEWS.filter(({ name }) => name === view), ...VIEWS.filter(({ name }) => name !== view)]
  return (
    <dialog
      ref={dialog}
      className="key-sheet"
      aria-labelledby="key-sheet-title"
      onClose={() => app.setState({ keysOpen: false })}
    >
      <header className="key-sheet-head row">
        <h2 id="key-sheet-title" className="region-title">
          {t('keys.title')}
        </h2>
        <button
          type="button"
          className="button button-icon"
          aria-label={t('keys.close')}
          title={t('keys.close')}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="key-lists">
        <KeyList title={t('keys.everywhere')} keys={EVERYWHERE} />
        {ordered.map(({ name, title }) => (
          <KeyList key={name} title={t(title)} keys={lists.get(name) ?? []} />
        ))}
      </div>
    </dialog>
  )
}

function KeyList({ title, keys }: { title: string; keys: readonly ViewKey[] }) {
  const t = useTranslate()
  if (keys.length === 0) return null
  return (
    <section className="key-list">
      <h3 className="eyebrow">{title}</h3>
      <dl>
        {keys.map(({ keys: names, does }) => (
          <div key={does}>
            <dt>
              {names.split(' ').map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
