import type { Turn } from './turns.ts'
import { Icon, type IconName } from '../../components/Icon.tsx'
import { comparisonOf } from '../compare/store.ts'
import { stopsOf } from './rendering.ts'
import { useSession, useTranslate } from '../../context.ts'
import { useBusy, useChat, useReady } from './hooks.ts'

interface TurnButtonsProps {
  turn: Turn
  last: boolean
  onEdit: () => void
}

export function TurnButtons({ turn, last, onEdit }: TurnButtonsProps) {
  const chat = useChat()
  const compare = useCompare(turn)
  const t = useTranslate()
  const ready = useReady()
  const busy = useBusy()
  const isAnswer = turn.message.role === 'assistant'
  return (
    <span className="chat-buttons">
      {turn.answer !== null && (
        <TurnButton
          icon="reset"
          label={t('chat.regenerate')}
          testId="chat-regenerate"
          disabled={!ready || busy}
          onClick={() => void chat.regenerate(turn.id)}
        />
      )}
      {turn.answer !== null && (
        <TurnButton
          icon="pair"
          label={t('chat.compare')}
          testId="chat-compare"
          disabled={!ready || busy}
          onClick={compare}
        />
      )}
      {isAnswer && last && (
        <TurnButton
          icon="forward"
          label={t('chat.continue')}
          testId="chat-continue"
          disabled={!ready || busy}
          onClick={() => void chat.goOn(turn.id)}
        />
      )}
      <TurnButton icon="branch" label={t('chat.edit')} testId="chat-edit" disabled={busy} onClick={onEdit} />
      <TurnButton
        icon="close"
        label={t('chat.remove')}
        testId="chat-remove"
        disabled={busy}
        onClick={() => chat.remove(turn.id)}
      />
    </span>
  )
}

/** Opens A/B on what a turn answers. */
function useCompare({ answer }: Turn): () => void {
  const session = useSession()
  const chat = useChat()
  return () => {
    if (answer === null) return
    const { promptIds: ids } = answer.text
    const stop = stopsOf(chat.state.getState()) ?? []
    comparisonOf(session).state.setState({ mode: 'write', chat: { ids, text: answer.prompt, stop } })
    session.app.setState({ view: 'compare' })
  }
}

interface TurnButtonProps {
  icon: IconName
  label: string
  testId: string
  disabled: boolean
  onClick: () => void
}

function TurnButton({ icon, label, testId, disabled, onClick }: TurnButtonProps) {
  return (
    <button
      type="button"
      className="button button-icon chat-small"
      data-testid={testId}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}
