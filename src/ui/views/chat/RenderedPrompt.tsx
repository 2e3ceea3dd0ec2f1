import { memo } from 'react'
import type { PromptToken } from './promptIds.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useTranslate } from '../../context.ts'
import { useChatState } from './hooks.ts'

/** The prompt as the model reads it: the rendered text, token by token, special ones spelled. */
export function RenderedPrompt() {
  const t = useTranslate()
  const shown = useChatState((state) => state.showsPrompt)
  const rendered = useChatState((state) => state.rendered)
  if (!shown) return null
  return (
    <section className="chat-rendered" aria-label={t('chat.prompt')}>
      {rendered === null ? (
        <p className="note">{t('chat.promptEmpty')}</p>
      ) : (
        <>
          <p className="note numeric">
            {t('chat.promptCount', { tokens: rendered.tokens.length, characters: [...rendered.text].length })}
          </p>
          <RenderedTokens tokens={rendered.tokens} />
        </>
      )}
    </section>
  )
}

const RenderedTokens = memo(function RenderedTokens({ tokens }: { tokens: readonly PromptToken[] }) {
  return (
    <div className="chat-rendered-text" data-testid="chat-rendered" tabIndex={0} role="group">
      {tokens.map(({ id, text, special }, index) => (
        <span
          key={index}
          className={special ? 'chip chip-prompt chip-special' : 'chip chip-prompt'}
          data-prompt-index={index}
          data-token-id={id}
          title={String(id)}
        >
          <TokenText text={text} />
        </span>
      ))}
    </div>
  )
})
