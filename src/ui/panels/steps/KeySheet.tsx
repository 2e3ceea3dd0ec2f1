import { useEffect, useRef } from 'react'
import { useTranslate } from '../../context.ts'
import type { MessageKey } from '../../messages/index.ts'

const KEYS: readonly { keys: string; does: MessageKey }[] = [
  { keys: 'F10 → ←', does: 'keys.step' },
  { keys: 'F11 L Shift+L', does: 'keys.layer' },
  { keys: 'J K', does: 'keys.token' },
  { keys: 'Space', does: 'keys.play' },
  { keys: 'B', does: 'keys.breakpoint' },
  { keys: 'F8 R', does: 'keys.run' },
  { keys: '/', does: 'keys.search' },
  { keys: '← ↑ ↓ →', does: 'keys.cell' },
  { keys: '+ − 0', does: 'keys.zoom' },
  { keys: '?', does: 'keys.sheet' },
]

/** The keys of the view, in a dialog that Escape closes. */
export function KeySheet({ onClose }: { onClose: () => void }) {
  const t = useTranslate()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} className="key-sheet" aria-labelledby="key-sheet-title" onClose={onClose}>
      <h2 id="key-sheet-title" className="region-title">
        {t('keys.title')}
      </h2>
      <dl>
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(does)}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button" onClick={() => dialog.current?.close()}>
        {t('keys.close')}
      </button>
    </dialog>
  )
}
