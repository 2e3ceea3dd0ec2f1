import { flushSync } from 'react-dom'
import type { Theme } from '../../store/app.ts'
import { speeds } from '../../store/trace.ts'
import { useApp, useSession, useSlowTrace, useTranslate } from '../context.ts'
import { formatBytes, formatSpeed } from '../format.ts'
import { LANGUAGES } from '../messages/index.ts'
import { VIEWS } from '../panels/index.ts'
import { Icon, type IconName } from './Icon.tsx'
import { ModelPicker } from './ModelPicker.tsx'
import { ModelStatus } from './ModelStatus.tsx'

export function Header() {
  const t = useTranslate()
  return (
    <header className="header">
      <SkipButton />
      <div className="header-main">
        <h1 className="wordmark">
          <Mark />
          {t('app.name')}
        </h1>
        <ModelPicker />
        <ModelStatus />
        <div className="header-end">
          <LanguageSelect />
          <ThemeButton />
        </div>
      </div>
      <div className="header-sub">
        <ViewTabs />
        <RunMeters />
      </div>
    </header>
  )
}

/** First stop of the Tab key: past the controls, to the text. */
function SkipButton() {
  const { app } = useSession()
  const t = useTranslate()
  const skip = () => {
    flushSync(() => app.setState({ narrow: 'view' }))
    document.getElementById('output')?.focus()
  }
  return (
    <button type="button" className="skip" onClick={skip}>
      {t('app.skip')}
    </button>
  )
}

/** A trace on a screen: five samples, one of them lit. */
function Mark() {
  return (
    <svg className="mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M2.5 17V11M6.25 17V6.5M10 17V2.5M13.75 17V9M17.5 17v-4" />
      <path className="mark-lit" d="M10 17V2.5" />
    </svg>
  )
}

export function ViewTabs() {
  const { app } = useSession()
  const t = useTranslate()
  const view = useApp((state) => state.view)
  return (
    <nav className="tabs" aria-label={t('views.label')}>
      {VIEWS.map(({ name, title }) => (
        <button
          key={name}
          type="button"
          className="tab"
          data-testid={`view-${name}`}
          aria-current={name === view ? 'page' : undefined}
          onClick={() => app.setState({ view: name, narrow: 'view' })}
        >
          {t(title)}
        </button>
      ))}
    </nav>
  )
}

/** Measured speeds of the run on the page, and the memory of its model. */
function RunMeters() {
  const t = useTranslate()
  const trace = useSlowTrace(250)
  const memory = useApp((state) => state.memory)
  const { prefill, decode } = speeds(trace.timing)
  return (
    <dl className="meters" aria-label={t('run.title')}>
      <Meter name={t('run.prefill')} hint={t('run.prefillHint')} value={prefill} />
      <Meter name={t('run.decode')} hint={t('run.decodeHint')} value={decode} />
      <div className="meter" title={t('model.memory')}>
        <dt>{t('model.backend')}</dt>
        <dd className="numeric">{memory === null ? '—' : formatBytes(memory.gpuBytes)}</dd>
      </div>
    </dl>
  )
}

function Meter({ name, hint, value }: { name: string; hint: string; value: number | null }) {
  const t = useTranslate()
  return (
    <div className="meter" title={hint}>
      <dt>{name}</dt>
      <dd className="numeric" title={value === null ? t('run.notMeasured') : hint}>
        {value === null ? '—' : formatSpeed(value)} <span className="unit">{t('run.unit')}</span>
      </dd>
    </div>
  )
}

function LanguageSelect() {
  const { app } = useSession()
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
        if (chosen !== undefined) app.setState({ language: chosen.code })
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
