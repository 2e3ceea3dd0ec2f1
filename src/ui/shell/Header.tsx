import { flushSync } from 'react-dom'
import { NARROW, useMedia, useSession, useTranslate } from '../context.ts'
import { HeaderTools } from './HeaderTools.tsx'
import { ModelPicker } from './ModelPicker.tsx'
import { ModelStatus } from './ModelStatus.tsx'
import { RunMeters } from '../components/RunMeters.tsx'

/** One line on a wide page, two on a tight one; a narrow page has its meters beside the list of views. */
export function Header() {
  const t = useTranslate()
  const narrow = useMedia(NARROW)
  return (
    <header className="header">
      <SkipButton />
      <h1 className="wordmark row">
        <Mark />
        {t('app.name')}
      </h1>
      <ModelPicker />
      <ModelStatus />
      {!narrow && <RunMeters />}
      <HeaderTools />
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

/** A log on a screen: five samples, one of them lit. */
function Mark() {
  return (
    <svg className="mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M2.5 17V11M6.25 17V6.5M10 17V2.5M13.75 17V9M17.5 17v-4" />
      <path className="mark-lit" d="M10 17V2.5" />
    </svg>
  )
}
