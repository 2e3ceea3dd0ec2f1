import { useSyncExternalStore } from 'react'
import type { Theme } from '../../state/app.ts'
import { LONGEST_PROMPT } from '../../state/hash.ts'
import { pageLink } from '../../state/link.ts'
import { omittedParts, onLinkPartChange } from '../../state/linkParts.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { LANGUAGES, loadLanguage } from '../words/index.ts'
import { soon } from '../views/later.tsx'
import { useCopied } from '../components/useCopied.ts'
import { Icon, type IconName } from '../components/Icon.tsx'

const UndoButtons = soon(async () => (await import('./UndoButtons.tsx')).UndoButtons)

/** What concerns the whole page: undo, share, keys, language, light. */
export function HeaderTools() {
  return (
    <div className="header-tools row">
      <span className="header-undo">
        <UndoButtons />
      </span>
      <CopyLink />
      <KeysButton />
      <LanguageSelect />
      <ThemeButton />
    </div>
  )
}

function CopyLink() {
  const session = useSession()
  const t = useTranslate()
  const files = useApp((state) => state.modelId === null && state.model.kind === 'ready')
  const [copied, copy] = useCopied()
  const long = useApp((state) => state.prompt.length > LONGEST_PROMPT)
  const omitted = useSyncExternalStore(onLinkPartChange, () => omittedParts().join(' '))
  const partly = omitted.includes('edits') ? 'link.noEdits' : omitted ? 'link.noAdapters' : 'link.copy'
  const label = t(files ? 'link.noFiles' : long ? 'link.without' : partly)
  return (
    <>
      <button
        type="button"
        className="button button-icon"
        data-testid="copy-link"
        aria-label={label}
        title={label}
        onClick={() => copy(pageLink(session), 'The address line holds the same link: copy it from there.')}
      >
        <Icon name={copied ? 'check' : 'link'} />
      </button>
      <span className="visually-hidden" role="status">
        {copied ? t('link.copied') : ''}
      </span>
    </>
  )
}

function KeysButton() {
  const { app } = useSession()
  const t = useTranslate()
  const label = t('keys.button')
  return (
    <button
      type="button"
      className="button button-icon keys-button"
      data-testid="keys"
      aria-label={label}
      title={`${label} (?)`}
      onClick={() => app.setState({ keysOpen: true })}
    >
      <Icon name="keyboard" />
    </button>
  )
}

function LanguageSelect() {
  const session = useSession()
  const t = useTranslate()
  const language = useApp((state) => state.language)
  return (
    <select
      className="select select-quiet"
      aria-label={t('language.label')}
      data-testid="language"
      value={language}
      onChange={(event) => {
        const chosen = LANGUAGES.find(({ code }) => code === event.currentTarget.value)
        if (chosen === undefined) return
        loadLanguage(chosen.code).then(
          () => session.app.setState({ language: chosen.code }),
          (error: unknown) => session.report(error),
        )
      }}
    >
      {LANGUAGES.map(({ code, name }) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  )
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }
const THEME_ICON: Readonly<Record<Theme, IconName>> = { auto: 'auto', light: 'sun', dark: 'moon' }

function ThemeButton() {
  const { app } = useSession()
  const t = useTranslate()
  const theme = useApp((state) => state.theme)
  const label = t('theme.label', { theme: t(`theme.${theme}`) })
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid="theme"
      aria-label={label}
      title={label}
      onClick={() => app.setState({ theme: NEXT_THEME[theme] })}
    >
      <Icon name={THEME_ICON[theme]} />
    </button>
  )
}
