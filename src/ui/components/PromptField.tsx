import type { KeyboardEventHandler, Ref } from 'react'
import { useApp, useSession, useTranslate } from '../context.ts'

interface PromptFieldProps {
  /** A label of the view's own says what it is, for the id `prompt`. */
  labelled?: boolean
  onKeyDown?: KeyboardEventHandler<HTMLTextAreaElement>
  ref?: Ref<HTMLTextAreaElement>
}

/** The page's prompt: one text, whichever view it is written in. */
export function PromptField({ labelled = false, onKeyDown, ref }: PromptFieldProps) {
  const { app } = useSession()
  const t = useTranslate()
  const prompt = useApp((state) => state.prompt)
  return (
    <>
      {!labelled && (
        <label htmlFor="prompt" className="visually-hidden">
          {t('prompt.label')}
        </label>
      )}
      <textarea
        ref={ref}
        id="prompt"
        className="prompt-text"
        data-testid="prompt"
        rows={2}
        spellCheck={false}
        placeholder={t('prompt.placeholder')}
        value={prompt}
        onChange={(event) => app.setState({ prompt: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
    </>
  )
}
