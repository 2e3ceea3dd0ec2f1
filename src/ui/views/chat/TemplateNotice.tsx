import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { FALLBACKS } from './fallbacks.ts'
import { Icon } from '../../components/Icon.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useChat, useChatState } from './hooks.ts'

/** Says it where a model has no template that works, and offers another; nothing is chosen silently. */
export function TemplateNotice() {
  const chat = useChat()
  const t = useTranslate()
  const template = useChatState((state) => state.template)
  const fallback = useChatState((state) => state.fallback)
  const problem = useChatState((state) => state.problem)
  const hasTokenizer = useApp(({ model }) => !('info' in model) || model.info?.hasTokenizer !== false)
  if (!hasTokenizer) return <Remark text={t('chat.noTokenizer')} />
  const fails = template !== null && (template.source === null || template.problem !== null)
  return (
    <>
      {fails && (
        <div className="chat-notice" data-testid="chat-fallback">
          <p>
            <Icon name="warning" />
            {template.problem ?? t('chat.noTemplate')}
          </p>
          <p className="note">{t('chat.fallbackHint')}</p>
          <Segmented
            label={t('chat.fallback')}
            labelled
            value={fallback ?? ''}
            choices={FALLBACKS.map((value) => ({ value, label: t(`chat.fallback.${value}`) }))}
            onChange={(next) => {
              const chosen = FALLBACKS.find((name) => name === next)
              if (chosen !== undefined) chat.setFallback(chosen)
            }}
          />
        </div>
      )}
      {problem !== null && (
        <div className="chat-notice">
          <ErrorNotice testId="chat-problem" error={problem} />
        </div>
      )}
    </>
  )
}

function Remark({ text }: { text: string }) {
  return (
    <div className="chat-notice">
      <p>{text}</p>
    </div>
  )
}
