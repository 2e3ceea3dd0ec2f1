import { useState } from 'react'
import type { ChatMessage } from '../../../api/chat.ts'
import type { Turn } from './turns.ts'
import { useTranslate } from '../../context.ts'
import { useChat, useReady } from './hooks.ts'

const MAX_ROWS = 14

/** A message from JSON; null when it is none. */
function parseMessage(text: string): ChatMessage | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('role' in value)) return null
    return typeof value.role === 'string' ? { ...value, role: value.role } : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Writes another message beside a turn: its text, or all its fields as JSON. */
export function TurnEditor({ turn, onDone }: { turn: Turn; onDone: () => void }) {
  const chat = useChat()
  const t = useTranslate()
  const ready = useReady()
  const original: ChatMessage =
    turn.answer === null ? turn.message : { role: 'assistant', content: chat.textOf(turn) }
  const simple = typeof original.content === 'string' && Object.keys(original).length === 2
  const [raw, setRaw] = useState(!simple)
  const [text, setText] = useState(() =>
    simple ? String(original.content) : JSON.stringify(original, null, 2),
  )
  const message = raw ? parseMessage(text) : { ...original, content: text }
  const save = (answer: boolean) => {
    if (message === null) return
    void chat.edit(turn.id, message, { answer })
    onDone()
  }
  const toggle = (next: boolean) => {
    setRaw(next)
    if (next) setText(JSON.stringify({ ...original, content: text }, null, 2))
    else if (message !== null && typeof message.content === 'string') setText(message.content)
  }
  const answers = original.role !== 'assistant' && original.role !== 'system'
  return (
    <div className="chat-editor">
      <textarea
        className="prompt-text"
        data-testid="chat-edit-text"
        aria-label={t('chat.editText')}
        aria-invalid={message === null}
        rows={Math.min(MAX_ROWS, Math.max(3, text.split('\n').length + 1))}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {message === null && <p className="note">{t('chat.notMessage')}</p>}
      <div className="actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="chat-edit-save"
          disabled={message === null || (answers && !ready)}
          onClick={() => save(answers)}
        >
          {t(answers ? 'chat.send' : 'chat.save')}
        </button>
        <button type="button" className="button" onClick={onDone}>
          {t('chat.cancel')}
        </button>
        <label className="check">
          <input
            type="checkbox"
            checked={raw}
            disabled={raw && (message === null || typeof message.content !== 'string')}
            onChange={(event) => toggle(event.currentTarget.checked)}
          />
          {t('chat.asJson')}
        </label>
      </div>
    </div>
  )
}
