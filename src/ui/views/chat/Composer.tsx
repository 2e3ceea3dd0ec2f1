import { useEffect, useRef, type KeyboardEvent } from 'react'
import { endComposition, isComposed, isRunKey } from '../../components/composition.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { useBusy, useChat, useChatState, useReady } from './hooks.ts'

const BASE_ROLES = ['user', 'assistant', 'system'] as const
/** Pixels the field may grow to. */
const MAX_HEIGHT = 220

/** Roles the template knows, beside those that every chat has. */
function useRoles(): string[] {
  const reads = useChatState((state) => state.template?.reads ?? null)
  return [...new Set([...BASE_ROLES, ...(reads?.roles ?? [])])]
}

/** The message that is being written. Enter sends it, Shift+Enter begins a line. */
export function Composer() {
  const chat = useChat()
  const t = useTranslate()
  const text = useChatState((state) => state.draft.text)
  const role = useChatState((state) => state.draft.role)
  const ready = useReady()
  const busy = useBusy()
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const element = area.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight, MAX_HEIGHT)}px`
  }, [text])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey) return
    // Page-wide Ctrl/Cmd+Enter writes another text; here it sends.
    event.stopPropagation()
    // Enter that ends the composition of a syllable is not meant for the message; 229 is how some browsers mark it.
    if (isComposed(event.nativeEvent) || (event.nativeEvent.keyCode === COMPOSING && !isRunKey(event))) return
    event.preventDefault()
    endComposition(event.nativeEvent)
    if (ready && !busy) void chat.send()
  }
  const prefill = role === 'assistant'
  return (
    <section className="chat-composer">
      <label htmlFor="chat-input" className="visually-hidden">
        {t('chat.input')}
      </label>
      <textarea
        ref={area}
        id="chat-input"
        className="prompt-text"
        data-testid="chat-input"
        rows={2}
        spellCheck={false}
        placeholder={t(prefill ? 'chat.prefillHint' : 'chat.placeholder')}
        value={text}
        onChange={(event) => chat.setDraft({ text: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
      <div className="actions">
        <RoleSelect value={role} onChange={(next) => chat.setDraft({ role: next, fields: {} })} />
        <button
          type="button"
          className="button button-primary"
          data-testid="chat-send"
          disabled={!ready || busy || (text.trim() === '' && !prefill)}
          onClick={() => void chat.send()}
        >
          <Icon name="play" />
          {t(prefill ? 'chat.prefill' : 'chat.send')}
        </button>
        <button
          type="button"
          className="button"
          data-testid="stop"
          disabled={!busy}
          onClick={() => chat.stop()}
        >
          <Icon name="stop" />
          {t('action.stop')}
        </button>
        <button
          type="button"
          className="button button-quiet"
          data-testid="chat-add"
          title={t('chat.addHint')}
          disabled={busy || text.trim() === ''}
          onClick={() => void chat.send({ answer: false })}
        >
          <Icon name="plus" />
          {t('chat.add')}
        </button>
        <span className="note keys">{t('chat.keys')}</span>
      </div>
    </section>
  )
}

/** `keyCode` of a key that an input method has taken. */
const COMPOSING = 229

function RoleSelect({ value, onChange }: { value: string; onChange: (role: string) => void }) {
  const t = useTranslate()
  const roles = useRoles()
  return (
    <select
      className="select"
      data-testid="chat-role"
      aria-label={t('chat.role')}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {[...new Set([...roles, value])].map((role) => (
        <option key={role} value={role}>
          {role}
        </option>
      ))}
    </select>
  )
}
