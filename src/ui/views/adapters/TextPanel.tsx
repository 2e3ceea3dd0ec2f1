import { Legend } from '../../components/Legend.tsx'
import { TextButtons } from '../../components/RunButtons.tsx'
import { TokenStream } from '../../components/TokenStream.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { ScalesChip } from './ScalesChip.tsx'

/** The text on the page beside the sliders: its colours follow the sliders. */
export function TextPanel() {
  const session = useSession()
  const t = useTranslate()
  const prompt = useApp((state) => state.prompt)
  const colouring = useApp((state) => state.colouring)
  return (
    <div className="scales-text">
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
        <TextButtons />
        <Legend colouring={colouring} />
      </div>
      <ScalesChip />
      <TokenStream />
    </div>
  )
}
