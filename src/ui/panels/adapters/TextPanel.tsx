import { answeringModel, isRunning } from '../../../store/app.ts'
import { Icon } from '../../components/Icon.tsx'
import { Legend } from '../../components/Legend.tsx'
import { TokenStream } from '../../components/TokenStream.tsx'
import { useApp, useSession, useSlowTrace, useTranslate } from '../../context.ts'
import { MixChip } from './MixChip.tsx'

/** The text on the page beside the mixer: its colours follow the sliders. */
export function TextPanel() {
  const session = useSession()
  const t = useTranslate()
  const prompt = useApp((state) => state.prompt)
  const colouring = useApp((state) => state.colouring)
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const running = useApp((state) => isRunning(state.run))
  const { tokens } = useSlowTrace(250)
  return (
    <div className="mix-text">
      <label htmlFor="prompt" className="visually-hidden">
        {t('prompt.label')}
      </label>
      <textarea
        id="prompt"
        className="prompt-text"
        data-testid="prompt"
        rows={2}
        spellCheck={false}
        placeholder={t('prompt.placeholder')}
        value={prompt}
        onChange={(event) => session.app.setState({ prompt: event.currentTarget.value })}
      />
      <div className="actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="generate"
          disabled={!ready}
          onClick={() => void session.generate()}
        >
          <Icon name="play" />
          {t('action.generate')}
        </button>
        <button
          type="button"
          className="button"
          data-testid={running ? 'stop' : 'continue'}
          disabled={!running && (!ready || tokens.length === 0)}
          onClick={() => (running ? session.stop() : void session.continue())}
        >
          <Icon name={running ? 'stop' : 'forward'} />
          {t(running ? 'action.stop' : 'action.continue')}
        </button>
        <Legend colouring={colouring} />
      </div>
      <MixChip />
      <TokenStream />
    </div>
  )
}
