import { useEffect, useRef } from 'react'
import { useApp, useSession, useTranslate } from '../context.ts'
import type { MessageKey } from '../words/index.ts'
import { VIEWS } from '../views/index.ts'
import { Icon } from '../components/Icon.tsx'

interface Key {
  /** Keys that do the same or are a pair, parted by spaces. */
  keys: string
  does: MessageKey
}

const COMMAND = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

const EVERYWHERE: readonly Key[] = [
  { keys: `${COMMAND}+Enter`, does: 'keys.write' },
  { keys: 'Esc', does: 'keys.stop' },
  { keys: 'J K ← →', does: 'keys.walk' },
  { keys: `${COMMAND}+Z ${COMMAND}+Shift+Z`, does: 'keys.undo' },
  { keys: '↑ ↓ Enter', does: 'keys.views' },
  { keys: '← → Enter', does: 'keys.regions' },
  { keys: '?', does: 'keys.sheet' },
]

/** Keys a view adds to those of the page, by its name. */
const OF_VIEWS: Readonly<Record<string, readonly Key[]>> = {
  chat: [
    { keys: 'Enter', does: 'keys.chatSend' },
    { keys: 'Shift+Enter', does: 'keys.chatLine' },
  ],
  tokenizer: [{ keys: '← →', does: 'keys.tokenIds' }],
  steps: [
    { keys: 'F10 → ←', does: 'keys.step' },
    { keys: 'F11 L Shift+L', does: 'keys.layer' },
    { keys: 'J K', does: 'keys.token' },
    { keys: 'Space', does: 'keys.play' },
    { keys: 'B', does: 'keys.breakpoint' },
    { keys: 'F8 R', does: 'keys.run' },
    { keys: '/', does: 'keys.search' },
    { keys: '← ↑ ↓ →', does: 'keys.cell' },
    { keys: '+ − 0', does: 'keys.zoom' },
  ],
  map: [
    { keys: '← ↑ ↓ → Enter', does: 'keys.mapParts' },
    { keys: 'F10 Shift+F10', does: 'keys.step' },
    { keys: 'F11 L Shift+L', does: 'keys.layer' },
    { keys: 'J K', does: 'keys.token' },
    { keys: 'Space', does: 'keys.play' },
  ],
  attention: [
    { keys: '← ↑ ↓ → Home End', does: 'keys.heads' },
    { keys: 'Shift+→', does: 'keys.headsMore' },
  ],
  lens: [{ keys: '← ↑ ↓ → Home End', does: 'keys.lensCell' }],
  train: [{ keys: '↑ ↓ Home End', does: 'keys.trainExamples' }],
  branches: [
    { keys: '↑ ↓ Home End', does: 'keys.branchLines' },
    { keys: '← →', does: 'keys.branchTokens' },
    { keys: 'Enter', does: 'keys.branchUse' },
    { keys: 'Delete', does: 'keys.branchRemove' },
  ],
  edits: [
    { keys: '← ↑ ↓ → Enter', does: 'keys.parts' },
    { keys: 'Space Enter', does: 'keys.patch' },
  ],
  score: [
    { keys: `${COMMAND}+Enter`, does: 'keys.scoreRun' },
    { keys: '← →', does: 'keys.scoredToken' },
  ],
  precision: [{ keys: '← → Home End', does: 'keys.scoredToken' }],
  speculate: [
    { keys: `${COMMAND}+Enter`, does: 'keys.speculateRun' },
    { keys: 'J K ← →', does: 'keys.places' },
  ],
  adapters: [{ keys: '↑ ↓', does: 'keys.adapterRow' }],
  compare: [
    { keys: `${COMMAND}+Enter`, does: 'keys.compareRun' },
    { keys: 'N', does: 'keys.divergence' },
    { keys: 'J K', does: 'keys.positions' },
  ],
  log: [
    { keys: 'J K', does: 'keys.fileTokens' },
    { keys: '↑ ↓ Home End', does: 'keys.fileSteps' },
  ],
}

/** Every key of the page, those of the view on show first, in a dialog that Escape closes. */
export function KeySheet() {
  const { app } = useSession()
  const t = useTranslate()
  const view = useApp((state) => state.view)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const others = VIEWS.filter(({ name }) => name in OF_VIEWS && name !== view)
  const ordered = [...VIEWS.filter(({ name }) => name === view), ...others]
  return (
    <dialog
      ref={dialog}
      className="key-sheet"
      aria-labelledby="key-sheet-title"
      onClose={() => app.setState({ keysOpen: false })}
    >
      <header className="key-sheet-head">
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
          <KeyList key={name} title={t(title)} keys={OF_VIEWS[name] ?? []} />
        ))}
      </div>
    </dialog>
  )
}

function KeyList({ title, keys }: { title: string; keys: readonly Key[] }) {
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
